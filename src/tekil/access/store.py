"""Users, sessions and tokens in the state store; the only file of this room that runs SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from tekil.access import sql
from tekil.access.model import Permission, Token, TokenId, User, UserId
from tekil.access.rules import format_permissions, stored_permissions
from tekil.access.tables import sessions, tokens, users
from tekil.errors import Conflict, NotFound
from tekil.kit.clock import Millis
from tekil.store.state import SqlStore


class AccessStore:
    """Reads and writes; secrets arrive here as hashes only."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store

    def add_token(
        self,
        name: str,
        permissions: frozenset[Permission],
        *,
        token_hash: str,
        prefix: str,
        now: Millis,
        created_by: str,
        only_if_none: bool = False,
    ) -> Token | None:
        """Store a token; None when ``only_if_none`` and there is one. Raises Conflict."""
        values = {
            "name": name,
            "prefix": prefix,
            "token_hash": token_hash,
            "permissions": format_permissions(permissions),
            "created_at": now,
            "created_by": created_by,
        }
        try:
            with self._store.write() as connection:
                if only_if_none and connection.execute(sql.any_live_token()).first() is not None:
                    return None
                result = connection.execute(tokens.insert().values(values))
                key = result.inserted_primary_key
                assert key is not None
                row = connection.execute(sql.token_by_id(TokenId(key[0]))).one()
                return _token(row)
        except sa.exc.IntegrityError as error:
            if only_if_none:
                return None
            raise Conflict(
                f'There is a token named "{name}" already; take another name, or revoke it '
                f'first: `tekil token revoke "{name}"`.',
                name=name,
            ) from error

    def live_token(self, token_hash: str) -> Token | None:
        """The token behind a secret's hash, unless it is revoked."""
        with self._store.read() as connection:
            row = connection.execute(sql.live_token(token_hash)).one_or_none()
            return None if row is None else _token(row)

    def live_token_named(self, name: str) -> Token:
        """The token with this name. Raises NotFound."""
        with self._store.read() as connection:
            row = connection.execute(sql.live_token_named(name)).one_or_none()
        if row is None:
            raise NotFound(
                f'There is no token named "{name}"; `tekil token list` shows them.', name=name
            )
        return _token(row)

    def list_tokens(self, after: int, limit: int, *, revoked: bool) -> list[Token]:
        """A page of tokens and, if there are more, one of the next."""
        with self._store.read() as connection:
            rows = connection.execute(sql.token_page(after, limit, revoked=revoked)).all()
            return [_token(row) for row in rows]

    def revoke_token(self, token_id: TokenId, now: Millis) -> Token:
        """End a token; again is no error. Raises NotFound."""
        with self._store.write() as connection:
            connection.execute(sql.revoke(token_id, now))
            row = connection.execute(sql.token_by_id(token_id)).one_or_none()
        if row is None:
            raise NotFound(f"There is no token with the id {token_id}.", token_id=token_id)
        return _token(row)

    def touch_tokens(self, used: Mapping[TokenId, Millis]) -> None:
        """Note when tokens were last used."""
        values = [{"of_token_id": k, "used_at": v} for k, v in sorted(used.items())]
        with self._store.write() as connection:
            connection.execute(sql.touch_token(), values)

    def user_named(self, name: str) -> User | None:
        """The user who logs in with this name."""
        with self._store.read() as connection:
            row = connection.execute(sql.user_by_name(name)).one_or_none()
            return None if row is None else _user(row)

    def put_user(self, name: str, password_hash: str, now: Millis) -> None:
        """Make a user or change the password, which ends the user's sessions."""
        changed = {"password_hash": password_hash, "password_changed_at": now}
        with self._store.write() as connection:
            connection.execute(
                self._store.insert(users)
                .values(name=name, created_at=now, **changed)
                .on_conflict_do_update(index_elements=["name"], set_=changed)
            )
            row = connection.execute(sql.user_by_name(name)).one()
            connection.execute(sql.end_sessions_of(_user(row).user_id))

    def rehash_password(self, user: User, password_hash: str) -> None:
        """Store the same password hashed with newer parameters, unless it changed meanwhile."""
        with self._store.write() as connection:
            connection.execute(
                users.update()
                .where(users.c.user_id == user.user_id)
                .where(users.c.password_hash == user.password_hash)
                .values(password_hash=password_hash)
            )

    def add_session(
        self, user: User, session_hash: str, *, now: Millis, expires_at: Millis
    ) -> bool:
        """Open a session and forget expired ones; False if the password changed meanwhile."""
        with self._store.write() as connection:
            connection.execute(sql.end_expired(now))
            row = connection.execute(sql.user_by_name(user.name)).one_or_none()
            if row is None or _user(row).password_hash != user.password_hash:
                return False
            connection.execute(
                sessions.insert().values(
                    session_hash=session_hash,
                    user_id=user.user_id,
                    created_at=now,
                    expires_at=expires_at,
                )
            )
            return True

    def session_user(self, session_hash: str, now: Millis) -> tuple[User, Millis] | None:
        """Who a session belongs to and when it ends; None if it has ended."""
        with self._store.read() as connection:
            row = connection.execute(sql.session_user(session_hash, now)).one_or_none()
            return None if row is None else (_user(row), Millis(row._mapping["expires_at"]))

    def end_session(self, session_hash: str) -> None:
        """Forget a session."""
        with self._store.write() as connection:
            connection.execute(sql.end_session(session_hash))


def _token(row: sa.Row[Any]) -> Token:
    values = row._mapping
    permissions: Sequence[str] = values["permissions"]
    return Token(
        token_id=TokenId(values["token_id"]),
        name=values["name"],
        prefix=values["prefix"],
        permissions=stored_permissions(permissions),
        created_at=Millis(values["created_at"]),
        created_by=values["created_by"],
        last_used_at=_millis(values["last_used_at"]),
        revoked_at=_millis(values["revoked_at"]),
    )


def _user(row: sa.Row[Any]) -> User:
    values = row._mapping
    return User(UserId(values["user_id"]), values["name"], values["password_hash"])


def _millis(value: int | None) -> Millis | None:
    return None if value is None else Millis(value)
