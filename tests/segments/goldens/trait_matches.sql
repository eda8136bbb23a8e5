-- {"trait":"city","matches":"^A.*a$"}

-- everybody
-- v0 = city
-- v1 = (?-s)^A.*a$
-- v2 = ['city']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(toInt64(9000000000000000)) AS due,
    bitShiftLeft(toUInt64(ifNull(match(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), {v1:String}), 0)), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM identity_traits
    WHERE name IN {v2:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (holds_0 != 0)
