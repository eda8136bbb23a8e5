"""An app with the access routes and a clock that stands still, on each state store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import argon2
import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient

from tekil.access import Caller, Permission, requires
from tekil.access.api import router
from tekil.access.service import AccessService
from tekil.kit.clock import FixedClock, from_iso
from tekil.problems import install_problems
from tekil.store.state import SqlStore

ADMIN_TOKEN = "the-token-in-the-settings-9f2KxQ"
QUICK_HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery staple"


@dataclass
class House:
    """All that a test of this room needs."""

    access: AccessService
    clock: FixedClock
    app: FastAPI
    store: SqlStore

    def client(
        self, token: str | None = None, base_url: str = "http://tekil.example"
    ) -> TestClient:
        """A browser or script, with or without a token."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return TestClient(
            self.app, base_url=base_url, headers=headers, raise_server_exceptions=False
        )

    def token(self, *permissions: Permission, name: str = "t") -> str:
        """The secret of a new token."""
        return self.access.create_token(name, frozenset(permissions)).secret


@pytest.fixture
def house(state_store: SqlStore) -> House:
    """The access room with two routes of another room."""
    clock = FixedClock(from_iso("2026-03-01T12:00:00Z"))
    access = AccessService(state_store, clock, ADMIN_TOKEN, hasher=QUICK_HASHER)
    return House(access, clock, make_app(access), state_store)


def make_app(access: AccessService) -> FastAPI:
    """An app with the access routes and two of another room."""
    app = FastAPI()
    install_problems(app)
    app.include_router(router)
    app.state.access = access

    @app.get("/api/v1/profiles")
    async def read(caller: Annotated[Caller, Depends(requires(Permission.PROFILES_READ))]) -> str:
        return caller.name

    @app.post("/api/v1/sources")
    def write(caller: Annotated[Caller, Depends(requires(Permission.SOURCES_WRITE))]) -> str:
        return caller.name

    return app
