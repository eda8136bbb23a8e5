-- {"trait":"city","starts_with":"is","ignore_case":true}

-- everybody
-- v0 = city
-- v1 = is
-- v2 = ['city']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(toInt64(9000000000000000)) AS due,
    bitShiftLeft(toUInt64(ifNull(startsWith(lowerUTF8(translateUTF8(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL), 'İIı', 'iii')), lowerUTF8(translateUTF8({v1:String}, 'İIı', 'iii'))), 0)), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM identity_traits
    WHERE name IN {v2:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (holds_0 != 0)
