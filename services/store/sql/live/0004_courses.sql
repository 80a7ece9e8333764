-- What rules and the passing of time make of the facts: the clock, the rules, and one row a customer and course.

CREATE TABLE control (
    is_only  boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    tick     timestamptz,
    revision bigint NOT NULL DEFAULT 0
);
INSERT INTO control DEFAULT VALUES;

-- Policies, and the time zones of workspaces: what applies from when on. Without effective_at it always did.
CREATE TABLE rule (
    workspace    text NOT NULL,
    kind         text NOT NULL,
    name         text NOT NULL,
    occurred_at  timestamptz NOT NULL,
    source       text NOT NULL,
    id           text NOT NULL,
    version      bigint NOT NULL,
    effective_at timestamptz,
    body         bytea NOT NULL,
    PRIMARY KEY (workspace, kind, name, source, id)
);

-- What changes a balance and is no order: redemptions, adjustments, grants, feedback; and what was taken back.
CREATE TABLE ledger (
    leaf      uuid NOT NULL,
    source    text NOT NULL,
    id        text NOT NULL,
    is_void   boolean NOT NULL,
    workspace text NOT NULL,
    type      text NOT NULL,
    entry     bytea NOT NULL,
    PRIMARY KEY (leaf, source, id, is_void)
);
CREATE INDEX ledger_void ON ledger (leaf) WHERE is_void;
CREATE INDEX ledger_type ON ledger (workspace, type);

-- Whose order it is: a ledger that is settled again asks for all of a customer's.
ALTER TABLE purchase_order ADD COLUMN leaf uuid;
CREATE INDEX purchase_order_leaf ON purchase_order (leaf);

CREATE TABLE activity (
    leaf      uuid PRIMARY KEY,
    workspace text NOT NULL,
    facts     bytea NOT NULL
) WITH (fillfactor = 70);

-- A course's state is that of its entries alone; the columns after it are what it comes to at the last tick. due_at
-- is when time alone changes them, told is what of them is decided.
CREATE TABLE lifecycle (
    customer_id uuid PRIMARY KEY,
    workspace   text NOT NULL,
    state       bytea NOT NULL,
    as_of       timestamptz,
    due_at      timestamptz,
    told        bytea NOT NULL,
    stage       text,
    stages      jsonb NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX lifecycle_due ON lifecycle (due_at);
CREATE INDEX lifecycle_stage ON lifecycle (workspace, stage, customer_id);

CREATE TABLE loyalty (
    customer_id   uuid PRIMARY KEY,
    workspace     text NOT NULL,
    state         bytea NOT NULL,
    as_of         timestamptz,
    due_at        timestamptz,
    told          bytea NOT NULL,
    balance       bigint NOT NULL,
    pending       bigint NOT NULL,
    available     bigint NOT NULL,
    debt          bigint NOT NULL,
    tier          text,
    tier_until_at timestamptz,
    expiring      jsonb NOT NULL,
    months        jsonb NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX loyalty_due ON loyalty (due_at);
CREATE INDEX loyalty_tier ON loyalty (workspace, tier, customer_id);

-- The last decision of each kind about a customer; a rebuild reads it and decides nothing anew.
CREATE TABLE decided (
    workspace   text NOT NULL,
    customer_id uuid NOT NULL,
    kind        text NOT NULL,
    value       text,
    event_id    text NOT NULL,
    PRIMARY KEY (customer_id, kind)
);
