-- {"event":"Ordered","count":{"gte":2},"within":{"last":"7d"}}

-- everybody
-- v0 = 2026-03-22 09:30:00.501
-- v1 = 2026-03-29 09:30:00.501
-- v2 = 2.0
-- v3 = 604800000
-- v4 = 0
-- v5 = track
-- v6 = Ordered
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v1:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v3:Int64}, toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(oldest_2) + {v4:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(count_0 >= {v2:Float64}), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        countIf(timestamp >= {v0:DateTime64(3, 'UTC')} AND timestamp < {v1:DateTime64(3, 'UTC')}) AS count_0,
        minOrNullIf(timestamp, timestamp >= {v0:DateTime64(3, 'UTC')}) AS oldest_1,
        minOrNullIf(timestamp, timestamp >= {v1:DateTime64(3, 'UTC')}) AS oldest_2
    FROM events
    WHERE (type = {v5:String} AND event = {v6:String}) AND timestamp >= {v0:DateTime64(3, 'UTC')}
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)

-- chosen people
-- v0 = 2026-03-22 09:30:00.501
-- v1 = 2026-03-29 09:30:00.501
-- v2 = 2.0
-- v3 = 604800000
-- v4 = 0
-- v5 = track
-- v6 = Ordered
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v1:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v3:Int64}, toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(oldest_2) + {v4:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(count_0 >= {v2:Float64}), 0) AS holds_0
FROM (
    SELECT
        transform(identity_id, {identities:Array(UInt64)}, {profiles:Array(UInt64)}, toUInt64(0)) AS subject,
        countIf(timestamp >= {v0:DateTime64(3, 'UTC')} AND timestamp < {v1:DateTime64(3, 'UTC')}) AS count_0,
        minOrNullIf(timestamp, timestamp >= {v0:DateTime64(3, 'UTC')}) AS oldest_1,
        minOrNullIf(timestamp, timestamp >= {v1:DateTime64(3, 'UTC')}) AS oldest_2
    FROM events
    WHERE identity_id IN {identities:Array(UInt64)} AND (type = {v5:String} AND event = {v6:String}) AND timestamp >= {v0:DateTime64(3, 'UTC')}
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
