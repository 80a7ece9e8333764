-- Customers whose facts went on while a backlog was folded, and whose rows of courses wait until it is done. Until then
-- whoever asks for one of them takes the course's entries, not its state. The columns say what they are to be told by.
CREATE TABLE unsettled (
    customer_id uuid PRIMARY KEY,
    workspace   text NOT NULL,
    key         bytea NOT NULL,
    caused_at   timestamptz NOT NULL,
    event_id    text,
    is_old      boolean NOT NULL
);
