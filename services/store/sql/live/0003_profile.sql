-- Facts live with the leaf; a customer is a view of the facts of its leaves.

CREATE TABLE profile (
    leaf      uuid PRIMARY KEY,
    workspace text NOT NULL,
    facts     bytea NOT NULL
) WITH (fillfactor = 70);

-- All reports, refunds and cancellations of one order, whoever told of it.
CREATE TABLE purchase_order (
    order_key uuid PRIMARY KEY,
    workspace text NOT NULL,
    order_id  text NOT NULL,
    facts     bytea NOT NULL
) WITH (fillfactor = 90);

CREATE TABLE customer (
    customer_id  uuid PRIMARY KEY,
    workspace    text NOT NULL,
    name         text,
    traits       jsonb NOT NULL,
    families     jsonb NOT NULL,
    channels     jsonb NOT NULL,
    first_at     timestamptz,
    last_at      timestamptz,
    orders       bigint NOT NULL,
    refunds      bigint NOT NULL,
    spend_minor  jsonb NOT NULL,
    completeness smallint NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX customer_workspace ON customer (workspace, customer_id);
CREATE INDEX customer_name ON customer USING gin (lower(name) public.gin_trgm_ops);
