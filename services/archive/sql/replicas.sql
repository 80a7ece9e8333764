-- Those that answer.
SELECT count() FROM clusterAllReplicas({cluster:String}, system.one)
