-- Scores: what a fold behind the projector keeps of each leaf, the scores of each customer, and the models they come
-- from. A rebuild of the projections leaves all of it alone: it scores nothing and tells nothing.

-- How far scoring has come; no row before the first record of a partition, no tick before the first.
CREATE TABLE touchline.scoring_progress (
    partition   smallint PRIMARY KEY,
    next_offset bigint NOT NULL
);
CREATE TABLE touchline.scoring_clock (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    tick    timestamptz NOT NULL
);

-- Customers that identifiers came to or left, until scoring has looked at them again; every customer's id is the hash
-- of one of its identifiers, which tells whom it is part of now.
CREATE TABLE touchline.regrouped (
    regrouped_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id  uuid NOT NULL
);

-- A leaf's events as scores see them. In pages, so that an event writes two kilobytes again and not a whole history.
CREATE TABLE touchline.scored_page (
    leaf      uuid NOT NULL,
    page      integer NOT NULL,
    workspace text NOT NULL,
    entries   bytea NOT NULL,
    PRIMARY KEY (leaf, page)
) WITH (fillfactor = 80);

-- Rows are as of the day of the last tick, or of the last event where that is later. due_at is when the passing of time
-- may change them next.
CREATE TABLE touchline.score (
    customer_id uuid PRIMARY KEY,
    workspace   text NOT NULL,
    due_at      timestamptz,
    tier        text,
    scores      jsonb NOT NULL,
    models      jsonb NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX score_due ON touchline.score (due_at);
CREATE INDEX score_tier ON touchline.score (workspace, tier, customer_id);

-- What of the scores was told last, as an event of that id.
CREATE TABLE touchline.score_told (
    customer_id uuid NOT NULL,
    score       text NOT NULL,
    workspace   text NOT NULL,
    value       double precision NOT NULL,
    band        text NOT NULL,
    event_id    text NOT NULL,
    PRIMARY KEY (customer_id, score)
) WITH (fillfactor = 80);

-- Models as trained, and which of them score: the promotion that ranks last, by the canonical order.
CREATE TABLE touchline.model (
    workspace     text NOT NULL,
    model         text NOT NULL,
    version       text NOT NULL,
    trained_until timestamptz NOT NULL,
    trained_at    timestamptz NOT NULL DEFAULT now(),
    parameters    jsonb NOT NULL,
    card          jsonb NOT NULL,
    PRIMARY KEY (workspace, model, version)
);
CREATE TABLE touchline.promotion (
    workspace   text NOT NULL,
    occurred_at timestamptz NOT NULL,
    source      text NOT NULL,
    id          text NOT NULL,
    model       text NOT NULL,
    version     text NOT NULL,
    PRIMARY KEY (workspace, source, id)
);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON touchline.scoring_progress, touchline.scoring_clock, touchline.regrouped, touchline.scored_page,
       touchline.score, touchline.score_told, touchline.model, touchline.promotion TO touchline_fold;
GRANT SELECT
    ON touchline.scoring_progress, touchline.scoring_clock, touchline.scored_page, touchline.score, touchline.model,
       touchline.promotion TO touchline_query;
