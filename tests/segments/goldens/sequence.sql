-- {"sequence":[{"event":"Viewed"},{"event":"Added"}],"within":"7d"}

-- everybody
-- v0 = track
-- v1 = Viewed
-- v2 = Added
-- v3 = 604800000
-- v4 = 2026-03-29 09:30:00.501
-- v5 = 0
-- v6 = ['Added', 'Viewed']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v4:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(oldest_1) + {v5:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(chain_0 != toInt64(-9000000000000000)), 0) AS holds_0
FROM (
    SELECT
        *,
        arraySort(arraySlice(rows_0, 1, if(bitAnd(arrayReduce('groupBitOr', rows_0.2), 3) = 3, length(rows_0), 0))) AS ordered_1_0,
        tupleElement(arrayFold((a, r) -> (r.1, toUInt8(bitTest((r.2), 2) OR (NOT (r.1 > a.1) AND a.2 = 1)), if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.3), if((r.1 > a.1), a.6, a.4), if(bitTest((r.2), 0), greatest(if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.5), r.1), if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.5)), if(bitTest((r.2), 1), greatest(if((r.1 > a.1), a.6, a.6), if(if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.3) >= r.1 - {v3:Int64}, if((r.1 > a.1), if(a.2 = 1 AND a.5 != a.1, toInt64(-9000000000000000), a.5), a.3), toInt64(-9000000000000000))), if((r.1 > a.1), a.6, a.6))), ordered_1_0, (toInt64(-9000000000000000), toUInt8(0), toInt64(-9000000000000000), toInt64(-9000000000000000), toInt64(-9000000000000000), toInt64(-9000000000000000))), 6) AS chain_0
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            groupArrayIf((toUnixTimestamp64Milli(timestamp), bitShiftLeft(toUInt16(type = {v0:String} AND event = {v1:String}), 0) + bitShiftLeft(toUInt16(type = {v0:String} AND event = {v2:String}), 1), ''), bitShiftLeft(toUInt16(type = {v0:String} AND event = {v1:String}), 0) + bitShiftLeft(toUInt16(type = {v0:String} AND event = {v2:String}), 1) != 0) AS rows_0,
            minOrNullIf(timestamp, timestamp >= {v4:DateTime64(3, 'UTC')}) AS oldest_1
        FROM events
        WHERE (type = {v0:String} AND event IN {v6:Array(String)})
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
