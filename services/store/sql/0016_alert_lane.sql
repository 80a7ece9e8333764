-- Alerts have a lane of their own through the outbox: they are found without looking at what waits before them.
-- Every row says its type right after its source, and a quotation mark within a text of it would be escaped.
CREATE INDEX outbox_alerts ON touchline.outbox (outbox_id) WHERE position('"type":"alert.'::bytea IN event) > 0;
