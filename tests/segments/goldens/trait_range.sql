-- {"trait":"age","gte":18,"lt":65}

-- everybody
-- v0 = age
-- v1 = 18.0
-- v2 = 65.0
-- v3 = ['age']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(toInt64(9000000000000000)) AS due,
    bitShiftLeft(toUInt64(ifNull((if(JSONType(trait_0) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(trait_0), NULL) >= {v1:Float64} AND if(JSONType(trait_0) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(trait_0), NULL) < {v2:Float64}), 0)), 0) AS holds_0
FROM (
    SELECT
        dictGet('profile_of', 'profile_id', identity_id) AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM identity_traits
    WHERE name IN {v3:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (holds_0 != 0)
