SELECT count()
FROM event
WHERE arrayExists(
    (of, first, last) -> partition = of AND offset BETWEEN first AND last,
    {partitions:Array(UInt16)}, {firsts:Array(UInt64)}, {lasts:Array(UInt64)}
)
