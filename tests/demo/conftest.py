"""One small shop, told once for all tests that only read it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tekil.demo.shop.generate import Shop
from tekil.demo.shop.model import Batch, Channel, ShopConfig
from tekil.kit.clock import from_iso
from tekil.kit.json import JsonObject, decode_object

NOW = from_iso("2026-11-22T09:30:00.123Z")
CONFIG = ShopConfig(now=NOW, people=600, seed=7)


@dataclass(frozen=True)
class Told:
    shop: Shop
    batches: list[Batch]
    messages: list[tuple[Channel, JsonObject]]
    """As sent, those sent twice included."""

    @property
    def different(self) -> dict[str, tuple[Channel, JsonObject]]:
        return {str(message["messageId"]): (channel, message) for channel, message in self.messages}


def tell(config: ShopConfig) -> Told:
    shop = Shop(config)
    batches = list(shop.batches())
    messages = []
    for batch in batches:
        items = decode_object(batch.body)["batch"]
        assert isinstance(items, list)
        messages += [(batch.channel, item) for item in items if isinstance(item, dict)]
    return Told(shop, batches, messages)


@pytest.fixture(scope="session")
def told() -> Told:
    return tell(CONFIG)
