"""Every identity and the profile that it belongs to: the whole map, a page at a time."""

from __future__ import annotations

from typing import Annotated

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from tekil.access.guard import requires
from tekil.access.model import Permission
from tekil.identity.tables import identities
from tekil.kit.json import encode
from tekil.kit.paging import encode_cursor
from tekil.query import read_place
from tekil.store.state import SqlStore

router = APIRouter(prefix="/api/v1/identities", tags=["identity"])

MAX_LIMIT = 20_000


class IdentityRow(BaseModel):
    """One identity and its profile."""

    identity_id: int
    namespace: str
    value: str
    profile_id: str


class IdentityPage(BaseModel):
    """One page of the map, in the order in which identities were first met."""

    items: list[IdentityRow]
    next: str | None = None


def map_sql(after: int, limit: int) -> sa.Select[tuple[int, str, str, str]]:
    """A page of identities, each with the key of its profile's eldest identity."""
    eldest = identities.alias("eldest")
    return (
        sa.select(
            identities.c.identity_id,
            identities.c.namespace,
            identities.c.value,
            eldest.c.key.label("profile_id"),
        )
        .join(eldest, eldest.c.identity_id == identities.c.profile_id)
        .where(identities.c.identity_id > after, identities.c.attested)
        .order_by(identities.c.identity_id)
        .limit(limit)
    )


@router.get(
    "",
    response_model=IdentityPage,
    dependencies=[Depends(requires(Permission.IDENTITY_READ))],
)
def list_identities(
    request: Request,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = 1_000,
) -> Response:
    """List every identity with its profile."""
    state: SqlStore = request.app.state.state
    with state.read() as connection:
        rows = connection.execute(map_sql(read_place(cursor), limit + 1)).all()
    items = [row._asdict() for row in rows[:limit]]
    more = encode_cursor(items[-1]["identity_id"]) if len(rows) > limit else None
    return Response(encode({"items": items, "next": more}), media_type="application/json")
