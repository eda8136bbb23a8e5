"""The one place where configuration comes from: defaults, tekil.toml, TEKIL_*, arguments."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import msgspec

from tekil.errors import InvalidDefinition, UnknownName, did_you_mean

CONFIG_FILE = "tekil.toml"
PREFIX = "TEKIL_"


class Role(StrEnum):
    """Which part of the program a process runs."""

    ALL = "all"
    COLLECTOR = "collector"
    WORKER = "worker"
    API = "api"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every setting with its default; the name in the environment is TEKIL_ and upper case."""

    data: Path = Path("tekil-data")
    """The data directory; holds everything unless the two URLs point elsewhere."""
    host: str = "127.0.0.1"
    """The address to listen on; anything but loopback demands strong secrets."""
    port: int = 8765
    """The port to listen on; 0 picks a free one."""
    role: Role = Role.ALL
    """all, or with PostgreSQL and a ClickHouse URL one of collector, worker, api."""
    state_url: str | None = None
    """A PostgreSQL URL; none means SQLite in the data directory."""
    warehouse_url: str | None = None
    """A ClickHouse URL; none means the embedded engine in the data directory."""
    admin_token: str | None = None
    """A token with every permission; without it one is made and printed on first start."""
    public_url: str | None = None
    """The address under which browsers reach this server; used in browser settings."""
    geoip: Path | None = None
    """A MaxMind-format City database; none means that no city or country is derived."""
    inbox_days: int = 30
    """How long accepted requests stay replayable."""
    dedup_days: int = 30
    """How long a message id is remembered; at least 30."""
    trusted_proxies: int = 0
    """How many proxies stand in front, whose X-Forwarded-For entries are believed."""
    log_format: str = "console"
    """console or json."""

    @property
    def resolved_state_url(self) -> str:
        """The state store's URL."""
        return self.state_url or f"sqlite:///{self.data / 'state.db'}"

    @property
    def resolved_inbox_url(self) -> str:
        """The inbox's URL: a file of its own on SQLite, the same database on PostgreSQL."""
        return self.state_url or f"sqlite:///{self.data / 'inbox.db'}"

    @property
    def is_remote(self) -> bool:
        """Whether both stores are servers, so that several processes may share them."""
        return self.state_url is not None and self.warehouse_url is not None

    @property
    def warehouse_path(self) -> Path:
        """Where the embedded warehouse lives."""
        return self.data / "warehouse"


def load_settings(
    arguments: Mapping[str, object] | None = None,
    *,
    environ: Mapping[str, str] = MappingProxyType(os.environ),
    directory: Path = Path(),
) -> Settings:
    """Merge tekil.toml, TEKIL_* and arguments, later ones winning. Raises InputError."""
    values: dict[str, object] = {**_from_file(directory / CONFIG_FILE), **_from_environ(environ)}
    values |= {k: v for k, v in (arguments or {}).items() if v is not None}
    try:
        return msgspec.convert(values, Settings, strict=False, dec_hook=_to_path)
    except msgspec.ValidationError as error:
        raise InvalidDefinition(f"A setting is wrong: {error}") from error


def _to_path(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value).expanduser()
    raise NotImplementedError


def _from_file(path: Path) -> dict[str, object]:
    if not path.exists():
        return {}
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    for name in values:
        _check_name(name, str(path))
    return values


def _from_environ(environ: Mapping[str, str]) -> dict[str, object]:
    known = Settings.__struct_fields__
    named = {k.removeprefix(PREFIX).lower(): v for k, v in environ.items() if k.startswith(PREFIX)}
    return {k: v for k, v in named.items() if k in known}


def _check_name(name: str, where: str) -> None:
    known = Settings.__struct_fields__
    if name not in known:
        raise UnknownName(f'{where}: there is no setting "{name}".{did_you_mean(name, known)}')
