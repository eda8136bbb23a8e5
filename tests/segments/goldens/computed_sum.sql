-- {"computed":"sum","gt":150}

-- everybody
-- v0 = 150.0
-- v1 = 2026-03-29 09:30:00.501
-- v2 = 0
-- v3 = track
-- v4 = Ordered
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v1:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v2:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(if(JSONType(value_1_0) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(value_1_0), NULL) > {v0:Float64}, 0)), 0) AS holds_0
FROM (
    SELECT
        *,
        toString(toFloat64(ifNull(sum_0, toInt128(0))) / 1000000) AS value_1_0
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            sumIf(toInt128(revenue * 1000000), 1) AS sum_0,
            minOrNullIf(timestamp, timestamp >= {v1:DateTime64(3, 'UTC')}) AS oldest_1
        FROM events
        WHERE (type = {v3:String} AND event = {v4:String})
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
