-- The table's own id is the archive's epoch: a table that was lost and made again has another.
SELECT toString(uuid), engine, create_table_query
FROM system.tables
WHERE database = currentDatabase() AND name = 'event'
