"""What SDKs are told before they send."""

from __future__ import annotations

import pytest

from tekil.collect.browser import rudder_source_config, segment_settings
from tekil.collect.model import Source, SourceKind
from tekil.kit.ids import SourceId

SOURCE = Source(SourceId(7), "shop", SourceKind.WEB, "wk_1")


@pytest.mark.parametrize(
    ("host", "protocol"), [("cdp.example.com", "https"), ("127.0.0.1:8765", "http")]
)
def test_settings_send_events_back_to_the_address_they_were_asked_at(
    host: str, protocol: str
) -> None:
    enabled = {"__default": {"enabled": True}}
    assert segment_settings(SOURCE, host, protocol) == {
        "integrations": {
            "Segment.io": {"apiKey": "wk_1", "apiHost": f"{host}/v1", "protocol": protocol}
        },
        "plan": {"track": enabled, "identify": enabled, "group": enabled},
        "metrics": {"sampleRate": 0, "host": f"{host}/v1"},
    }


@pytest.mark.parametrize("enabled", [True, False])
def test_source_config_names_the_source_and_no_destination(enabled: bool) -> None:
    source = Source(SourceId(7), "shop", SourceKind.WEB, "wk_1", enabled=enabled)
    found = rudder_source_config(source)["source"]
    assert isinstance(found, dict)
    assert found["id"] == "7"
    assert found["name"] == "shop"
    assert found["writeKey"] == "wk_1"
    assert found["enabled"] is enabled
    assert found["destinations"] == []
    assert found["config"] == {
        "statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}
    }


def test_source_config_has_every_key_that_strict_mobile_parsers_require() -> None:
    found = rudder_source_config(SOURCE)["source"]
    assert isinstance(found, dict)
    assert {"id", "name", "writeKey", "enabled", "workspaceId", "updatedAt"} <= set(found)
    assert all(isinstance(found[key], str) for key in ("id", "workspaceId", "updatedAt"))
