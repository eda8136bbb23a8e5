-- {"trait":"renews","within":{"next":"7d"}}

-- everybody
-- v0 = renews
-- v1 = ^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?$
-- v2 = UTC
-- v3 = 2026-03-29 09:30:00.501
-- v4 = 2026-04-05 09:30:00.501
-- v5 = 0
-- v6 = -604800000
-- v7 = ['renews']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(arrayMin(arrayFilter(x -> x >= toUnixTimestamp64Milli({v3:DateTime64(3, 'UTC')}), [ifNull(toUnixTimestamp64Milli(if(match(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), {v1:String}), parseDateTime64BestEffortOrNull(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), 3, {v2:String}), NULL)) + {v5:Int64}, toInt64(9000000000000000)), ifNull(toUnixTimestamp64Milli(if(match(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), {v1:String}), parseDateTime64BestEffortOrNull(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), 3, {v2:String}), NULL)) + {v6:Int64}, toInt64(9000000000000000)), toInt64(9000000000000000)]))) AS due,
    bitShiftLeft(toUInt64(ifNull(if(match(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), {v1:String}), parseDateTime64BestEffortOrNull(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), 3, {v2:String}), NULL) >= {v3:DateTime64(3, 'UTC')} AND if(match(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), {v1:String}), parseDateTime64BestEffortOrNull(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), 3, {v2:String}), NULL) < {v4:DateTime64(3, 'UTC')}, 0)), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM identity_traits
    WHERE name IN {v7:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (due != toInt64(9000000000000000) OR holds_0 != 0)
