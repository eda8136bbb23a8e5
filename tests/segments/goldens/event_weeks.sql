-- {"event":"Ordered","weeks":{"eq":1}}

-- everybody
-- v0 = UTC
-- v1 = 1.0
-- v2 = 2026-03-29 09:30:00.501
-- v3 = 0
-- v4 = track
-- v5 = Ordered
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v2:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v3:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(weeks_0 = {v1:Float64}), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        uniqExactIf(toMonday(timestamp, {v0:String}), 1) AS weeks_0,
        minOrNullIf(timestamp, timestamp >= {v2:DateTime64(3, 'UTC')}) AS oldest_1
    FROM events
    WHERE (type = {v4:String} AND event = {v5:String})
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
