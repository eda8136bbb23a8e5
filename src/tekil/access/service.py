"""What the rest of the program asks: who is this, log in, make and end tokens."""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass

import argon2
import structlog
from starlette.concurrency import run_in_threadpool

from tekil.access.model import (
    EVERY_PERMISSION,
    Caller,
    CallerKind,
    NewSession,
    NewToken,
    Permission,
    Token,
    TokenId,
)
from tekil.access.rules import check_grant, check_name, check_password
from tekil.access.store import AccessStore
from tekil.access.throttle import LoginThrottle
from tekil.errors import RateLimited, StoreError, Unauthenticated
from tekil.kit.clock import DAY_MS, Clock, Millis
from tekil.kit.hashing import secret_hash
from tekil.kit.ids import new_secret
from tekil.kit.paging import Page, encode_cursor
from tekil.store.state import SqlStore

_log = structlog.get_logger("tekil.access")

ADMIN = "admin"
FIRST_TOKEN_NAME = "first-start"
SESSION_MS = 7 * DAY_MS
CACHE_MS = 3_000
"""How long a revoked token may still work in *another* process."""
FLUSH_MS = 60_000
MAX_CACHED = 10_000
MAX_SECRET_LENGTH = 512
PREFIX_LENGTH = 9
# Each hash takes 64 MiB and much time: a flood of log-ins must take neither all memory nor all
# the threads that answer requests.
MAX_HASHES_AT_ONCE = 2
MAX_LOG_INS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class _Cached:
    caller: Caller
    until: Millis


