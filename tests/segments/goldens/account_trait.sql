-- {"account":{"trait":"plan","is":"pro"}}

-- everybody
SELECT
    DISTINCT dictGet('profile_of', 'profile_id', identity_id),
    account_id
FROM identity_accounts

-- v0 = plan
-- v1 = pro
-- v2 = ['plan']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(toInt64(9000000000000000)) AS due,
    bitShiftLeft(toUInt64(ifNull(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL) = {v1:String}, 0)), 0) AS holds_0
FROM (
    SELECT
        account_id AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM account_traits
    WHERE name IN {v2:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (holds_0 != 0)

-- chosen people
SELECT
    DISTINCT transform(identity_id, {identities:Array(UInt64)}, {profiles:Array(UInt64)}, toUInt64(0)),
    account_id
FROM identity_accounts WHERE identity_id IN {identities:Array(UInt64)}

-- v0 = plan
-- v1 = pro
-- v2 = ['plan']
SELECT
    toUInt16(0) AS part,
    subject,
    toInt64(toInt64(9000000000000000)) AS due,
    bitShiftLeft(toUInt64(ifNull(if(JSONType(trait_0) = 'String', JSONExtractString(trait_0), NULL) = {v1:String}, 0)), 0) AS holds_0
FROM (
    SELECT
        account_id AS subject,
        argMaxIf(value, (strong, version, value), name = {v0:String}) AS trait_0
    FROM account_traits
    WHERE account_id IN {accounts:Array(UInt64)} AND name IN {v2:Array(String)}
    GROUP BY subject
)
WHERE subject != 0 AND (holds_0 != 0)
