"""HTTP routes of definitions as a whole: read all, plan a change of many, apply it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from pyroaring import BitMap

from tekil.access.guard import requires
from tekil.access.model import Caller, Permission
from tekil.segments.api import Segments, _json
from tekil.segments.plan import Change, Kind, Plan, Wanted, both, merged, plan, read
from tekil.segments.service import SegmentService

router = APIRouter(prefix="/api/v1/definitions", tags=["definitions"])

MAX_DEFINITIONS = 1_000

MayReadSegments = Depends(requires(Permission.SEGMENTS_READ))
MayReadTraits = Depends(requires(Permission.TRAITS_READ))
MayWriteTraits = Depends(requires(Permission.TRAITS_WRITE))
Writer = Annotated[Caller, Depends(requires(Permission.SEGMENTS_WRITE))]


class DefinitionBody(BaseModel):
    """One definition."""

    model_config = ConfigDict(extra="forbid")
    kind: Kind
    name: str
    description: str = Field(default="", max_length=2_000)
    definition: object
    origin: str = Field(default="", max_length=1_000, description="Its file, for messages.")


class PlanBody(BaseModel):
    """How definitions should be."""

    model_config = ConfigDict(extra="forbid")
    definitions: list[DefinitionBody] = Field(max_length=MAX_DEFINITIONS)
    prune: bool = Field(default=False, description="Delete what is not named here.")


class StepAnswer(BaseModel):
    """What becomes of one definition."""

    kind: Kind
    name: str
    change: Change
    before: int | None = Field(description="How many people are in the segment now.")
    after: int | None = Field(description="How many would be.")
    entering: int
    leaving: int


class PlanAnswer(BaseModel):
    """What would be done, or was."""

    changes: int = Field(description="How many definitions are written or deleted.")
    steps: list[StepAnswer]


class Definitions(BaseModel):
    """Every definition that is stored."""

    items: list[DefinitionBody]


@router.get("", dependencies=[MayReadSegments, MayReadTraits])
def get_definitions(segments: Segments) -> Definitions:
    """Read every definition."""
    return Definitions(
        items=[
            DefinitionBody(
                kind=each.kind,
                name=each.name,
                description=each.description,
                definition=each.definition,
            )
            for each in stored(segments)
        ]
    )


@router.post("/plan", dependencies=[MayReadSegments, MayReadTraits])
def plan_definitions(body: PlanBody, segments: Segments) -> PlanAnswer:
    """Say what would change and how many people would enter and leave; change nothing."""
    return _answer(_plan(body, segments))


@router.post("/apply", dependencies=[MayWriteTraits])
def apply_definitions(body: PlanBody, caller: Writer, segments: Segments) -> PlanAnswer:
    """Do what the plan says, all or nothing; a second time changes nothing."""
    made = _plan(body, segments)
    if made.changes:
        segments.rewrite(made.rewrite, caller.name)
    return _answer(made)


def stored(segments: SegmentService) -> list[Wanted]:
    """Every definition as it is stored now."""
    traits = [
        Wanted(Kind.COMPUTED_TRAIT, row.name, row.definition, row.description)
        for row in segments.store.computed_traits()
    ]
    return traits + [
        Wanted(Kind.SEGMENT, row.name, row.definition, row.description)
        for row in segments.store.segments()
    ]


def _plan(body: PlanBody, segments: SegmentService) -> Plan:
    now = stored(segments)
    wanted = [
        Wanted(each.kind, each.name, _json(each.definition), each.description, each.origin)
        for each in body.definitions
    ]
    after = read(merged(now, wanted, prune=body.prune))
    people: Mapping[str, BitMap] = segments.judge(both(read(now), after))
    return plan(now, wanted, people, prune=body.prune)


def _answer(made: Plan) -> PlanAnswer:
    return PlanAnswer(
        changes=made.changes,
        steps=[
            StepAnswer(
                kind=step.kind,
                name=step.name,
                change=step.change,
                before=step.before,
                after=step.after,
                entering=step.entering,
                leaving=step.leaving,
            )
            for step in made.steps
        ],
    )
