"""Every address of the tracking API, and the slips that are forgiven."""

from __future__ import annotations

import pytest

from tekil.collect.model import MessageType
from tekil.collect.routes import Endpoint, is_tracking_path, route


@pytest.mark.parametrize("kind", MessageType)
@pytest.mark.parametrize("pattern", ["/v1/{}", "/v1/{}/", "/{}", "/v1/v1/{}"])
def test_single_calls_by_name(kind: MessageType, pattern: str) -> None:
    assert route("POST", pattern.format(kind)) == (Endpoint.SINGLE, kind.value)


@pytest.mark.parametrize(
    ("letter", "kind"),
    [("t", "track"), ("i", "identify"), ("p", "page"), ("s", "screen"), ("g", "group"),
     ("a", "alias")],
)  # fmt: skip
def test_single_calls_by_first_letter(letter: str, kind: str) -> None:
    assert route("POST", f"/v1/{letter}") == (Endpoint.SINGLE, kind)


@pytest.mark.parametrize(
    "path",
    ["/v1/batch", "/v1/b", "/v1/import", "/beacon/v1/batch", "/v1/batch/b", "/b", "/batch",
     "/v1/batch/", "/v1/v1/b"],
)  # fmt: skip
def test_batches(path: str) -> None:
    assert route("POST", path) == (Endpoint.BATCH, "")


@pytest.mark.parametrize("kind", ["track", "page", "identify", "group", "alias", "screen"])
def test_pixels(kind: str) -> None:
    assert route("GET", f"/v1/pixel/{kind}") == (Endpoint.PIXEL, kind)
    assert route("GET", f"/pixel/v1/{kind}") == (Endpoint.PIXEL, kind)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/v1/projects/WK/settings", (Endpoint.SETTINGS, "WK")),
        ("/projects/WK/settings", (Endpoint.SETTINGS, "WK")),
        ("/v1/projects/projects/WK/settings", (Endpoint.SETTINGS, "WK")),
        ("/analytics.js/v1/WK/analytics.min.js", (Endpoint.SCRIPT, "WK")),
        ("/analytics-next/bundles/x.js", (Endpoint.BUNDLE, "x.js")),
        ("/sourceConfig", (Endpoint.SOURCE_CONFIG, "")),
        ("/sourceConfig/", (Endpoint.SOURCE_CONFIG, "")),
    ],
)
def test_what_browsers_read(path: str, expected: tuple[Endpoint, str]) -> None:
    assert route("GET", path) == expected


def test_metrics_are_taken_and_dropped() -> None:
    assert route("POST", "/v1/m") == (Endpoint.METRICS, "")


def test_the_method_matters() -> None:
    assert route("GET", "/v1/track") is None
    assert route("POST", "/v1/pixel/track") is None
    assert route("PUT", "/v1/batch") is None


@pytest.mark.parametrize(
    ("path", "ours"),
    [("/v1/track", True), ("/v1/pixel/page", True), ("/v1/projects/x/settings", True),
     ("/v1/nothing", False), ("/", False), ("/health", False), ("/api/v1/stats", False)],
)  # fmt: skip
def test_which_paths_are_ours(path: str, ours: bool) -> None:
    assert is_tracking_path(path) is ours