class AccessService:
    """Knows every caller; safe to use from many threads."""

    def __init__(
        self,
        store: SqlStore,
        clock: Clock,
        admin_token: str | None = None,
        *,
        public_url: str | None = None,
        trusted_proxies: int = 0,
        hasher: argon2.PasswordHasher | None = None,
    ) -> None:
        self.public_url = public_url
        self.trusted_proxies = trusted_proxies
        self._store = AccessStore(store)
        self._clock = clock
        self._admin_hash = secret_hash(admin_token) if admin_token else None
        self._local_hash: str | None = None
        self._throttle = LoginThrottle(clock)
        self._hasher = hasher if hasher is not None else argon2.PasswordHasher()
        self._hashing = threading.BoundedSemaphore(MAX_HASHES_AT_ONCE)
        self._log_ins = threading.BoundedSemaphore(MAX_LOG_INS_AT_ONCE)
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, _Cached] = OrderedDict()
        self._generation = 0
        self._used: dict[TokenId, Millis] = {}
        self._next_flush = Millis(clock.now() + FLUSH_MS)
        self.flushing: threading.Thread | None = None
        self._nobody_hash: str | None = None

    def trust_local(self, secret: str) -> None:
        """Give every permission to the command line of this machine until the process ends."""
        self._local_hash = secret_hash(secret)

    # ---- who is this ----------------------------------------------------------------

    async def caller_of_token(self, secret: str) -> Caller:
        """The caller behind a bearer token. Raises Unauthenticated."""
        key = _key(secret)
        # Hashes are compared, not secrets: how long it takes says nothing about the secret.
        for trusted in (self._admin_hash, self._local_hash):
            if trusted is not None and hmac.compare_digest(key, trusted):
                return _ADMIN_CALLER
        caller = self._cached(key)
        if caller is None:
            caller = await run_in_threadpool(self._load_token, key)
        if caller.token_id is not None:
            now = self._clock.now()
            self._used[caller.token_id] = now
            if now >= self._next_flush:
                self._flush_beside(now)
        return caller

    async def caller_of_session(self, secret: str) -> Caller:
        """The caller behind a session cookie. Raises Unauthenticated."""
        key = "session:" + _key(secret)
        caller = self._cached(key)
        return caller if caller is not None else await run_in_threadpool(self._load_session, key)

    def _cached(self, key: str) -> Caller | None:
        found = self._cache.get(key)
        return found.caller if found is not None and found.until > self._clock.now() else None

    def _load_token(self, key: str) -> Caller:
        generation = self._generation
        token = self._store.live_token(key)
        if token is None:
            raise Unauthenticated(
                "This token is not known or has been revoked; `tekil token create` makes a new one."
            )
        caller = Caller(CallerKind.TOKEN, token.name, token.permissions, token_id=token.token_id)
        self._remember(key, caller, Millis(self._clock.now() + CACHE_MS), generation)
        return caller

    def _load_session(self, key: str) -> Caller:
        generation, now = self._generation, self._clock.now()
        found = self._store.session_user(key.removeprefix("session:"), now)
        if found is None:
            raise Unauthenticated("Your session has ended; log in again.")
        user, expires_at = found
        caller = Caller(CallerKind.SESSION, user.name, EVERY_PERMISSION, user_id=user.user_id)
        self._remember(key, caller, Millis(min(now + CACHE_MS, expires_at)), generation)
        return caller

    def _remember(self, key: str, caller: Caller, until: Millis, generation: int) -> None:
        with self._lock:
            # What was read before a revocation must not be remembered after it.
            if generation != self._generation:
                return
            self._cache[key] = _Cached(caller, until)
            while len(self._cache) > MAX_CACHED:
                self._cache.popitem(last=False)

    def _forget(self) -> None:
        with self._lock:
            self._generation += 1
            self._cache.clear()

    # ---- tokens ---------------------------------------------------------------------

    def create_token(
        self, name: str, permissions: frozenset[Permission], *, by: Caller | None = None
    ) -> NewToken:
        """Make a token; its secret is known only now. Raises Conflict, Forbidden, InputError."""
        if by is not None:
            check_grant(permissions, by.permissions)
        created_by = by.name if by is not None else "command line"
        made = self._add_token(check_name(name, "token"), permissions, created_by)
        assert made is not None
        return made

    def ensure_admin_token(self) -> str | None:
        """On the first start without an admin token in the settings, make one and return it."""
        if self._admin_hash is not None:
            return None
        made = self._add_token(FIRST_TOKEN_NAME, EVERY_PERMISSION, "first start", only_if_none=True)
        return None if made is None else made.secret

    def list_tokens(
        self, *, after: int = 0, limit: int = 100, revoked: bool = False
    ) -> Page[Token]:
        """Tokens in the order in which they were made."""
        found = self._store.list_tokens(after, limit, revoked=revoked)
        items = found[:limit]
        return Page(items, encode_cursor(items[-1].token_id) if len(found) > limit else None)

    def revoke_token(self, token_id: TokenId) -> Token:
        """End a token at once; again is no error. Raises NotFound."""
        token = self._store.revoke_token(token_id, self._clock.now())
        self._forget()
        return token

    def revoke_token_named(self, name: str) -> Token:
        """End the token with this name. Raises NotFound."""
        return self.revoke_token(self._store.live_token_named(name).token_id)

    def _add_token(
        self,
        name: str,
        permissions: frozenset[Permission],
        created_by: str,
        *,
        only_if_none: bool = False,
    ) -> NewToken | None:
        secret = new_secret("tk")
        token = self._store.add_token(
            name,
            permissions,
            token_hash=secret_hash(secret),
            prefix=secret[:PREFIX_LENGTH],
            now=self._clock.now(),
            created_by=created_by,
            only_if_none=only_if_none,
        )
        return None if token is None else NewToken(token, secret)

    # ---- passwords and sessions -----------------------------------------------------

    def set_password(self, password: str, *, name: str = ADMIN, by: Caller | None = None) -> None:
        """Make the user or change the password, which ends the user's sessions.

        Raises Forbidden, InputError.
        """
        if by is not None:
            # Whoever sets a password can log in with it, and users may do everything.
            check_grant(EVERY_PERMISSION, by.permissions)
        name = check_name(name, "user")
        check_password(name, password)
        with self._hashing:
            hashed = self._hasher.hash(password)
        self._store.put_user(name, hashed, self._clock.now())
        self._forget()

    def log_in(self, name: str, password: str, *, address: str) -> NewSession:
        """Check a password and open a session. Raises Unauthenticated, RateLimited."""
        if not self._log_ins.acquire(blocking=False):
            raise RateLimited("Too many log-ins at once; try again.", retry_after_seconds=1)
        try:
            return self._log_in(name, password, address)
        finally:
            self._log_ins.release()

    def _log_in(self, name: str, password: str, address: str) -> NewSession:
        self._throttle.begin(address, name)
        # No name has such characters, and not every database can compare them.
        user = self._store.user_named(name) if name.isprintable() else None
        hashed = user.password_hash if user is not None else self._hash_of_nobody()
        if not self._verify(hashed, password) or user is None:
            raise Unauthenticated("The name or the password is wrong.")
        now = self._clock.now()
        secret, expires_at = new_secret("ts"), Millis(now + SESSION_MS)
        if not self._store.add_session(user, _key(secret), now=now, expires_at=expires_at):
            raise Unauthenticated("The password was changed just now; log in again.")
        self._throttle.succeeded(address, name)
        if self._hasher.check_needs_rehash(hashed):
            with self._hashing:
                self._store.rehash_password(user, self._hasher.hash(password))
        return NewSession(user, secret, expires_at)

    def log_out(self, secret: str) -> None:
        """End a session; one that has ended already is no error."""
        self._store.end_session(_key(secret))
        self._forget()

    def _verify(self, hashed: str, password: str) -> bool:
        with self._hashing:
            try:
                return self._hasher.verify(hashed, password)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False

    def _hash_of_nobody(self) -> str:
        """A hash to check against for unknown names, so that both answers take as long."""
        if self._nobody_hash is None:
            with self._hashing:
                self._nobody_hash = self._hasher.hash(new_secret("nobody"))
        return self._nobody_hash

    # ---- upkeep ---------------------------------------------------------------------

    def _flush_beside(self, now: Millis) -> None:
        # In a thread of its own: a request does not wait for whoever is writing the state.
        self._next_flush = Millis(now + FLUSH_MS)
        self.flushing = threading.Thread(target=self._flush_quietly, name="access", daemon=True)
        self.flushing.start()

    def _flush_quietly(self) -> None:
        try:
            self.flush()
        except StoreError as error:
            _log.warning("token_use_not_written", detail=error.message)

    def close(self) -> None:
        """Write down what is left; the stores are still open."""
        self._flush_quietly()

    def flush(self) -> None:
        """Write down when tokens were last used; happens by itself too."""
        with self._lock:
            used, self._used = self._used, {}
        if not used:
            return
        try:
            self._store.touch_tokens(used)
        except Exception:
            with self._lock:
                self._used = {**used, **self._used}
            raise


_ADMIN_CALLER = Caller(CallerKind.ADMIN_TOKEN, "admin token", EVERY_PERMISSION)


def _key(secret: str) -> str:
    if len(secret) > MAX_SECRET_LENGTH:
        raise Unauthenticated("This token is too long to be one of ours.")
    return secret_hash(secret)
