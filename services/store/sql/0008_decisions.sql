-- What was asked for, and what of it is on its way: none of it can be had from the log.

-- Answers by Idempotency-Key, for ever: the same key and request get the same answer.
CREATE TABLE touchline.command (
    workspace       text NOT NULL,
    idempotency_key text NOT NULL,
    request_digest  text NOT NULL,
    status          smallint NOT NULL,
    answer          jsonb NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, idempotency_key)
);

-- Points that are spoken for until their event is folded.
CREATE TABLE touchline.pending_redemption (
    workspace  text NOT NULL,
    event_id   text NOT NULL,
    leaf       uuid NOT NULL,
    points     bigint NOT NULL CHECK (points >= 0),
    reward     text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, event_id)
);
CREATE INDEX pending_redemption_leaf ON touchline.pending_redemption (leaf);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON touchline.command, touchline.pending_redemption TO touchline_fold;
GRANT SELECT, INSERT ON touchline.command, touchline.pending_redemption TO touchline_query;
GRANT SELECT ON SEQUENCE touchline.outbox_outbox_id_seq TO touchline_fold;
