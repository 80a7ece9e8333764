SELECT internal_replication FROM system.clusters WHERE cluster = {cluster:String} ORDER BY shard_num, replica_num
