"""Wires the rooms into one ASGI application."""

from __future__ import annotations

import gc
import sys
from typing import Any

from fastapi import Depends, FastAPI, Response
from fastapi.responses import HTMLResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

import tekil
from tekil.access.api import router as access_router
from tekil.access.guard import public
from tekil.api_page import api_page
from tekil.bodies import bounded
from tekil.collect.api import router as sources_router
from tekil.collect.files.api import import_routes
from tekil.collect.tracking import TrackingApp, TrackingSettings
from tekil.console.landing import Standing
from tekil.console.landing import router as landing_router
from tekil.events.api import InboxLag, Stats
from tekil.events.api import router as events_router
from tekil.events.summary import router as summary_router
from tekil.identity.api import router as identity_router
from tekil.identity.listing import router as identities_router
from tekil.inbox.api import router as inbox_router
from tekil.metrics import StatsCollector
from tekil.pipeline.batch import DUPLICATES, EVENTS, IDENTITIES, PROFILES
from tekil.problems import install_problems
from tekil.profiles.api import accounts_router
from tekil.profiles.api import router as profiles_router
from tekil.replay import Replayer
from tekil.runtime import Runtime
from tekil.segments.api import router as segments_router
from tekil.segments.computed_api import router as computed_router
from tekil.segments.lists_api import router as lists_router
from tekil.segments.people_api import router as segment_people_router
from tekil.segments.plan_api import router as definitions_router
from tekil.segments.ready_api import router as ready_router
from tekil.settings import Role

MAX_BODY_BYTES = 33 * 1024 * 1024
"""A chunk of an import is the largest thing that anybody sends to the API."""

SWITCH_SECONDS = 0.0001
"""How long one thread may hold the interpreter while another waits: requests come first."""

COLLECT_AFTER = (50_000, 20, 1000)
"""A micro-batch is hundreds of thousands of objects, hardly one of them in a cycle: with the
interpreter's own thresholds a quarter of the pipeline's time went into looking for cycles."""


def create_app(runtime: Runtime) -> Any:
    """Build the application for an open runtime."""
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.set_threshold(*COLLECT_AFTER)
    gc.freeze()
    api = _api(runtime)
    tracking = TrackingApp(
        runtime.sources,
        runtime.committer,
        runtime.clock,
        TrackingSettings(runtime.settings.public_url, runtime.settings.trusted_proxies),
    )

    collects = runtime.settings.role in (Role.ALL, Role.COLLECTOR)

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if collects and scope["type"] == "http" and tracking.handles(scope):
            await tracking(scope, receive, send)
        elif scope["type"] == "http":
            await api(scope, bounded(scope, receive), send)
        else:
            await api(scope, receive, send)

    return application


def _api(runtime: Runtime) -> FastAPI:
    app = FastAPI(
        title="Tekil",
        version=tekil.__version__,
        description="One customer, one profile.",
        docs_url=None,
        redoc_url=None,
        max_body_size=MAX_BODY_BYTES,
    )
    install_problems(app)
    for router in (
        access_router,
        sources_router,
        identity_router,
        events_router,
        summary_router,
        identities_router,
        inbox_router,
        landing_router,
        segment_people_router,
        segments_router,
        lists_router,
        computed_router,
        ready_router,
        definitions_router,
    ):
        app.include_router(router)
    app.include_router(
        import_routes(
            runtime.sources.by_name,
            runtime.inbox.import_progress,
            lambda submission, progress: runtime.committer.submit(submission, progress).result(),
            runtime.clock,
        )
    )
    # References and group ids may hold slashes, so these two match whatever begins like them:
    # every other router under /profiles and /accounts must come before.
    app.include_router(profiles_router)
    app.include_router(accounts_router)
    _share(app, runtime)
    _operations(app, runtime)
    return app


def _share(app: FastAPI, runtime: Runtime) -> None:
    """Hand each room what it works with."""
    replayer = Replayer(runtime.inbox, runtime.sources, runtime.clock, runtime.pipeline.wake)
    state = app.state
    state.access = runtime.access
    state.state = runtime.state
    state.warehouse = runtime.warehouse
    state.sources = runtime.sources
    state.source_id_of = lambda name: runtime.sources.by_name(name).source_id
    state.source_name_of = replayer.source_name
    state.profiles = runtime.profiles
    state.profile_search = runtime.profile_search
    state.past_profiles = runtime.past_profiles
    state.accounts = runtime.accounts
    state.identity = runtime.identity
    state.by_hand = runtime.by_hand
    state.timeline = runtime.timeline
    state.history = runtime.history
    state.inbox = runtime.inbox
    state.replay_rejects = replayer.rejects
    state.replay_inbox = replayer.accepted
    state.landing = lambda: _standing(runtime)
    state.segments = runtime.segments
    state.find_identities = runtime.find_identities
    state.profile_extensions = (
        lambda profile: {
            "segments": runtime.segments.segments_of(profile.internal_id),
            "computed_traits": runtime.segments.computed_values(profile.internal_id),
        },
    )
    state.stats = lambda: read_stats(runtime)


def _operations(app: FastAPI, runtime: Runtime) -> None:
    registry = CollectorRegistry()
    registry.register(StatsCollector(lambda: read_stats(runtime)))

    @app.get("/health", dependencies=[Depends(public("load balancers have no token"))])
    def health() -> dict[str, object]:
        """Say that the server answers, and whether its warehouse can be written."""
        failing = runtime.pipeline.writer.failing
        return {"status": "degraded" if failing else "ok", "version": tekil.__version__}

    @app.get(
        "/docs", include_in_schema=False, dependencies=[Depends(public("holds nothing but routes"))]
    )
    def docs() -> HTMLResponse:
        """Show the API to people."""
        return HTMLResponse(api_page(app.openapi()))

    @app.get("/metrics", dependencies=[Depends(public("scrapers have no token"))])
    def metrics() -> Response:
        """Figures for Prometheus."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


def _standing(runtime: Runtime) -> Standing:
    progress = runtime.history.progress()
    data = str(runtime.settings.data)
    return Standing(progress.get(EVENTS, 0), progress.get(PROFILES, 0), data)


def read_stats(runtime: Runtime) -> Stats:
    """Count everything, from counters that move with what they count."""
    progress = runtime.history.progress()
    waiting, oldest = runtime.lag(progress)
    seconds = (runtime.clock.now() - oldest) / 1000 if oldest is not None else 0.0
    return Stats(
        events=progress.get(EVENTS, 0),
        profiles=progress.get(PROFILES, 0),
        identities=progress.get(IDENTITIES, 0),
        rejects=runtime.inbox.reject_total(),
        duplicates=progress.get(DUPLICATES, 0),
        inbox_lag=InboxLag(messages=waiting, seconds=max(0.0, seconds)),
    )
