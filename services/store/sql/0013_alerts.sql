-- Alerts: where each customer stands with the alert rules, which alerts were told, and backtests of rules. As with scores,
-- a rebuild of the projections leaves all of it alone: it raises nothing and tells nothing.

-- Beside the scores, and due with them: time may open or close an episode as it may change a score.
ALTER TABLE touchline.score ADD COLUMN alerts bytea NOT NULL DEFAULT '';

-- Which rules each workspace's rows were lived by: another digest makes them all due.
CREATE TABLE touchline.alert_book (
    workspace text PRIMARY KEY,
    digest    text NOT NULL
);

-- An alert as it was told; customer_id is the customer's then, whose identifier tells who it is now.
CREATE TABLE touchline.alert (
    workspace       text NOT NULL,
    alert_id        text NOT NULL,
    customer_id     uuid NOT NULL,
    rule            text NOT NULL,
    policy_version  integer NOT NULL,
    severity        text NOT NULL,
    owner           text NOT NULL,
    began_at        timestamptz NOT NULL,
    raised_at       timestamptz NOT NULL,
    facts           jsonb NOT NULL,
    events          jsonb NOT NULL,
    is_restated     boolean NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    action          text,
    acted_at        timestamptz,
    snoozed_until   timestamptz,
    closed_at       timestamptz,
    closed_by       text,
    reason          text,
    outcome         text NOT NULL,
    -- When it may first be known, or known next, what became of the customer.
    outcome_due_at  timestamptz,
    PRIMARY KEY (workspace, alert_id)
) WITH (fillfactor = 80);
CREATE INDEX alert_newest ON touchline.alert (workspace, raised_at DESC, alert_id DESC);
CREATE INDEX alert_open ON touchline.alert (workspace, raised_at DESC, alert_id DESC) WHERE closed_at IS NULL;
CREATE INDEX alert_outcome_due ON touchline.alert (outcome_due_at) WHERE outcome_due_at IS NOT NULL;
CREATE INDEX alert_customer ON touchline.alert (customer_id);

-- What a rule would have found, by the digest of its very words.
CREATE TABLE touchline.alert_backtest (
    workspace text NOT NULL,
    rule      text NOT NULL,
    digest    text NOT NULL,
    tested_at timestamptz NOT NULL DEFAULT now(),
    by        text NOT NULL,
    body      jsonb NOT NULL,
    PRIMARY KEY (workspace, rule, digest)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON touchline.alert, touchline.alert_book, touchline.alert_backtest TO touchline_fold;
GRANT SELECT ON touchline.alert TO touchline_query;
GRANT SELECT, INSERT, UPDATE ON touchline.alert_backtest TO touchline_query;
