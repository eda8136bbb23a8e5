-- {"sequence":[{"event":"Viewed"},{"event":"Added"}],"same":"id"}

-- everybody
-- v0 = track
-- v1 = Viewed
-- v2 = Added
-- v3 = 2026-03-29 09:30:00.501
-- v4 = 0
-- v5 = ['Added', 'Viewed']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v3:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v4:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(chain_0 != toInt64(-9000000000000000)), 0) AS holds_0
FROM (
    SELECT
        *,
        arraySort(arraySlice(rows_0, 1, if(bitAnd(arrayReduce('groupBitOr', rows_0.2), 3) = 3, length(rows_0), 0))) AS ordered_1_0,
        arrayMax(arrayPushBack(arrayMap(k -> tupleElement(arrayFold((a, r) -> (r.1, toUInt8(bitTest((if(r.3 = k, r.2, bitAnd(r.2, 4))), 2) OR (NOT (r.1 > a.1) AND a.2 = 1)), if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.3), if((r.1 > a.1), a.6, a.4), if(bitTest((if(r.3 = k, r.2, bitAnd(r.2, 4))), 0), greatest(if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.5), r.1), if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.5)), if(bitTest((if(r.3 = k, r.2, bitAnd(r.2, 4))), 1), greatest(if((r.1 > a.1), a.6, a.6), if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.3)), if((r.1 > a.1), a.6, a.6))), ordered_1_0, (toInt64(-9000000000000000), toUInt8(0), toInt64(-9000000000000000), toInt64(-9000000000000000), toInt64(-9000000000000000), toInt64(-9000000000000000))), 6), arrayDistinct(arrayMap(r -> r.3, arrayFilter(r -> r.3 != '', ordered_1_0)))), toInt64(-9000000000000000))) AS chain_0
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            groupArrayIf((toUnixTimestamp64Milli(timestamp), bitShiftLeft(toUInt16(type = {v0:String} AND event = {v1:String} AND ifNull(toString(properties.`id`), '') != ''), 0) + bitShiftLeft(toUInt16(type = {v0:String} AND event = {v2:String} AND ifNull(toString(properties.`id`), '') != ''), 1), ifNull(toString(properties.`id`), '')), bitShiftLeft(toUInt16(type = {v0:String} AND event = {v1:String} AND ifNull(toString(properties.`id`), '') != ''), 0) + bitShiftLeft(toUInt16(type = {v0:String} AND event = {v2:String} AND ifNull(toString(properties.`id`), '') != ''), 1) != 0) AS rows_0,
            minOrNullIf(timestamp, timestamp >= {v3:DateTime64(3, 'UTC')}) AS oldest_1
        FROM events
        WHERE (type = {v0:String} AND event IN {v5:Array(String)})
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
