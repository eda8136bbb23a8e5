"""Every route says what it needs; an app with one that does not is found out."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Depends, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

import tekil
from tekil.access import (
    Caller,
    Permission,
    Public,
    declared_permission,
    public,
    requires,
    undeclared_routes,
)

read = Depends(requires(Permission.PROFILES_READ))


def nothing() -> None:
    """An endpoint."""


def deeper(caller: Annotated[Caller, read]) -> Caller:
    """A dependency that has the declared one."""
    return caller


def test_routes_that_declare() -> None:
    app = FastAPI()
    app.add_api_route("/api/v1/a", nothing, dependencies=[read])
    app.add_api_route("/api/v1/b", nothing, dependencies=[Depends(public("why not"))])

    @app.get("/api/v1/c")
    def c(caller: Annotated[Caller, read]) -> str:
        return caller.name

    @app.get("/api/v1/d")
    def d(caller: Annotated[Caller, Depends(deeper)]) -> str:
        return caller.name

    inner = APIRouter(prefix="/e", dependencies=[read])
    inner.add_api_route("/f", nothing)
    outer = APIRouter(prefix="/api/v1")
    outer.include_router(inner)
    app.include_router(outer)
    included = APIRouter(prefix="/api/v1/g")
    included.add_api_route("/h", nothing)
    app.include_router(included, dependencies=[read])
    assert undeclared_routes(app.routes) == []


def test_routes_that_do_not() -> None:
    app = FastAPI()
    app.add_api_route("/api/v1/a", nothing, methods=["GET", "PUT"])
    router = APIRouter(prefix="/api/v1/b")
    router.add_api_route("/c", nothing)
    app.include_router(router)
    app.router.routes.append(Route("/api/v1/d", lambda _: PlainTextResponse("")))
    app.router.routes.append(Mount("/api/v1/e", app=PlainTextResponse("")))
    app.add_api_route("/v1/track", nothing)
    assert undeclared_routes(app.routes) == [
        " /api/v1/e",
        "GET /api/v1/b/c",
        "GET,HEAD /api/v1/d",
        "GET,PUT /api/v1/a",
    ]


def test_what_a_route_declares() -> None:
    app = FastAPI()
    app.add_api_route("/a", nothing, dependencies=[Depends(requires(Permission.STATS_READ))])
    app.add_api_route("/b", nothing, dependencies=[Depends(public("why not"))])
    app.add_api_route("/c", nothing)
    a, b, c = app.routes[-3:]
    assert declared_permission(a) is Permission.STATS_READ
    declared = declared_permission(b)
    assert isinstance(declared, Public)
    assert declared.reason == "why not"
    assert declared_permission(c) is None


def routers() -> Iterator[tuple[str, APIRouter]]:
    """Every router that a room of ours declares."""
    for package in pkgutil.walk_packages(tekil.__path__, "tekil."):
        if package.name.endswith(".api"):
            for name, value in vars(importlib.import_module(package.name)).items():
                if isinstance(value, APIRouter):
                    yield f"{package.name}.{name}", value


def test_every_room_declares_its_routes() -> None:
    found = dict(routers())
    assert "tekil.access.api.router" in found
    for name, router in found.items():
        app = FastAPI()
        app.include_router(router)
        assert undeclared_routes(app.routes) == [], name


def test_the_permission_is_in_the_api_description() -> None:
    app = FastAPI()
    app.add_api_route("/a", nothing, dependencies=[Depends(requires(Permission.STATS_READ))])
    app.add_api_route("/b", nothing, dependencies=[Depends(public("why not"))])
    document = app.openapi()
    assert document["paths"]["/a"]["get"]["security"] == [{"bearer": []}]
    assert "security" not in document["paths"]["/b"]["get"]
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
