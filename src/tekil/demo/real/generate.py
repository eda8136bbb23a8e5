"""From the tables to tracking messages, in batches ready to be sent. Pure and deterministic.

| in the files | message |
|---|---|
| a household's demographics | `identify` |
| a household in a campaign | `Campaign Exposed`, when the campaign starts |
| a coupon redeemed | `Coupon Applied`, on its day |
| a basket | `Order Completed` with its products; `revenue` is the sum of `sales_value` |

Message ids are made of the data's own ids, so sending all of it again counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from tekil.demo.real.dataset import Campaign, Dataset, Household, Redemption, cents, millis
from tekil.demo.send import Body
from tekil.kit.clock import to_iso
from tekil.kit.json import encode_text

BATCH_MESSAGES = 100
BATCH_BYTES = 256 * 1024
START_OF_DATA = "2017-01-01T00:00:00.000Z"
CURRENCY = "USD"


def user_id(household: int) -> str:
    """The id of a household as a person."""
    return f"household-{household}"


def count_messages(data: Dataset) -> int:
    """How many messages there are, for a progress bar."""
    baskets = data.transactions.column("basket_id").to_numpy()
    orders = int(np.count_nonzero(np.diff(baskets))) + 1 if len(baskets) else 0
    return orders + len(data.households) + len(data.exposures) + len(data.redemptions)


def bodies(data: Dataset) -> Iterator[Body]:
    """Everything as request bodies for /v1/batch."""
    campaigns = {c.campaign_id: c for c in data.campaigns}
    return batches(
        chain(
            map(_household, data.households),
            (_exposure(campaigns[campaign], household) for campaign, household in data.exposures),
            (_redemption(campaigns[r.campaign_id], r) for r in data.redemptions),
            orders(data),
        )
    )


def batches(messages: Iterable[str]) -> Iterator[Body]:
    """Messages joined to bodies of about a hundred, none much over a quarter of a megabyte."""
    held: list[str] = []
    size = 0
    for message in messages:
        held.append(message)
        size += len(message)
        if len(held) == BATCH_MESSAGES or size >= BATCH_BYTES:
            yield _body(held)
            held, size = [], 0
    if held:
        yield _body(held)


def orders(data: Dataset) -> Iterator[str]:
    """One ``Order Completed`` for each basket; the lines of a basket stand together."""
    table = data.transactions
    household, store, basket, product, quantity = (
        table.column(name).to_pylist()
        for name in ("household_id", "store_id", "basket_id", "product_id", "quantity")
    )
    sales = cents(table, "sales_value").tolist()
    saved = (
        cents(table, "retail_disc")
        + cents(table, "coupon_disc")
        + cents(table, "coupon_match_disc")
    ).tolist()
    at = millis(table, "transaction_timestamp").tolist()
    starts = _starts(table.column("basket_id").to_numpy())
    known = _product_texts(data)
    for first, end in zip(starts, [*starts[1:], len(basket)], strict=True):
        products = ",".join(
            [
                f"{known.get(p) or _unknown(p)},{_line(q, c)}}}"
                for p, q, c in zip(
                    product[first:end], quantity[first:end], sales[first:end], strict=True
                )
            ]
        )
        yield (
            f'{{"type":"track","event":"Order Completed","messageId":"cj-order-{basket[first]}",'
            f'"userId":"{user_id(household[first])}","timestamp":"{to_iso(at[first])}",'
            f'"properties":{{"order_id":"{basket[first]}","affiliation":"store-{store[first]}",'
            f'"revenue":{dollars(sum(sales[first:end]))},'
            f'"discount":{dollars(sum(saved[first:end]))},"currency":"{CURRENCY}",'
            f'"products":[{products}]}}}}'
        )


def dollars(amount: int) -> str:
    """Cents as a JSON number.

    >>> dollars(1999), dollars(-5)
    ('19.99', '-0.05')
    """
    sign, whole = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{whole // 100}.{whole % 100:02d}"


def _line(quantity: int, amount: int) -> str:
    # Some lines are corrections of no pieces; a price for one piece cannot be told there.
    if quantity <= 0:
        return f'"quantity":{quantity},"line_total":{dollars(amount)}'
    price = dollars(amount) if quantity == 1 else round(amount / quantity / 100, 4)
    return f'"quantity":{quantity},"price":{price},"line_total":{dollars(amount)}'


def _starts(baskets: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    if not len(baskets):
        return []
    return [0, *(np.flatnonzero(np.diff(baskets)) + 1).tolist()]


def _product_texts(data: Dataset) -> dict[int, str]:
    """The unchanging part of each product, without its closing brace."""
    texts = {}
    for product in data.products:
        held = {
            "product_id": str(product.product_id),
            "name": product.product_type,
            "category": product.department,
            "brand": product.brand,
        }
        texts[product.product_id] = encode_text({k: v for k, v in held.items() if v})[:-1]
    return texts


def _unknown(product: int) -> str:
    return f'{{"product_id":"{product}"'


def _household(household: Household) -> str:
    traits = {
        "age_group": household.age,
        "income_band": household.income,
        "home_ownership": household.home_ownership,
        "marital_status": household.marital_status,
        "household_size": household.household_size,
        "household_kind": household.household_comp,
        "kids": household.kids_count,
    }
    return encode_text(
        {
            "type": "identify",
            "messageId": f"cj-household-{household.household_id}",
            "userId": user_id(household.household_id),
            "timestamp": START_OF_DATA,
            "traits": {k: v for k, v in traits.items() if v is not None},
        }
    )


def _exposure(campaign: Campaign, household: int) -> str:
    return encode_text(
        {
            "type": "track",
            "event": "Campaign Exposed",
            "messageId": f"cj-exposure-{campaign.campaign_id}-{household}",
            "userId": user_id(household),
            "timestamp": to_iso(campaign.start),
            "properties": {
                "campaign_id": str(campaign.campaign_id),
                "campaign_type": campaign.campaign_type,
                "ends_at": to_iso(campaign.end),
            },
        }
    )


def _redemption(campaign: Campaign, redemption: Redemption) -> str:
    household, upc, day = redemption.household_id, redemption.coupon_upc, redemption.at
    return encode_text(
        {
            "type": "track",
            "event": "Coupon Applied",
            "messageId": f"cj-coupon-{household}-{upc}-{campaign.campaign_id}-{day}",
            "userId": user_id(household),
            "timestamp": to_iso(day),
            "properties": {
                "coupon_id": str(upc),
                "campaign_id": str(campaign.campaign_id),
                "campaign_type": campaign.campaign_type,
            },
        }
    )


def _body(messages: list[str]) -> Body:
    return ('{"batch":[' + ",".join(messages) + "]}").encode(), len(messages)
