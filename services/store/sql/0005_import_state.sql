-- How far each file or sample was loaded; beside the log, so that both are lost or restored together.

CREATE TABLE touchline.import_state (
    workspace  text NOT NULL,
    name       text NOT NULL,
    state      bytea NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace, name)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON touchline.import_state TO touchline_fold;
