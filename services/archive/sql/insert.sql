-- Fields of the log's JSON, and where the record stands; others of its fields are left out.
INSERT INTO event
(
    partition, offset, workspace, id, source, type, version, occurred_at, received_at, identifiers, key_kind, data,
    sealed, cause
)
FORMAT JSONEachRow
