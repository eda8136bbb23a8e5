-- {"computed":"most_frequent","is":"a"}

-- everybody
-- v0 = a
-- v1 = 2026-03-29 09:30:00.501
-- v2 = 0
-- v3 = track
-- v4 = ['Added', 'Viewed']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v1:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v2:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(if(JSONType(value_1_0) = 'String', JSONExtractString(value_1_0), NULL) = {v0:String}, 0)), 0) AS holds_0
FROM (
    SELECT
        *,
        if(empty(counted_0.1), '', counted_0.1[indexOf(counted_0.2, arrayMax(counted_0.2))]) AS value_1_0
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            sumMapIf([ifNull(toJSONString(properties.`id`), '')], [toUInt64(1)], 1 AND ifNull(toJSONString(properties.`id`), '') != '') AS counted_0,
            minOrNullIf(timestamp, timestamp >= {v1:DateTime64(3, 'UTC')}) AS oldest_1
        FROM events
        WHERE (type = {v3:String} AND event IN {v4:Array(String)})
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
