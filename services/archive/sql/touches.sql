SELECT family, count()
FROM event
WHERE workspace = {workspace:String} AND leaf IN {leaves:Array(UUID)}
GROUP BY family
