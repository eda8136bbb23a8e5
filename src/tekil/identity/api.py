"""HTTP routes of the identity graph: claims, explanations, decisions by hand, rules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from tekil.access.guard import requires
from tekil.access.model import Caller, Permission
from tekil.errors import MalformedRequest
from tekil.identity.definition import rules_from_json, rules_to_json
from tekil.identity.model import ClaimKind, RefusalReason, Strength
from tekil.identity.nodes import Node
from tekil.identity.service import (
    ClaimView,
    Decision,
    Hands,
    IdentityService,
    Why,
    refused_view,
    view_of,
)
from tekil.kit.clock import to_iso
from tekil.kit.ids import SourceId

router = APIRouter(prefix="/api/v1", tags=["identity"])

Read = Depends(requires(Permission.IDENTITY_READ))
MAY_WRITE = requires(Permission.IDENTITY_WRITE)
MAX_LIMIT = 500

Cursor = Annotated[str | None, Query(description="next of the page before.")]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT)]

MEANINGS: dict[ClaimKind, str] = {
    ClaimKind.MESSAGE: "Both stood in one message.",
    ClaimKind.ALIAS: "An alias call named one as the former id of the other.",
    ClaimKind.JOIN: "Somebody joined them by hand.",
    ClaimKind.SAME_VALUE: "Both namespaces hold the same value.",
}


class IdentityName(BaseModel):
    """An identity and the profile that it belongs to."""

    namespace: str
    value: str


class RefusalAnswer(BaseModel):
    """Why a claim is not believed."""

    reason: RefusalReason
    explanation: str
    identity: IdentityName | None = Field(
        default=None, description="The shared or blocked identity, where that is the reason."
    )
    namespace: str | None = Field(default=None, description="Whose limit would break.")
    limit: int | None = None
    count: int | None = None


class ClaimAnswer(BaseModel):
    """Evidence that two identities are one person."""

    a: IdentityName
    b: IdentityName
    kind: ClaimKind
    meaning: str
    strength: Strength
    source: str
    event_time: str
    message_id: str
    believed: bool
    refused: RefusalAnswer | None
    decided_by: str | None = None
    note: str | None = None


class ClaimPage(BaseModel):
    """One page of claims, oldest first."""

    items: list[ClaimAnswer]
    next: str | None


class SeparationAnswer(BaseModel):
    """A decision by hand that keeps two identities apart."""

    a: IdentityName
    b: IdentityName
    at: str


class ExplanationAnswer(BaseModel):
    """Why two identities are one person, or why they are not."""

    a: IdentityName
    b: IdentityName
    one_person: bool
    explanation: str
    chain: list[ClaimAnswer] = Field(
        description="The shortest chain of believed claims from a to b."
    )
    refused: list[ClaimAnswer] = Field(
        description="If they are two: the claims between them that are not believed, and those "
        "that meet in an identity that both share."
    )
    separations: list[SeparationAnswer]


class PairBody(BaseModel):
    """Two identities, each as namespace:value."""

    model_config = ConfigDict(extra="forbid")

    a: str = Field(examples=["email:ada@example.com"])
    b: str = Field(examples=["user_id:42"])
    note: str = Field(default="", max_length=1000)


class ProfileShotAnswer(BaseModel):
    """A profile and its identities, up to 100 of them."""

    profile_id: str
    identities: list[str]
    identity_count: int


class DecisionAnswer(BaseModel):
    """What a decision did: the profiles that it concerns, before and after."""

    changed: bool
    before: list[ProfileShotAnswer]
    after: list[ProfileShotAnswer]


class RulesAnswer(BaseModel):
    """The rules in force."""

    version: int = Field(description="0: those that every installation starts with.")
    set_at: str | None
    set_by: str | None
    rules: dict[str, object]


class MergeAnswer(BaseModel):
    """Profiles that become one."""

    before: list[str]
    after: str


class SplitAnswer(BaseModel):
    """A profile that comes apart."""

    before: str
    after: list[str]


class RulesDiffAnswer(BaseModel):
    """What new rules change; counts are exact, lists are the largest cases."""

    dry_run: bool
    version: int = Field(description="The version in force after this call.")
    profiles_before: int
    profiles_after: int
    identities_moved: int
    merged: int = Field(description="Profiles that unite several from before.")
    split: int = Field(description="Profiles from before that come apart.")
    quarantined: int
    released: int
    merges: list[MergeAnswer]
    splits: list[SplitAnswer]
    newly_quarantined: list[str]
    newly_released: list[str]


class SharedAnswer(BaseModel):
    """An identity that too many people use; nobody is joined by it."""

    namespace: str
    value: str
    profile_id: str
    strength: Strength = Field(
        description="strong: no claim on it is believed. weak: claims by public keys are not."
    )
    counted: str = Field(description="The namespace of whose values it was seen with too many.")
    limit: int
    first_seen: str


class SharedPage(BaseModel):
    """One page of shared identities."""

    items: list[SharedAnswer]
    next: str | None


def service(request: Request) -> IdentityService:
    """The service that the app was wired with."""
    found: IdentityService = request.app.state.identity
    return found


def hands(request: Request) -> Hands:
    """Who carries out decisions."""
    found: Hands = request.app.state.by_hand
    return found


Service = Annotated[IdentityService, Depends(service)]
Doer = Annotated[Hands, Depends(hands)]
Writer = Annotated[Caller, Depends(MAY_WRITE)]


@router.get("/profiles/{ref:path}/claims", dependencies=[Read])
def get_claims(
    ref: str, request: Request, graph: Service, cursor: Cursor = None, limit: Limit = 100
) -> ClaimPage:
    """Show the evidence on a person: who is claimed to be who, and what is not believed."""
    page = graph.claims(ref, cursor=cursor, limit=limit)
    return ClaimPage(items=[_claim(view, request) for view in page.items], next=page.next)


@router.get("/profiles/{ref:path}/explain", dependencies=[Read])
def explain_profile(
    ref: str, request: Request, graph: Service, b: str, a: str | None = None
) -> ExplanationAnswer:
    """Say why two identities are one person; without ``a`` the profile's reference is taken."""
    return _explanation(graph.explain(a or ref, b), request)


