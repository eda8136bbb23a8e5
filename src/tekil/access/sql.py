"""Builds the statements of this room; runs none."""

from __future__ import annotations

from typing import Any, TypeAlias

import sqlalchemy as sa

from tekil.access.model import TokenId, UserId
from tekil.access.tables import sessions, tokens, users
from tekil.kit.clock import Millis

Query: TypeAlias = sa.Select[*tuple[Any, ...]]


def live_token(token_hash: str) -> Query:
    """The token with this hash, unless it is revoked."""
    return sa.select(tokens).where(tokens.c.token_hash == token_hash, tokens.c.revoked_at.is_(None))


def live_token_named(name: str) -> Query:
    """The token with this name, unless it is revoked."""
    return sa.select(tokens).where(tokens.c.name == name, tokens.c.revoked_at.is_(None))


def token_by_id(token_id: TokenId) -> Query:
    """The token with this id, revoked or not."""
    return sa.select(tokens).where(tokens.c.token_id == token_id)


def any_live_token() -> sa.Select[int]:
    """A row if there is a token that is not revoked."""
    return sa.select(sa.literal(1)).where(tokens.c.revoked_at.is_(None)).limit(1)


def token_page(after: int, limit: int, *, revoked: bool) -> Query:
    """Tokens in the order in which they were made, one more than the page holds."""
    statement = sa.select(tokens).where(tokens.c.token_id > after)
    if not revoked:
        statement = statement.where(tokens.c.revoked_at.is_(None))
    return statement.order_by(tokens.c.token_id).limit(limit + 1)


def revoke(token_id: TokenId, now: Millis) -> sa.Update:
    """End a token; one that is revoked already keeps its time."""
    return (
        tokens.update()
        .where(tokens.c.token_id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def touch_token() -> sa.Update:
    """Note when a token was last used; never moves back."""
    used_at = sa.bindparam("used_at", type_=sa.BigInteger)
    return (
        tokens.update()
        .where(
            tokens.c.token_id == sa.bindparam("of_token_id"),
            sa.func.coalesce(tokens.c.last_used_at, 0) < used_at,
        )
        .values(last_used_at=used_at)
    )


def user_by_name(name: str) -> Query:
    """The user who logs in with this name."""
    return sa.select(users).where(users.c.name == name)


def session_user(session_hash: str, now: Millis) -> Query:
    """The user of a session that has not ended, and when it ends."""
    return (
        sa.select(users, sessions.c.expires_at)
        .join(sessions, sessions.c.user_id == users.c.user_id)
        .where(sessions.c.session_hash == session_hash, sessions.c.expires_at > now)
    )


def end_session(session_hash: str) -> sa.Delete:
    """Forget one session."""
    return sessions.delete().where(sessions.c.session_hash == session_hash)


def end_sessions_of(user_id: UserId) -> sa.Delete:
    """Forget all sessions of a user."""
    return sessions.delete().where(sessions.c.user_id == user_id)


def end_expired(now: Millis) -> sa.Delete:
    """Forget the sessions whose time is over."""
    return sessions.delete().where(sessions.c.expires_at <= now)
