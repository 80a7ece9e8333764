-- Where decisions are sent, and what of them is on its way. None of it can be had from the log: a rebuild leaves it alone.

CREATE TABLE touchline.target (
    target_id  text PRIMARY KEY,
    workspace  text NOT NULL REFERENCES touchline.workspace,
    name       text NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('webhook', 'slack', 'feishu', 'email')),
    -- Of the address what may be read by whoever reads this table.
    shown      text NOT NULL,
    types      text[] NOT NULL CHECK (cardinality(types) > 0),
    language   text NOT NULL CHECK (language IN ('en', 'zh')),
    is_enabled boolean NOT NULL DEFAULT true,
    -- Address and secrets, sealed under a data key of the vault.
    key_id     text NOT NULL,
    sealed     bytea NOT NULL,
    -- By partition the first offset that it is told of: what was decided before it came is not sent.
    begins_at  jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX target_workspace ON touchline.target (workspace, created_at, target_id);

CREATE TABLE touchline.delivery (
    delivery_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    workspace    text NOT NULL,
    target_id    text NOT NULL REFERENCES touchline.target,
    event_id     text NOT NULL,
    type         text NOT NULL,
    body         bytea NOT NULL,
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    -- When it was put into the queue, or put there again: three days are counted from here.
    queued_at    timestamptz NOT NULL,
    due_at       timestamptz,
    attempted_at timestamptz,
    ended_at     timestamptz,
    status       smallint,
    problem      text,
    CONSTRAINT waits_or_ended CHECK (
        (state = 'waiting') = (due_at IS NOT NULL) AND (state = 'waiting') = (ended_at IS NULL)
    ),
    -- A decision goes to a target once, however often it is found in the log.
    UNIQUE (target_id, event_id)
);
CREATE INDEX delivery_due ON touchline.delivery (target_id, due_at, delivery_id) WHERE state = 'waiting';
CREATE INDEX delivery_ended ON touchline.delivery (target_id, state, ended_at) WHERE state <> 'waiting';
CREATE INDEX delivery_workspace ON touchline.delivery (workspace, delivery_id);

-- How far the log was looked through for what is to be sent.
CREATE TABLE touchline.delivery_progress (
    partition   smallint PRIMARY KEY,
    next_offset bigint NOT NULL CHECK (next_offset >= 0)
);

GRANT SELECT ON touchline.target TO touchline_fold;
GRANT SELECT, INSERT, UPDATE, DELETE ON touchline.delivery TO touchline_fold;
GRANT SELECT, INSERT, UPDATE ON touchline.delivery_progress TO touchline_fold;
GRANT SELECT, INSERT, UPDATE ON touchline.target TO touchline_query;
GRANT SELECT, INSERT ON touchline.delivery TO touchline_query;
-- Sending again is asked for by hand; what became of it is the sender's to say.
GRANT UPDATE (state, attempts, queued_at, due_at, ended_at) ON touchline.delivery TO touchline_query;
