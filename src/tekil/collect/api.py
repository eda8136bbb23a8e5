"""HTTP routes of sources: list, make, change, rotate the key."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.clean.ip import IpPolicy
from tekil.collect.model import Source, SourceKind, SourceSettings, Trust
from tekil.collect.sources import SourceRegister
from tekil.kit.paging import Page

router = APIRouter(prefix="/api/v1/sources", tags=["sources"])

Read = Depends(requires(Permission.SOURCES_READ))
Write = Depends(requires(Permission.SOURCES_WRITE))


class SettingsBody(BaseModel):
    """What may be set per source; left out means unchanged."""

    model_config = ConfigDict(extra="forbid")

    trust: Trust | None = None
    default_region: str | None = Field(default=None, pattern="^[A-Z]{2}$", examples=["TR"])
    ip_policy: IpPolicy | None = None
    strict: bool | None = None
    max_event_bytes: int | None = Field(default=None, ge=256, le=1024 * 1024)
    max_body_bytes: int | None = Field(default=None, ge=1024, le=32 * 1024 * 1024)
    events_per_second: int | None = Field(default=None, ge=1)

    def applied_to(self, settings: SourceSettings) -> SourceSettings:
        """The settings with what was set here; null resets to the default."""
        sent = self.model_dump(exclude_unset=True)
        defaults = SourceSettings()
        changed = {k: getattr(defaults, k) if v is None else v for k, v in sent.items()}
        return replace(settings, **changed)


class NewSource(BaseModel):
    """A source to make."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(examples=["website"])
    kind: SourceKind = SourceKind.HTTP
    settings: SettingsBody = SettingsBody()


class SourceChange(BaseModel):
    """What to change of a source."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool | None = None
    settings: SettingsBody = SettingsBody()


class SourceAnswer(BaseModel):
    """A source with its write key."""

    source_id: int
    name: str
    kind: SourceKind
    write_key: str
    enabled: bool
    trust: Trust
    settings: dict[str, object]


class SourcePage(BaseModel):
    """Every source; there are few, so one page holds them all."""

    items: list[SourceAnswer]
    next: str | None = None


def register(request: Request) -> SourceRegister:
    """The register that the app was wired with."""
    found: SourceRegister = request.app.state.sources
    return found


Sources = Annotated[SourceRegister, Depends(register)]


@router.get("", dependencies=[Read])
def list_sources(sources: Sources) -> SourcePage:
    """List every source by name."""
    page = Page([source_answer(s) for s in sources.all()])
    return SourcePage(items=page.items, next=page.next)


@router.post("", status_code=201, dependencies=[Write])
def add_source(body: NewSource, sources: Sources) -> SourceAnswer:
    """Make a source; its write key goes into the SDK."""
    settings = body.settings.applied_to(SourceSettings())
    return source_answer(sources.add(body.name, body.kind, settings))


@router.get("/{name}", dependencies=[Read])
def get_source(name: str, sources: Sources) -> SourceAnswer:
    """Show one source."""
    return source_answer(sources.by_name(name))


@router.patch("/{name}", dependencies=[Write])
def change_source(name: str, body: SourceChange, sources: Sources) -> SourceAnswer:
    """Switch a source on or off, or change its settings."""
    settings = body.settings.applied_to(sources.by_name(name).settings)
    return source_answer(sources.change(name, enabled=body.enabled, settings=settings))


@router.post("/{name}/rotate-key", dependencies=[Write])
def rotate_key(name: str, sources: Sources) -> SourceAnswer:
    """Give a source a new write key; the old one stops working at once."""
    return source_answer(sources.rotate_key(name))


def source_answer(source: Source) -> SourceAnswer:
    """A source as the API shows it."""
    settings = source.settings
    return SourceAnswer(
        source_id=source.source_id,
        name=source.name,
        kind=source.kind,
        write_key=source.write_key,
        enabled=source.enabled,
        trust=source.trust,
        settings={
            "trust": settings.trust,
            "default_region": settings.default_region,
            "ip_policy": settings.ip_policy,
            "strict": settings.strict,
            "max_event_bytes": settings.max_event_bytes,
            "max_body_bytes": settings.max_body_bytes,
            "events_per_second": settings.events_per_second,
        },
    )
