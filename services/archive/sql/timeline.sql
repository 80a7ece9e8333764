SELECT
    id, source, type, version, toUnixTimestamp64Micro(occurred_at) AS occurred_us, leaf, data, key_id, ciphertext, cause
FROM event
WHERE workspace = {workspace:String}
  AND leaf IN {leaves:Array(UUID)}
  AND (empty({families:Array(String)}) OR has({families:Array(String)}, family))
  AND ({is_newest:Bool} OR (occurred_at, source, id)
       < (fromUnixTimestamp64Micro({occurred_us:Int64}, 'UTC'), {source:String}, {id:String}))
ORDER BY occurred_at DESC, source DESC, id DESC
LIMIT {limit:UInt32}
