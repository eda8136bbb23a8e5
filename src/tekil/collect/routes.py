"""Which address means what in the tracking API, with the slips that users make forgiven."""

from __future__ import annotations

from enum import StrEnum

from tekil.collect.model import MessageType


class Endpoint(StrEnum):
    """What a request to the tracking API is."""

    SINGLE = "single"
    BATCH = "batch"
    METRICS = "metrics"
    PIXEL = "pixel"
    SETTINGS = "settings"
    SCRIPT = "script"
    BUNDLE = "bundle"
    SOURCE_CONFIG = "source_config"


Route = tuple[Endpoint, str]
"""An endpoint and what the address adds: a message type or a write key."""


def _fixed_routes() -> dict[tuple[str, str], Route]:
    routes: dict[tuple[str, str], Route] = {}
    for kind in MessageType:
        for path in (f"/v1/{kind}", f"/v1/{kind.value[0]}", f"/v1/v1/{kind}", f"/{kind}"):
            routes["POST", path] = (Endpoint.SINGLE, kind.value)
        for path in (f"/v1/pixel/{kind}", f"/pixel/v1/{kind}"):
            routes["GET", path] = (Endpoint.PIXEL, kind.value)
    for path in ("/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch", "/v1/v1/batch",
                 "/v1/batch/b", "/v1/b/b", "/batch", "/b", "/import", "/v1/v1/b"):  # fmt: skip
        routes["POST", path] = (Endpoint.BATCH, "")
    for path in ("/v1/m", "/m"):
        routes["POST", path] = (Endpoint.METRICS, "")
    routes["GET", "/sourceConfig"] = (Endpoint.SOURCE_CONFIG, "")
    return routes


FIXED = _fixed_routes()
PATHS = frozenset(path for _, path in FIXED)


def route(method: str, path: str) -> Route | None:
    """Find the endpoint of a request; None when the tracking API has no such address.

    >>> route("POST", "/v1/t")
    (<Endpoint.SINGLE: 'single'>, 'track')
    >>> route("GET", "/v1/projects/WK/settings")
    (<Endpoint.SETTINGS: 'settings'>, 'WK')
    """
    trimmed = path.rstrip("/") or "/"
    found = FIXED.get((method, trimmed))
    if found is not None or method != "GET":
        return found
    parts = [p for p in trimmed.split("/") if p]
    if len(parts) >= 3 and parts[-1] == "settings" and parts[-3] == "projects":
        return Endpoint.SETTINGS, parts[-2]
    if parts[:2] == ["analytics.js", "v1"] and len(parts) == 4:
        return Endpoint.SCRIPT, parts[2]
    if parts[:2] == ["analytics-next", "bundles"] and len(parts) == 3:
        return Endpoint.BUNDLE, parts[2]
    return None


def is_tracking_path(path: str) -> bool:
    """Whether a path belongs to the tracking API, whatever the method."""
    trimmed = path.rstrip("/") or "/"
    return trimmed in PATHS or route("GET", trimmed) is not None
