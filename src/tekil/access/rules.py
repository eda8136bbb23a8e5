"""What counts as a strong secret, a valid set of permissions and a request of our own pages."""

from __future__ import annotations

import ipaddress
import itertools
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from tekil.access.model import EVERY_PERMISSION, Permission
from tekil.errors import Forbidden, InvalidDefinition, UnknownName, did_you_mean
from tekil.settings import Settings

MIN_SECRET_LENGTH = 20
MIN_SECRET_DISTINCT = 8
MIN_PASSWORD_LENGTH = 12
MAX_PASSWORD_LENGTH = 1024
MAX_NAME_LENGTH = 100

# Whatever is left of a secret without these words must still be long enough by itself.
WEAK_WORDS = (
    "changeme",
    "change-me",
    "change_me",
    "password",
    "passw0rd",
    "parola",
    "secret",
    "default",
    "example",
    "letmein",
    "welcome",
    "qwerty",
    "admin",
    "tekil",
    "token",
    "guest",
    "local",
    "demo",
    "test",
    "root",
    "user",
    "sifre",
    "şifre",
    "key",
    "dev",
)
_WEAK = re.compile("|".join(map(re.escape, WEAK_WORDS)))

ALL = "*"
"""Stands for every permission where permissions are listed."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_secrets(settings: Settings) -> None:
    """Refuse a guessable admin token where strangers can reach it. Raises InvalidDefinition."""
    if not settings.admin_token or is_loopback(settings.host):
        return
    fault = weakness(settings.admin_token)
    if fault is not None:
        raise InvalidDefinition(
            f"admin_token (TEKIL_ADMIN_TOKEN) is too weak to listen on {settings.host}: {fault}. "
            f"It needs at least {MIN_SECRET_LENGTH} random characters; make one with "
            '`python3 -c "import secrets; print(secrets.token_urlsafe(32))"`, or leave it out '
            "and the first start makes one and prints it.",
            setting="admin_token",
        )


def weakness(secret: str) -> str | None:
    """Say what makes a secret guessable, or None. The secret itself is never in the answer.

    >>> weakness("changeme")
    'it has 8 characters'
    >>> weakness("9f2KxQ_7vTz0aLmWb4RjYd")
    """
    if len(secret) < MIN_SECRET_LENGTH:
        return f"it has {len(secret)} characters"
    lowered = secret.lower()
    rest = _WEAK.sub("", lowered)
    if rest != lowered and len(set(rest)) < MIN_SECRET_DISTINCT:
        return "it is little more than well-known words"
    if len(set(secret)) < MIN_SECRET_DISTINCT:
        return f"it uses only {len(set(secret))} different characters"
    if _is_run(lowered):
        return "its characters follow each other in order"
    return None


def _is_run(text: str) -> bool:
    steps = [ord(b) - ord(a) for a, b in itertools.pairwise(text)]
    return sum(abs(step) <= 1 for step in steps) * 2 > len(steps)


def check_password(name: str, password: str) -> None:
    """Refuse a password that is too short, too long or guessable. Raises InvalidDefinition."""
    lowered = password.lower()
    rest = _WEAK.sub("", lowered.replace(name.lower(), "") if name else lowered)
    if len(password) < MIN_PASSWORD_LENGTH:
        fault = f"it has {len(password)} characters; at least {MIN_PASSWORD_LENGTH} are needed"
    elif len(password) > MAX_PASSWORD_LENGTH:
        fault = f"it has {len(password)} characters; at most {MAX_PASSWORD_LENGTH} are allowed"
    elif len(set(password)) < 5 or len(set(rest)) < 5 or _is_run(lowered):
        fault = "it is too easy to guess; take several unrelated words or random characters"
    else:
        return
    raise InvalidDefinition(f"This password cannot be used: {fault}.", path="password")


def check_name(name: str, what: str) -> str:
    """Trim the name of a token or user. Raises InvalidDefinition."""
    trimmed = name.strip()
    if trimmed and len(trimmed) <= MAX_NAME_LENGTH and trimmed.isprintable():
        return trimmed
    raise InvalidDefinition(
        f"{what}: a name is 1 to {MAX_NAME_LENGTH} printable characters.", path="name", value=name
    )


def parse_permissions(texts: Iterable[str]) -> frozenset[Permission]:
    """Read permissions as people write them; ``*`` is all, ``sources:*`` an area.

    Raises InputError.

    >>> sorted(parse_permissions(["sources:*"]))
    [<Permission.SOURCES_READ: 'sources:read'>, <Permission.SOURCES_WRITE: 'sources:write'>]
    """
    found: set[Permission] = set()
    for text in texts:
        matching = {p for p in Permission if _covers(text.strip(), p)}
        if not matching:
            raise UnknownName(
                f'There is no permission "{text}".{did_you_mean(text, Permission)} '
                f"Allowed: {ALL}, {', '.join(Permission)}.",
                path="permissions",
                value=text,
            )
        found |= matching
    if not found:
        raise InvalidDefinition(
            f'A token needs at least one permission; "{ALL}" gives all of them.',
            path="permissions",
        )
    return frozenset(found)


def _covers(text: str, permission: Permission) -> bool:
    area = permission.partition(":")[0]
    return text in (ALL, permission.value, f"{area}:{ALL}")


def format_permissions(permissions: frozenset[Permission]) -> list[str]:
    """The stored and shown form: sorted, and ``*`` for all, also those added in later versions.

    >>> format_permissions(EVERY_PERMISSION)
    ['*']
    """
    return [ALL] if permissions == EVERY_PERMISSION else sorted(permissions)


def stored_permissions(texts: Iterable[str]) -> frozenset[Permission]:
    """Read what ``format_permissions`` wrote; a permission that no longer exists grants nothing."""
    return frozenset(p for text in texts for p in Permission if _covers(text, p))


def check_grant(granted: frozenset[Permission], own: frozenset[Permission]) -> None:
    """Nobody gives away more than they have. Raises Forbidden."""
    missing = granted - own
    if missing:
        raise Forbidden(
            f"You cannot give away permissions that you do not have: {', '.join(sorted(missing))}."
        )


def is_same_origin(headers: Mapping[str, str], public_url: str | None) -> bool:
    """Whether a request with a cookie comes from this server's own pages.

    A browser says where a changing request comes from; without that, only a header which another
    site's page cannot add without asking first is believed.

    >>> is_same_origin({"host": "a.example", "origin": "https://a.example"}, None)
    True
    >>> is_same_origin({"host": "a.example", "origin": "https://b.example"}, None)
    False
    """
    origin = headers.get("origin")
    if origin is not None:
        own = {headers.get("host", "").lower()} | ({_place(public_url)} if public_url else set())
        return _place(origin) in own - {""}
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    return "x-tekil-console" in headers


def client_address(peer: str, forwarded_for: str, trusted_proxies: int) -> str:
    """Who sent a request: behind proxies of ours, what the outermost of them wrote.

    >>> client_address("10.0.0.1", "6.6.6.6, 9.9.9.9", 1)
    '9.9.9.9'
    """
    if trusted_proxies == 0:
        return peer
    chain = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    return chain[-trusted_proxies] if len(chain) >= trusted_proxies else peer


def _place(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""
