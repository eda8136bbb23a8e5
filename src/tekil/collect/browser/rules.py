"""The two settings documents that SDKs ask for before they send their first event."""

from __future__ import annotations

from tekil.collect.model import Source
from tekil.kit.json import JsonObject, JsonValue

_LAST_CHANGED = "1970-01-01T00:00:00.000Z"
"""Some SDKs refuse a document without this time and none acts on it."""


def segment_settings(source: Source, host: str, protocol: str) -> JsonObject:
    """Answer ``GET /v1/projects/{writeKey}/settings``: where to send, and no third parties.

    ``host`` is what the client reached us by (``cdp.example.com``, ``127.0.0.1:8765``) and
    ``protocol`` is ``http`` or ``https``.

    >>> from tekil.collect.model import SourceKind
    >>> from tekil.kit.ids import SourceId
    >>> shop = Source(SourceId(1), "shop", SourceKind.WEB, "wk_1")
    >>> segment_settings(shop, "cdp.example.com", "https")["integrations"]
    {'Segment.io': {'apiKey': 'wk_1', 'apiHost': 'cdp.example.com/v1', 'protocol': 'https'}}
    """
    api_host = f"{host}/v1"
    return {
        "integrations": {
            "Segment.io": {
                "apiKey": source.write_key,
                "apiHost": api_host,
                "protocol": protocol,
            }
        },
        "plan": {call: _everything_enabled() for call in ("track", "identify", "group")},
        # Left out, the SDK samples its own performance and posts it to Segment's servers.
        "metrics": {"sampleRate": 0, "host": api_host},
    }


def rudder_source_config(source: Source) -> JsonObject:
    """Answer ``GET /sourceConfig``: the source, and no destinations inside the device.

    >>> from tekil.collect.model import SourceKind
    >>> from tekil.kit.ids import SourceId
    >>> shop = Source(SourceId(1), "shop", SourceKind.WEB, "wk_1", enabled=False)
    >>> rudder_source_config(shop)["source"]["enabled"]
    False
    """
    off: dict[str, JsonValue] = {"enabled": False}
    return {
        "source": {
            "id": str(source.source_id),
            "name": source.name,
            "writeKey": source.write_key,
            "enabled": source.enabled,
            "workspaceId": "tekil",
            "config": {"statsCollection": {"errors": off, "metrics": off}},
            "destinations": [],
            "createdAt": _LAST_CHANGED,
            "updatedAt": _LAST_CHANGED,
        }
    }


def _everything_enabled() -> JsonObject:
    return {"__default": {"enabled": True}}
