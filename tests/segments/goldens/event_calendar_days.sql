-- {"event":"Viewed","within":{"last_days":4,"zone":"Europe/Istanbul"}}

-- everybody
-- v0 = 2026-03-29 21:00:00.000
-- v1 = 2026-03-25 21:00:00.000
-- v2 = Europe/Istanbul
-- v3 = 4
-- v4 = 0
-- v5 = 2026-03-29 09:30:00.501
-- v6 = 0
-- v7 = track
-- v8 = Viewed
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v5:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(toDateTime64(addDays(toStartOfDay(newest_0, {v2:String}), {v3:Int32}), 3)), toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(toDateTime64(addDays(toStartOfDay(oldest_1, {v2:String}), {v4:Int32}), 3)), toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(oldest_2) + {v6:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(newest_0 >= {v1:DateTime64(3, 'UTC')}, 0)), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        maxOrNullIf(timestamp, timestamp < {v0:DateTime64(3, 'UTC')}) AS newest_0,
        minOrNullIf(timestamp, timestamp >= {v0:DateTime64(3, 'UTC')}) AS oldest_1,
        minOrNullIf(timestamp, timestamp >= {v5:DateTime64(3, 'UTC')}) AS oldest_2
    FROM events
    WHERE (type = {v7:String} AND event = {v8:String}) AND timestamp >= {v1:DateTime64(3, 'UTC')}
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
