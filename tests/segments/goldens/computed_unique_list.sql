-- {"computed":"unique_list","has_all":["b","c"]}

-- everybody
-- v0 = b
-- v1 = c
-- v2 = 2026-03-29 09:30:00.501
-- v3 = 0
-- v4 = track
-- v5 = ['Added', 'Viewed']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v2:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v3:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64((arrayExists(x -> ifNull(if(JSONType(x) = 'String', JSONExtractString(x), NULL) = {v0:String}, 0), if(JSONType(value_1_0) = 'Array', JSONExtractArrayRaw(value_1_0), [value_1_0])) AND arrayExists(x -> ifNull(if(JSONType(x) = 'String', JSONExtractString(x), NULL) = {v1:String}, 0), if(JSONType(value_1_0) = 'Array', JSONExtractArrayRaw(value_1_0), [value_1_0])))), 0) AS holds_0
FROM (
    SELECT
        *,
        if(empty(unique_0), '', concat('[', arrayStringConcat(arraySlice(arraySort(unique_0), 1, 100), ','), ']')) AS value_1_0
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            groupUniqArrayIf(ifNull(toJSONString(properties.`id`), ''), 1 AND ifNull(toJSONString(properties.`id`), '') != '') AS unique_0,
            minOrNullIf(timestamp, timestamp >= {v2:DateTime64(3, 'UTC')}) AS oldest_1
        FROM events
        WHERE (type = {v4:String} AND event IN {v5:Array(String)})
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
