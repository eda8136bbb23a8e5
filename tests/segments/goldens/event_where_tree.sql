-- {"event":"Ordered","where":{"any":[{"field":"country","is":"DE"},{"property":"revenue","gt":100}]}}

-- everybody
-- v0 = DE
-- v1 = 100.0
-- v2 = 1
-- v3 = 2026-03-29 09:30:00.501
-- v4 = 0
-- v5 = track
-- v6 = Ordered
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v3:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v4:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(count_0 >= {v2:Float64}), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        countIf((ifNull(nullIf(country, '') = {v0:String}, 0) OR ifNull(toFloat64(revenue) > {v1:Float64}, 0))) AS count_0,
        minOrNullIf(timestamp, timestamp >= {v3:DateTime64(3, 'UTC')}) AS oldest_1
    FROM events
    WHERE (type = {v5:String} AND event = {v6:String})
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