@router.get("/identity/explain", dependencies=[Read])
def explain_pair(a: str, b: str, request: Request, graph: Service) -> ExplanationAnswer:
    """Say why two identities are one person, or why they are not."""
    return _explanation(graph.explain(a, b), request)


@router.post("/identity/join")
def join(body: PairBody, doer: Doer, caller: Writer) -> DecisionAnswer:
    """Make two identities one person, whatever the evidence says."""
    return _decision(doer.join(body.a, body.b, by=caller.name, note=body.note))


@router.post("/identity/separate")
def separate(body: PairBody, doer: Doer, caller: Writer) -> DecisionAnswer:
    """Make two identities two people and keep them so, whatever the evidence says."""
    return _decision(doer.separate(body.a, body.b, by=caller.name, note=body.note))


@router.get("/identity/rules", dependencies=[Read])
def get_rules(graph: Service) -> RulesAnswer:
    """Show the rules by which people are told apart."""
    rules, version, at, by = graph.rules()
    return RulesAnswer(
        version=version,
        set_at=to_iso(at) if at is not None else None,
        set_by=by or None,
        rules=rules_to_json(rules),  # type: ignore[arg-type]
    )


@router.put("/identity/rules")
def put_rules(
    graph: Service,
    doer: Doer,
    caller: Writer,
    definition: Annotated[
        dict[str, Any], Body(description="The rules, or the whole of what GET answers.")
    ],
    dry_run: Annotated[bool, Query(description="Only say what would change.")] = False,
) -> RulesDiffAnswer:
    """Put other rules in force, for the past too; with dry_run=true only say what would change.

    Blocked values, limits and shared_after change who is one person at once. A rank also decides
    under which identity later events are stored; those that are stored stay where they are.
    """
    rules = rules_from_json(definition.get("rules", definition))
    diff = doer.change_rules(rules, by=caller.name, dry_run=dry_run)
    name, key = graph.names(diff)
    return RulesDiffAnswer(
        dry_run=dry_run,
        version=graph.rules()[1],
        profiles_before=diff.profiles_before,
        profiles_after=diff.profiles_after,
        identities_moved=diff.identities_moved,
        merged=diff.merged,
        split=diff.split,
        quarantined=diff.quarantined,
        released=diff.released,
        merges=[
            MergeAnswer(before=[key[p] for p in m.before], after=key[m.after]) for m in diff.merges
        ],
        splits=[
            SplitAnswer(before=key[s.before], after=[key[p] for p in s.after]) for s in diff.splits
        ],
        newly_quarantined=[name[i] for i in diff.newly_quarantined],
        newly_released=[name[i] for i in diff.newly_released],
    )


