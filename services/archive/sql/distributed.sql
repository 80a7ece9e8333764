-- A leaf's rows are in one shard: its timeline is asked of all, and one has it.
CREATE TABLE IF NOT EXISTS $database.event$on AS $database.event_shard
ENGINE = Distributed(`$cluster`, $database, event_shard, cityHash64(workspace, leaf))
