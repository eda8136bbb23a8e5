-- {"computed":"days_since","gte":39}

-- everybody
-- v0 = 2026-03-29 09:30:00.501
-- v1 = 39.0
-- v2 = 0
-- v3 = track
-- v4 = ['Added', 'Viewed']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v0:DateTime64(3, 'UTC')}), [ifNull(if(isNull(newest_0), NULL, toUnixTimestamp64Milli(newest_0) + (passed_1_0 + 1) * 86400000), toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(oldest_1) + {v2:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(if(JSONType(value_1_1) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(value_1_1), NULL) >= {v1:Float64}, 0)), 0) AS holds_0
FROM (
    SELECT
        *,
        intDiv(greatest((toUnixTimestamp64Milli({v0:DateTime64(3, 'UTC')}) - 1) - toUnixTimestamp64Milli(newest_0), 0), 86400000) AS passed_1_0,
        if(isNull(newest_0), '', ifNull(toString(passed_1_0), '')) AS value_1_1
    FROM (
        SELECT
            dictGet('profile_of', 'profile_id', identity_id) AS subject,
            maxOrNullIf(timestamp, 1) AS newest_0,
            minOrNullIf(timestamp, timestamp >= {v0:DateTime64(3, 'UTC')}) AS oldest_1
        FROM events
        WHERE (type = {v3:String} AND event IN {v4:Array(String)})
        GROUP BY subject
    )
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
