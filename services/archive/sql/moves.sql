-- How long somebody was in the stage that was left is known where the decision before it led there.
SELECT machine, previous, stage, days, is_restated, count() AS moves
FROM
(
    SELECT
        machine, previous, stage, since, is_restated,
        if(previous != '' AND lagInFrame(stage) OVER before = previous,
           dateDiff('day', lagInFrame(since) OVER before, since), NULL) AS days
    FROM
    (
        SELECT
            JSONExtractString(data, 'customer_id') AS customer,
            if(JSONHas(data, 'machine'), JSONExtractString(data, 'machine'), 'default') AS machine,
            JSONExtractString(data, 'previous_stage') AS previous,
            JSONExtractString(data, 'stage') AS stage,
            JSONExtractBool(data, 'is_restated') AS is_restated,
            ifNull(toDate32OrNull(JSONExtractString(data, 'since')), toDate32(occurred_at, 'UTC')) AS since,
            occurred_at, id
        FROM event
        PREWHERE type = 'lifecycle.changed'
        WHERE workspace = {workspace:String}
    )
    WINDOW before AS (
        PARTITION BY customer, machine ORDER BY since, occurred_at, id
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    )
)
WHERE since BETWEEN {first:Date32} AND {last:Date32}
GROUP BY machine, previous, stage, days, is_restated
ORDER BY machine, previous, stage, days, is_restated
