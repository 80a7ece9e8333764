-- What must survive a rebuild: dead letters, the outbox.

CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

CREATE TABLE touchline.dead_letter (
    letter_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace   text NOT NULL,
    origin      text NOT NULL,
    partition   smallint,
    "offset"    bigint,
    source      text,
    event_id    text,
    type        text,
    reason      text NOT NULL,
    field       text,
    key_id      text NOT NULL,
    ciphertext  bytea NOT NULL,
    state       text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resubmitted', 'quarantined')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    UNIQUE (partition, "offset")
);
CREATE INDEX dead_letter_workspace ON touchline.dead_letter (workspace, letter_id);

-- What commands and folds decided, on its way to the log; the relay deletes what it has appended.
CREATE TABLE touchline.outbox (
    outbox_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace  text NOT NULL,
    event      bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

GRANT SELECT, INSERT, UPDATE, DELETE ON touchline.dead_letter, touchline.outbox TO touchline_fold;
GRANT SELECT, INSERT, UPDATE ON touchline.dead_letter TO touchline_query;
GRANT INSERT, SELECT ON touchline.outbox TO touchline_query;
