-- {"computed":"streak","gte":4}

-- everybody
-- v0 = Europe/Istanbul
-- v1 = 2026-03-28 21:00:00.000
-- v2 = 2026-03-29 21:00:00.000
-- v3 = 4.0
-- v4 = 2026-03-29 09:30:00.501
-- v5 = 0
-- v6 = track
-- v7 = ['Segment Entered', 'Segment Exited']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v4:DateTime64(3, 'UTC')}), [ifNull(if(empty(day_list_0), NULL, toUnixTimestamp64Milli({v2:DateTime64(3, 'UTC')})), toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(oldest_1) + {v5:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(if(JSONType(value_1_2) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(value_1_2), NULL) >= {v3:Float64}, 0)), 0) AS holds_0
FROM (
    SELECT
        *,
        arrayReverseSort(arrayFilter(d -> d <= toInt32(toDate32({v1:DateTime64(3, 'UTC')}, {v0:String})), day_list_0)) AS days_1_0,
        arrayFirstIndex((d, i) -> d != days_1_0[1] - toInt32(i) + 1, days_1_0, arrayEnumerate(days_1_0)) AS broken_1_1,
        toString(if(empty(days_1_0) OR days_1_0[1] < toInt32(toDate32({v1:DateTime64(3, 'UTC')}, {v0:String})) - 1, 0, if(broken_1_1 = 0, length(days_1_0), broken_1_1 - 1))) AS value_1_2
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            groupUniqArrayIf(toInt32(toDate32(timestamp, {v0:String})), 1) AS day_list_0,
            minOrNullIf(timestamp, timestamp >= {v4:DateTime64(3, 'UTC')}) AS oldest_1
        FROM events
        WHERE (type = {v6:String} AND event NOT IN {v7:Array(String)})
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