@router.get("/identity/quarantine", dependencies=[Read])
def get_quarantine(graph: Service, cursor: Cursor = None, limit: Limit = 100) -> SharedPage:
    """Show the identities that too many people use: kiosks, info@ mailboxes, shared telephones."""
    page = graph.shared(cursor=cursor, limit=limit)
    return SharedPage(items=[_shared(node) for node in page.items], next=page.next)


def _name(node: Node) -> IdentityName:
    return IdentityName(namespace=node.namespace, value=node.value)


def _claim(view: ClaimView, request: Request) -> ClaimAnswer:
    claim = view.claim
    name_of: Callable[[SourceId], str] = request.app.state.source_name_of
    by_hand = claim.kind is ClaimKind.JOIN
    return ClaimAnswer(
        a=_name(view.a),
        b=_name(view.b),
        kind=claim.kind,
        meaning=MEANINGS[claim.kind],
        strength=claim.strength,
        source="by hand" if by_hand else name_of(claim.source_id),
        event_time=to_iso(claim.event_time),
        message_id=claim.message_id,
        believed=view.refused is None,
        refused=_refusal(view),
        decided_by=view.decided_by or None,
        note=view.note or None,
    )


def _refusal(view: ClaimView) -> RefusalAnswer | None:
    why = view.refused
    if why is None:
        return None
    return RefusalAnswer(
        reason=why.reason,
        explanation=_reason_text(view),
        identity=_name(view.at_fault) if view.at_fault is not None else None,
        namespace=why.namespace,
        limit=why.limit,
        count=why.count,
    )


def _reason_text(view: ClaimView) -> str:
    why, node = view.refused, view.at_fault
    name = f"{node.namespace}:{node.value}" if node is not None else "One of the two"
    reason = why.reason if why is not None else None
    limit, namespace = (why.limit, why.namespace) if why is not None else (None, None)
    match reason:
        case RefusalReason.BLOCKED:
            return f"{name} is a placeholder that names nobody."
        case RefusalReason.QUARANTINED:
            return f"{name} is shared: it was seen with more than {limit} values of {namespace}."
        case RefusalReason.SEPARATED:
            return "Somebody separated them by hand."
        case RefusalReason.LIMIT:
            return f"One profile would hold more than {limit} of {namespace}."
        case RefusalReason.WEAK_BETWEEN_VERIFIED:
            return "A public key may not join two people whom trusted sources know."
        case None:
            return ""


def _explanation(why: Why, request: Request) -> ExplanationAnswer:
    answer, nodes = why.explanation, why.nodes
    chain = []
    for step in answer.chain:
        view = _claim(view_of(step.claim, None, nodes, {}), request)
        view.a, view.b = _name(nodes[step.from_id]), _name(nodes[step.to_id])
        chain.append(view)
    refusals = [*answer.refused, *why.through]
    return ExplanationAnswer(
        a=_name(why.a),
        b=_name(why.b),
        one_person=answer.one_person,
        explanation=_summary(why),
        chain=chain,
        refused=[_claim(refused_view(refusal, nodes), request) for refusal in refusals],
        separations=[
            SeparationAnswer(a=_name(nodes[s.a]), b=_name(nodes[s.b]), at=to_iso(s.event_time))
            for s in answer.separations
            if s.a in nodes and s.b in nodes
        ],
    )


def _summary(why: Why) -> str:
    answer = why.explanation
    if answer.one_person:
        if why.a.identity_id == why.b.identity_id:
            return "They are the same identity."
        return f"One person, by a chain of {len(answer.chain)} claim(s)."
    if answer.separations:
        return "Two people: somebody separated them by hand."
    if answer.refused:
        return f"Two people: {len(answer.refused)} claim(s) between them are not believed."
    if why.through:
        return "Two people: what connects them is an identity that many people share."
    return "Two people: nothing claims that they are one."


def _decision(done: Decision) -> DecisionAnswer:
    before, after = (
        [
            ProfileShotAnswer(
                profile_id=shot.key, identities=list(shot.identities), identity_count=shot.count
            )
            for shot in shots
        ]
        for shots in (done.before, done.after)
    )
    return DecisionAnswer(changed=done.changed, before=before, after=after)


def _shared(node: Node) -> SharedAnswer:
    verdict = node.quarantine
    if verdict is None:  # the query asks for nothing else
        raise MalformedRequest(f"{node.namespace}:{node.value} is not shared.")
    return SharedAnswer(
        namespace=node.namespace,
        value=node.value,
        profile_id=node.key,
        strength=verdict.strength,
        counted=verdict.namespace,
        limit=verdict.limit,
        first_seen=to_iso(node.first_seen),
    )
