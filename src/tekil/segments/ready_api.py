"""HTTP route of ready definitions, to be copied and changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.segments.api import Segments
from tekil.segments.ready import Ready, lifecycle

router = APIRouter(prefix="/api/v1/ready-segments", tags=["segments"])

MayRead = Depends(requires(Permission.SEGMENTS_READ))
Event = Annotated[str, Query(min_length=1, max_length=200)]
Duration = Annotated[str, Query(pattern=r"^[1-9]\d{0,4}[hdw]$")]


class ReadyAnswer(BaseModel):
    """A definition to copy."""

    name: str
    description: str
    definition: object


class ReadyList(BaseModel):
    """Definitions that belong together."""

    items: list[ReadyAnswer]


@router.get("/lifecycle", dependencies=[MayRead])
def get_lifecycle(
    event: Event = "Order Completed",
    active_days: Annotated[int, Query(ge=1, le=3650)] = 30,
    lapsed_days: Annotated[int, Query(ge=2, le=3650)] = 120,
) -> ReadyList:
    """Stages by how long ago an event was: new, active, at risk, lapsed, won back."""
    return _listed(lifecycle(event, active_days, max(lapsed_days, active_days + 1)))


@router.get("/rfm", dependencies=[MayRead])
def get_rfm(
    segments: Segments,
    event: Event = "Order Completed",
    amount: Annotated[str, Query(min_length=1, max_length=200)] = "revenue",
    window: Duration = "365d",
) -> ReadyList:
    """Recency, frequency and monetary scores, by the quintiles of everybody who did the event."""
    return _listed(segments.ready_rfm(event, amount, window))


def _listed(found: list[Ready]) -> ReadyList:
    return ReadyList(
        items=[
            ReadyAnswer(name=one.name, description=one.description, definition=one.definition)
            for one in found
        ]
    )
