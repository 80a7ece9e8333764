-- How far the archive was fed, and the one insert that may be under way: what must survive a crash between the two.

CREATE TABLE touchline.archive_progress (
    partition     smallint PRIMARY KEY,
    next_offset   bigint NOT NULL DEFAULT 0,
    pending_first bigint,
    pending_last  bigint,
    CONSTRAINT pending_begins_where_archived_ends CHECK (
        num_nulls(pending_first, pending_last) = 2
        OR (pending_first = next_offset AND pending_last >= pending_first)
    )
);

-- The archive that was fed: another one, or none, means to begin again.
CREATE TABLE touchline.archive_epoch (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    epoch   text NOT NULL
);

GRANT SELECT, INSERT, UPDATE, DELETE ON touchline.archive_progress, touchline.archive_epoch TO touchline_fold;
GRANT SELECT ON touchline.archive_progress, touchline.archive_epoch TO touchline_query;
