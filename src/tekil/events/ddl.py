"""The warehouse tables of the event history; every statement can run again without harm."""

from __future__ import annotations

EVENTS_DDL = """
CREATE TABLE IF NOT EXISTS events (
    identity_id   UInt64                   CODEC(Delta, ZSTD(1)),
    timestamp     DateTime64(3, 'UTC')     CODEC(Delta, ZSTD(1)),
    received_at   DateTime64(3, 'UTC')     CODEC(Delta, ZSTD(1)),
    type          LowCardinality(String),
    event         LowCardinality(String),
    message_id    String                   CODEC(ZSTD(1)),
    seq           UInt64                   CODEC(Delta, ZSTD(1)),
    item          UInt32                   CODEC(ZSTD(1)),
    source_id     UInt32                   CODEC(ZSTD(1)),
    strong        UInt8                    CODEC(ZSTD(1)),
    identities    Array(UInt64)            CODEC(ZSTD(1)),
    account_id    UInt64                   CODEC(ZSTD(1)),
    revenue       Nullable(Decimal(18, 4)) CODEC(ZSTD(1)),
    currency      LowCardinality(String),
    channel       LowCardinality(String),
    device        LowCardinality(String),
    os            LowCardinality(String),
    browser       LowCardinality(String),
    country       LowCardinality(String),
    city          LowCardinality(String),
    utm_source    LowCardinality(String),
    utm_medium    LowCardinality(String),
    utm_campaign  LowCardinality(String),
    referrer_host LowCardinality(String),
    ip            String                   CODEC(ZSTD(1)),
    properties    JSON,
    context       JSON,
    INDEX seq_range seq TYPE minmax GRANULARITY 1
)
ENGINE = MergeTree
PARTITION BY toYear(timestamp)
ORDER BY (identity_id, timestamp)
-- A fresh block becomes a compact part: a wide one has hundreds of files because of the JSON
-- columns, which halves the rate of blocks over 10 MB and doubles the time to read one person.
SETTINGS index_granularity = 2048, min_bytes_for_wide_part = 104857600
"""

# One row for every identity and every change of the profile that it belongs to; the highest
# version is the present one. Read it through FINAL or argMax(profile_id, version).
IDENTITY_PROFILES_DDL = """
CREATE TABLE IF NOT EXISTS identity_profiles (
    identity_id UInt64 CODEC(Delta, ZSTD(1)),
    profile_id  UInt64 CODEC(Delta, ZSTD(1)),
    version     UInt64 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY identity_id
SETTINGS index_granularity = 2048
"""

# The cleaned value of one trait of one identity; the highest version is the newest by event time.
# A removed trait has the value 'null'. A profile's value is the one with the greatest
# (strong, version) over its identities.
IDENTITY_TRAITS_DDL = """
CREATE TABLE IF NOT EXISTS identity_traits (
    identity_id UInt64                 CODEC(Delta, ZSTD(1)),
    name        LowCardinality(String),
    strong      UInt8,
    value       String                 CODEC(ZSTD(1)),
    timestamp   DateTime64(3, 'UTC')   CODEC(Delta, ZSTD(1)),
    message_id  String                 CODEC(ZSTD(1)),
    version     UInt64                 CODEC(Delta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (identity_id, name, strong)
SETTINGS index_granularity = 2048
"""

# Which identity was seen in which account (organisation), from group calls.
IDENTITY_ACCOUNTS_DDL = """
CREATE TABLE IF NOT EXISTS identity_accounts (
    identity_id UInt64,
    account_id  UInt64,
    timestamp   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree
ORDER BY (identity_id, account_id)
"""

ACCOUNT_TRAITS_DDL = """
CREATE TABLE IF NOT EXISTS account_traits (
    account_id UInt64,
    name       LowCardinality(String),
    strong     UInt8,
    value      String,
    timestamp  DateTime64(3, 'UTC'),
    message_id String,
    version    UInt64
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (account_id, name, strong)
"""

STATEMENTS = (
    EVENTS_DDL,
    IDENTITY_PROFILES_DDL,
    IDENTITY_TRAITS_DDL,
    IDENTITY_ACCOUNTS_DDL,
    ACCOUNT_TRAITS_DDL,
)
