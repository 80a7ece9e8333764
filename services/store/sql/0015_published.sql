-- How far the log was looked through for decisions that are sent to a topic of Kafka. It can't be had from the log, and a
-- rebuild leaves it alone: what was sent once is not sent again.
CREATE TABLE touchline.published_progress (
    partition   smallint PRIMARY KEY,
    next_offset bigint NOT NULL CHECK (next_offset >= 0)
);

GRANT SELECT, INSERT, UPDATE ON touchline.published_progress TO touchline_fold;
