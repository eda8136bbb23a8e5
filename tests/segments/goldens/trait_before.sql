-- {"trait":"renews","before":"2026-05-01"}

-- everybody
-- v0 = renews
-- v1 = ^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])([T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)?)?$
-- v2 = UTC
-- v3 = 2026-05-01 00:00:00.000
-- v4 = ['renews']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(toInt64(9000000000000000)) AS due,
    bitShiftLeft(toUInt64(ifNull(if(match(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), {v1:String}), parseDateTime64BestEffortOrNull(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), 3, {v2:String}), NULL) < {v3:DateTime64(3, 'UTC')}, 0)), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM identity_traits
    WHERE name IN {v4:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (holds_0 != 0)
