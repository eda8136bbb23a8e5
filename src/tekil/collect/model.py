"""What a source is, and a message as the tracking API takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from tekil.clean.ip import IpPolicy
from tekil.kit.ids import SourceId


class MessageType(StrEnum):
    """The six calls of the tracking specification."""

    TRACK = "track"
    IDENTIFY = "identify"
    PAGE = "page"
    SCREEN = "screen"
    GROUP = "group"
    ALIAS = "alias"


class SourceKind(StrEnum):
    """Where a source's write key lives, which decides how far its claims are trusted."""

    HTTP = "http"
    """A server that keeps its key secret: its claims are strong."""
    WEB = "web"
    """A browser, where anybody can read the key: its claims are weak."""
    MOBILE = "mobile"
    """An app, where anybody can dig the key out: its claims are weak."""
    FILE = "file"
    """Files imported by an operator: claims are strong."""


class Trust(StrEnum):
    """How far a source's claims are believed."""

    STRONG = "strong"
    WEAK = "weak"


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """What an operator may set per source."""

    trust: Trust | None = None
    """None: by the kind of the source."""
    default_region: str = "TR"
    """ISO 3166 country by which a phone number without a country code is read."""
    ip_policy: IpPolicy = IpPolicy.TRUNCATE
    strict: bool = False
    """Whether the reply lists what was wrong with each item."""
    max_event_bytes: int = 32 * 1024
    max_body_bytes: int = 4 * 1024 * 1024
    events_per_second: int | None = None
    """None: as fast as the server can."""


@dataclass(frozen=True, slots=True)
class Source:
    """Something that sends messages, known by its write key."""

    source_id: SourceId
    name: str
    kind: SourceKind
    write_key: str
    enabled: bool = True
    settings: SourceSettings = field(default_factory=SourceSettings)

    @property
    def trust(self) -> Trust:
        """How far its claims are believed: as set, else by its kind."""
        if self.settings.trust is not None:
            return self.settings.trust
        match self.kind:
            case SourceKind.HTTP | SourceKind.FILE:
                return Trust.STRONG
            case SourceKind.WEB | SourceKind.MOBILE:
                return Trust.WEAK
