-- {"event":"Viewed","avg":"price","between":[5,20]}

-- everybody
-- v0 = 5000000
-- v1 = 20000000
-- v2 = 2026-03-29 09:30:00.501
-- v3 = 0
-- v4 = track
-- v5 = Viewed
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v2:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_2) + {v3:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64((numbers_1 > 0 AND ifNull(sum_0, toInt128(0)) >= {v0:Int128} * toInt128(numbers_1) AND ifNull(sum_0, toInt128(0)) <= {v1:Int128} * toInt128(numbers_1))), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        sumIf(if(abs(coalesce(properties.`price`.:Float64, toFloat64(properties.`price`.:Int64))) <= 1000000000000000000, accurateCastOrNull(round(coalesce(properties.`price`.:Float64, toFloat64(properties.`price`.:Int64)) * 1000000), 'Int128'), NULL), 1) AS sum_0,
        countIf(1 AND isNotNull(if(abs(coalesce(properties.`price`.:Float64, toFloat64(properties.`price`.:Int64))) <= 1000000000000000000, accurateCastOrNull(round(coalesce(properties.`price`.:Float64, toFloat64(properties.`price`.:Int64)) * 1000000), 'Int128'), NULL))) AS numbers_1,
        minOrNullIf(timestamp, timestamp >= {v2:DateTime64(3, 'UTC')}) AS oldest_2
    FROM events
    WHERE (type = {v4:String} AND event = {v5:String})
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
