-- {"computed":"count","is":0}

-- everybody
-- v0 = 2026-03-22 09:30:00.501
-- v1 = 604800000
-- v2 = 2026-03-29 09:30:00.501
-- v3 = 0.0
-- v4 = 0
-- v5 = track
-- v6 = Ordered
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v2:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_0) + {v1:Int64}, toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(oldest_2) + {v4:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(if(JSONType(value_2_0) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(value_2_0), NULL) = {v3:Float64}, 0)), 0) AS holds_0
FROM (
    SELECT
        *,
        toString(count_1) AS value_2_0
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            minOrNullIf(timestamp, timestamp >= {v0:DateTime64(3, 'UTC')}) AS oldest_0,
            countIf(timestamp >= {v0:DateTime64(3, 'UTC')} AND timestamp < {v2:DateTime64(3, 'UTC')}) AS count_1,
            minOrNullIf(timestamp, timestamp >= {v2:DateTime64(3, 'UTC')}) AS oldest_2
        FROM events
        WHERE (type = {v5:String} AND event = {v6:String}) AND timestamp >= {v0:DateTime64(3, 'UTC')}
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 1)
