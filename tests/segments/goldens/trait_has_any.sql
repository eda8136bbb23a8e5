-- {"trait":"tags","has_any":["vip","gold"]}

-- everybody
-- v0 = tags
-- v1 = ['gold', 'vip']
-- v2 = ['tags']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(toInt64(9000000000000000)) AS due,
    bitShiftLeft(toUInt64(arrayExists(x -> ifNull(if(JSONType(x) = 'String', JSONExtractString(x), NULL) IN {v1:Array(String)}, 0), if(JSONType(trait_0) = 'Array', JSONExtractArrayRaw(trait_0), [trait_0]))), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM identity_traits
    WHERE name IN {v2:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (holds_0 != 0)
