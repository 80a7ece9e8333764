-- Who is whom: identifiers, the edges between them, and the splits that people asked for.

CREATE TABLE identifier (
    identifier  uuid PRIMARY KEY,
    workspace   text NOT NULL,
    kind        text NOT NULL,
    value       text,
    customer_id uuid NOT NULL,
    is_common   boolean NOT NULL DEFAULT false
) WITH (fillfactor = 90);
CREATE INDEX identifier_customer ON identifier (customer_id);

-- Each pair's first naming; is_refused where it joins nothing.
CREATE TABLE edge (
    a           uuid NOT NULL,
    b           uuid NOT NULL,
    is_merge    boolean NOT NULL,
    workspace   text NOT NULL,
    occurred_at timestamptz NOT NULL,
    source      text NOT NULL,
    id          text NOT NULL,
    is_refused  boolean NOT NULL,
    PRIMARY KEY (a, b, is_merge)
) WITH (fillfactor = 90);
CREATE INDEX edge_b ON edge (b);

-- Later namings of a pair: only a split makes them matter, and it may come at any time.
CREATE TABLE edge_again (
    a           uuid NOT NULL,
    b           uuid NOT NULL,
    is_merge    boolean NOT NULL,
    occurred_at timestamptz NOT NULL,
    source      text NOT NULL,
    id          text NOT NULL
);
CREATE INDEX edge_again_a ON edge_again (a);

CREATE TABLE split (
    workspace   text NOT NULL,
    occurred_at timestamptz NOT NULL,
    source      text NOT NULL,
    id          text NOT NULL,
    one         uuid[] NOT NULL,
    other       uuid[] NOT NULL,
    PRIMARY KEY (workspace, source, id)
);
CREATE INDEX split_members ON split USING gin ((one || other));
-- A customer at its cap asks only for what joined: refused namings may be a hundred thousand.
CREATE INDEX edge_joined ON edge (a) WHERE NOT is_refused;
