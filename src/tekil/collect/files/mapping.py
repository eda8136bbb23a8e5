"""The mapping file: YAML that says what columns mean. See README.md for its form.

What it does not say is guessed; what it says wrongly is refused with the place and the remedy.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from tekil.collect.files.fields import check_target
from tekil.collect.files.model import Column, FileKind, Mapping, ValueType
from tekil.collect.files.values import ISO, UNIX, UNIX_MS
from tekil.errors import InvalidDefinition, NotFound, UnknownName, did_you_mean

KEYS = ("kind", "event", "currency", "timezone", "columns")
COLUMN_KEYS = ("to", "type", "format", "decimal")
IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class MappingFile:
    """What a mapping file says; the rest is left to be guessed."""

    kind: FileKind | None = None
    columns: MappingOf[str, Column] = field(default_factory=dict)
    event: str = ""
    currency: str = ""
    timezone: str = ""
    typed: frozenset[str] = frozenset()
    """The columns whose type it says."""

    def check(self, kind: FileKind, names: Sequence[str]) -> None:
        """Raise UnknownName for a column that the file, or a field that the kind, does not have."""
        for name in self.columns:
            if name not in names:
                listed = ", ".join(f'"{n}"' for n in names)
                raise UnknownName(
                    f'columns: the file has no column "{name}".{did_you_mean(name, names)} '
                    f"It has {listed}."
                )
        for name, column in self.columns.items():
            _check_target(kind, name, column.target)


def load_mapping(path: Path) -> MappingFile:
    """Read a mapping file. Raises InvalidDefinition, NotFound."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise NotFound(f'There is no mapping file "{path}".') from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidDefinition(f'The mapping file "{path}" cannot be read: {error}') from error
    try:
        return parse_mapping(text)
    except (InvalidDefinition, UnknownName) as error:
        raise InvalidDefinition(f"{path}: {error.message}", **error.attributes) from error


def parse_mapping(text: str) -> MappingFile:
    """Read the text of a mapping file. Raises InvalidDefinition."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InvalidDefinition(f"it is not YAML: {error}") from error
    if not isinstance(found, dict):
        raise InvalidDefinition("it should hold keys such as kind: and columns:")
    _check_keys(found, KEYS, "")
    kind = _kind(found.get("kind"))
    entries = _entries(found.get("columns"))
    return MappingFile(
        kind=kind,
        columns=_columns(entries, kind),
        event=_text(found, "event"),
        currency=_currency(_text(found, "currency")),
        timezone=_timezone(_text(found, "timezone")),
        typed=frozenset(n for n, e in entries.items() if e.keys() & {"type", "format", "decimal"}),
    )


def dump_mapping(mapping: Mapping) -> str:
    """The mapping file that says exactly this mapping."""
    columns: dict[str, object] = {}
    for column in mapping.columns:
        if not column.target:
            columns[column.name] = IGNORE
            continue
        entry: dict[str, object] = {"to": column.target, "type": str(column.type)}
        if column.format:
            key = "decimal" if column.type is ValueType.NUMBER else "format"
            entry[key] = column.format
        columns[column.name] = entry
    said: dict[str, object] = {"kind": str(mapping.kind)}
    said |= {k: v for k in ("event", "currency", "timezone") if (v := getattr(mapping, k))}
    said["columns"] = columns
    return yaml.safe_dump(said, allow_unicode=True, sort_keys=False, width=100)


def _kind(value: object) -> FileKind | None:
    if value is None:
        return None
    if value not in list(FileKind):
        raise UnknownName(
            f'kind: "{value}" is not one of {", ".join(FileKind)}.'
            f"{did_you_mean(str(value), FileKind)}"
        )
    return FileKind(str(value))


def _entries(value: object) -> dict[str, dict[str, object]]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidDefinition("columns: it should hold one line for each column: Name: field")
    entries = {}
    for key, said in value.items():
        name, entry = str(key), {"to": said} if isinstance(said, str) else said
        if not isinstance(entry, dict) or not isinstance(entry.get("to"), str):
            raise InvalidDefinition(
                f"columns.{name}: write a field, as in {name}: email, or {{to: email}}"
            )
        _check_keys(entry, COLUMN_KEYS, f"columns.{name}.")
        entries[name] = {str(k): v for k, v in entry.items()}
    return entries


def _columns(
    entries: MappingOf[str, dict[str, object]], kind: FileKind | None
) -> dict[str, Column]:
    columns: dict[str, Column] = {}
    users: dict[str, str] = {}
    for name, entry in entries.items():
        where, target = f"columns.{name}", str(entry["to"])
        if target == IGNORE:
            columns[name] = Column(name, "")
            continue
        if kind is not None:
            _check_target(kind, name, target)
        if target in users:
            raise InvalidDefinition(f'{where}: "{users[target]}" goes to {target} already')
        users[target] = name
        type_ = _type(entry, where)
        columns[name] = Column(name, target, type_, _format(entry, type_, where))
    return columns


def _check_target(kind: FileKind, name: str, target: str) -> None:
    try:
        check_target(kind, target)
    except UnknownName as error:
        raise UnknownName(f"columns.{name}: {error.message}") from error


def _type(entry: MappingOf[str, object], where: str) -> ValueType:
    said = entry.get("type")
    if said is None:
        if "decimal" in entry:
            return ValueType.NUMBER
        return ValueType.DATE if "format" in entry else ValueType.TEXT
    if said not in list(ValueType):
        raise UnknownName(
            f'{where}.type: "{said}" is not one of {", ".join(ValueType)}.'
            f"{did_you_mean(str(said), ValueType)}"
        )
    return ValueType(str(said))


def _format(entry: MappingOf[str, object], type_: ValueType, where: str) -> str:
    decimal, form = entry.get("decimal"), entry.get("format")
    if decimal is not None:
        if type_ is not ValueType.NUMBER or decimal not in (".", ","):
            raise InvalidDefinition(f'{where}.decimal: it is "." or ",", for a number')
        return str(decimal)
    if form is None:
        return ""
    if type_ is not ValueType.DATE:
        raise InvalidDefinition(f"{where}.format: only a date has a format")
    if form not in (ISO, UNIX, UNIX_MS) and "%" not in str(form):
        raise InvalidDefinition(
            f'{where}.format: "{form}" is not iso, unix, unix_ms or a pattern such as %d.%m.%Y'
        )
    return str(form)


def _check_keys(found: MappingOf[str, object], allowed: Sequence[str], where: str) -> None:
    for key in found:
        if key not in allowed:
            raise UnknownName(
                f'there is no key "{where}{key}".{did_you_mean(str(key), allowed)} '
                f"Allowed are {', '.join(allowed)}."
            )


def _text(found: MappingOf[str, object], key: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str):
        raise InvalidDefinition(f"{key}: {value!r} is not a text")
    return value


def _currency(value: str) -> str:
    if value and not (len(value) == 3 and value.isascii() and value.isalpha()):
        raise InvalidDefinition(f'currency: "{value}" is not an ISO 4217 code such as TRY')
    return value.upper()


def _timezone(value: str) -> str:
    if value:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise InvalidDefinition(
                f'timezone: "{value}" is not a zone such as Europe/Istanbul'
            ) from error
    return value
