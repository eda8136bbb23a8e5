"""Who may call, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from tekil.kit.clock import Millis

UserId = NewType("UserId", int)
TokenId = NewType("TokenId", int)


class Permission(StrEnum):
    """What a route can ask for: an area, and whether it is read or changed."""

    SOURCES_READ = "sources:read"
    SOURCES_WRITE = "sources:write"
    IMPORTS_READ = "imports:read"
    IMPORTS_WRITE = "imports:write"
    REJECTS_READ = "rejects:read"
    REJECTS_WRITE = "rejects:write"
    INBOX_READ = "inbox:read"
    INBOX_WRITE = "inbox:write"
    IDENTITY_READ = "identity:read"
    IDENTITY_WRITE = "identity:write"
    PROFILES_READ = "profiles:read"
    PROFILES_WRITE = "profiles:write"
    ACCOUNTS_READ = "accounts:read"
    EVENTS_READ = "events:read"
    SCHEMA_READ = "schema:read"
    SCHEMA_WRITE = "schema:write"
    STATS_READ = "stats:read"
    SEGMENTS_READ = "segments:read"
    SEGMENTS_WRITE = "segments:write"
    TRAITS_READ = "traits:read"
    TRAITS_WRITE = "traits:write"
    LISTS_READ = "lists:read"
    LISTS_WRITE = "lists:write"
    DESTINATIONS_READ = "destinations:read"
    DESTINATIONS_WRITE = "destinations:write"
    TOKENS_READ = "tokens:read"
    TOKENS_WRITE = "tokens:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"


EVERY_PERMISSION: frozenset[Permission] = frozenset(Permission)


class CallerKind(StrEnum):
    """How a caller proved who they are."""

    ADMIN_TOKEN = "admin_token"
    """The token in the settings; it has every permission and cannot be revoked here."""
    TOKEN = "token"
    SESSION = "session"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever sent a request, once that is proven."""

    kind: CallerKind
    name: str
    """The token's or the user's name, for logs and for "who did this"."""
    permissions: frozenset[Permission]
    token_id: TokenId | None = None
    user_id: UserId | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """An API token as it is listed; the secret itself is not kept anywhere."""

    token_id: TokenId
    name: str
    prefix: str
    """Its first characters, by which people tell tokens apart."""
    permissions: frozenset[Permission]
    created_at: Millis
    created_by: str
    last_used_at: Millis | None = None
    revoked_at: Millis | None = None


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made: the only moment at which its secret is known."""

    token: Token
    secret: str


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who can log in."""

    user_id: UserId
    name: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session just opened: its secret goes into the cookie, only its hash is kept."""

    user: User
    secret: str
    expires_at: Millis
