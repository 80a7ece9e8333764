SELECT engine, create_table_query
FROM clusterAllReplicas({cluster:String}, system.tables)
WHERE database = {database:String} AND name = 'event_shard'
ORDER BY create_table_query
