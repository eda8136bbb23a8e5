"""Who may call: users, sessions, API tokens, and the permission that each route declares."""

from tekil.access.guard import (
    Public,
    Requires,
    declared_permission,
    public,
    requires,
    undeclared_routes,
)
from tekil.access.model import Caller, CallerKind, Permission
from tekil.access.rules import check_secrets

__all__ = [
    "Caller",
    "CallerKind",
    "Permission",
    "Public",
    "Requires",
    "check_secrets",
    "declared_permission",
    "public",
    "requires",
    "undeclared_routes",
]
