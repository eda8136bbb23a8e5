-- {"event":"Viewed","count":{"eq":0},"within":{"last":"7d"}}

-- everybody
-- v0 = 2026-03-29 09:30:00.501
-- v1 = 2026-03-22 09:30:00.501
-- v2 = 604800000
-- v3 = 0
-- v4 = track
-- v5 = Viewed
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v0:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(newest_0) + {v2:Int64}, toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(oldest_1) + {v3:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(newest_0 >= {v1:DateTime64(3, 'UTC')}, 0)), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        maxOrNullIf(timestamp, timestamp < {v0:DateTime64(3, 'UTC')}) AS newest_0,
        minOrNullIf(timestamp, timestamp >= {v0:DateTime64(3, 'UTC')}) AS oldest_1
    FROM events
    WHERE (type = {v4:String} AND event = {v5:String}) AND timestamp >= {v1:DateTime64(3, 'UTC')}
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
