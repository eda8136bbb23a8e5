"""What the shop sells: three hundred products, in Turkish and English, in three currencies."""

from __future__ import annotations

from dataclasses import dataclass

from tekil.demo.shop.model import HOME, Market
from tekil.kit.json import encode_text

# Category (Turkish, English), then its kinds: Turkish, English, price in US cents.
_KINDS: tuple[tuple[str, str, tuple[tuple[str, str, int], ...]], ...] = (
    ("Kadın Giyim", "Womenswear", (
        ("Keten Elbise", "Linen Dress", 6900), ("İpek Bluz", "Silk Blouse", 5400),
        ("Yün Kaban", "Wool Coat", 14900), ("Triko Hırka", "Knit Cardigan", 4800),
        ("Pileli Etek", "Pleated Skirt", 3900))),
    ("Erkek Giyim", "Menswear", (
        ("Oxford Gömlek", "Oxford Shirt", 4200), ("Çizgili Tişört", "Striped T-Shirt", 1900),
        ("Deri Ceket", "Leather Jacket", 18900), ("Kanvas Pantolon", "Canvas Trousers", 4900),
        ("Yün Kazak", "Wool Jumper", 5600))),
    ("Çocuk", "Kids", (
        ("Pamuklu Tulum", "Cotton Romper", 2200), ("Yağmurluk", "Raincoat", 3400),
        ("Bayramlık Takım", "Party Outfit", 4500), ("Pijama Takımı", "Pyjama Set", 1800),
        ("Bere ve Atkı", "Hat and Scarf", 1500))),
    ("Ayakkabı", "Shoes", (
        ("Süet Bot", "Suede Boots", 11900), ("Koşu Ayakkabısı", "Running Shoes", 8900),
        ("Loafer", "Loafers", 7900), ("Sandalet", "Sandals", 4400),
        ("Ev Terliği", "House Slippers", 1600))),
    ("Çanta", "Bags", (
        ("Sırt Çantası", "Backpack", 6400), ("Omuz Çantası", "Shoulder Bag", 8200),
        ("Deri Cüzdan", "Leather Wallet", 3600), ("Seyahat Çantası", "Weekender", 9900),
        ("Bez Çanta", "Tote Bag", 1400))),
    ("Takı", "Jewellery", (
        ("Gümüş Küpe", "Silver Earrings", 3200), ("Lale Kolye", "Tulip Necklace", 4700),
        ("Örgü Bileklik", "Braided Bracelet", 2100), ("Mine Yüzük", "Enamel Ring", 2900),
        ("Kol Saati", "Wristwatch", 12900))),
    ("Mutfak", "Kitchen", (
        ("Bakır Cezve", "Copper Coffee Pot", 2700), ("Çaydanlık Takımı", "Tea Kettle Set", 5900),
        ("Döküm Tencere", "Cast Iron Pot", 8800), ("Seramik Tabak", "Ceramic Plate", 1200),
        ("Şef Bıçağı", "Chef's Knife", 4900))),
    ("Ev Tekstili", "Home Textiles", (
        ("Hamam Havlusu", "Hammam Towel", 2400), ("Nevresim Takımı", "Duvet Set", 7400),
        ("Kilim", "Kilim Rug", 16900), ("Yastık Kılıfı", "Cushion Cover", 1700),
        ("Yün Battaniye", "Wool Blanket", 6200))),
    ("Elektronik", "Electronics", (
        ("Kablosuz Kulaklık", "Wireless Headphones", 9900), ("Akıllı Saat", "Smart Watch", 17900),
        ("Taşınabilir Şarj", "Power Bank", 3400), ("Bluetooth Hoparlör", "Speaker", 5900),
        ("Masa Lambası", "Desk Lamp", 3900))),
    ("Kozmetik", "Beauty", (
        ("Gül Suyu", "Rose Water", 900), ("Zeytinyağlı Sabun", "Olive Oil Soap", 700),
        ("El Kremi", "Hand Cream", 1100), ("Parfüm", "Perfume", 7900),
        ("Güneş Kremi", "Sunscreen", 1900))),
    ("Spor", "Sports", (
        ("Yoga Matı", "Yoga Mat", 3300), ("Dambıl Seti", "Dumbbell Set", 6900),
        ("Termos", "Thermos", 2600), ("Kamp Sandalyesi", "Camp Chair", 4400),
        ("Bisiklet Kaskı", "Cycling Helmet", 5800))),
    ("Kırtasiye", "Stationery", (
        ("Deri Defter", "Leather Notebook", 2300), ("Dolma Kalem", "Fountain Pen", 4100),
        ("Masa Takvimi", "Desk Calendar", 1300), ("Boya Seti", "Paint Set", 2800),
        ("Ebru Kâğıdı", "Marbled Paper", 1500))),
    ("Şarküteri", "Delicatessen", (
        ("Antep Fıstığı", "Pistachios", 1800), ("Türk Kahvesi", "Turkish Coffee", 1100),
        ("Lokum Kutusu", "Turkish Delight Box", 1600), ("Çam Balı", "Pine Honey", 2200),
        ("Zeytinyağı", "Olive Oil", 2500))),
    ("Oyuncak", "Toys", (
        ("Ahşap Tren", "Wooden Train", 3700), ("Peluş Ayı", "Teddy Bear", 2400),
        ("Yapboz", "Jigsaw Puzzle", 1900), ("Kutu Oyunu", "Board Game", 3900),
        ("Uçurtma", "Kite", 1700))),
    ("Bahçe", "Garden", (
        ("Lale Soğanı", "Tulip Bulbs", 1200), ("Toprak Saksı", "Terracotta Pot", 1900),
        ("Budama Makası", "Pruning Shears", 2900), ("Sulama Kabı", "Watering Can", 2500),
        ("Hamak", "Hammock", 7200))),
)  # fmt: skip
_BRANDS = (
    "Poyraz",
    "Kestane",
    "Lodos",
    "Alder & Sons",
    "İncir",
    "Northfield",
    "Tuna",
    "Harbourside",
)
_VARIANTS = (
    ("Siyah", "Black", 100), ("Lacivert", "Navy", 104),
    ("Bej", "Beige", 96), ("Yeşil", "Green", 110),
)  # fmt: skip
_PRICE = {"TRY": (41, 100, 90), "GBP": (0.79, 50, 49), "USD": (1, 100, 99)}
"""Rate of the US price, and the grid of cents that prices end on."""
SITE = f"https://www.{HOME}"


@dataclass(frozen=True, slots=True)
class Listing:
    """One product as one market sees it, with the JSON that its events are made of."""

    product_id: str
    cents: int
    category: str
    name: str
    fragment: str
    """Properties of the product without braces."""
    viewed: str
    """The whole properties object of Product Viewed."""
    page: str
    """The whole context.page object of the product's page."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything on one market's shelves."""

    listings: tuple[Listing, ...]
    popular: tuple[int, ...]
    """Places in ``listings``, loved ones many times: drawing evenly is drawing by taste."""
    categories: tuple[tuple[str, str, str], ...]
    """Name, Product List Viewed properties and page object."""
    by_category: dict[str, tuple[int, ...]]


def money(cents: int) -> str:
    """Write an amount as JSON; exact, never through a float.

    >>> money(129905), money(7)
    ('1299.05', '0.07')
    """
    return f"{cents // 100}.{cents % 100:02d}"


def page(market: Market, path: str, title: str, referrer: str = "", search: str = "") -> str:
    """Build a context.page object."""
    full = f"/{market.path}/{path}"
    return encode_text(
        {
            "path": full,
            "referrer": referrer,
            "search": search,
            "title": title,
            "url": f"{SITE}{full}{search}",
        }
    )


def departments(market: Market) -> tuple[str, ...]:
    """The categories' names."""
    return tuple(turkish if market.turkish else english for turkish, english, _ in _KINDS)


def catalogue(market: Market) -> Catalogue:
    """Build the shelves of one market; the same ones for every seed."""
    listings: list[Listing] = []
    popular: list[int] = []
    by_category: dict[str, list[int]] = {}
    for place, (category_tr, category_en, kinds) in enumerate(_KINDS):
        category = category_tr if market.turkish else category_en
        for kind, (name_tr, name_en, usd) in enumerate(kinds):
            name = name_tr if market.turkish else name_en
            for shade in range(len(_VARIANTS)):
                number = len(listings)
                listings.append(
                    _listing(market, number, category=category, name=name, usd=usd, shade=shade)
                )
                popular += [number] * _love(place, kind, shade)
                by_category.setdefault(category, []).append(number)
    lists = tuple(
        _category(market, name, [listings[n] for n in numbers])
        for name, numbers in by_category.items()
    )
    return Catalogue(
        tuple(listings), tuple(popular), lists, {k: tuple(v) for k, v in by_category.items()}
    )


def _love(place: int, kind: int, shade: int) -> int:
    """How well something sells: a few things sell very well."""
    return 1 + 24 // (1 + (place * 7 + kind * 3 + shade * 5) % 16)


def _listing(
    market: Market, number: int, *, category: str, name: str, usd: int, shade: int
) -> Listing:
    rate, grid, end = _PRICE[market.currency]
    tr, en, percent = _VARIANTS[shade]
    cents = max(1, round(usd * rate * percent / 100 / grid)) * grid - (grid - end)
    product_id, variant = f"p-{1001 + number}", tr if market.turkish else en
    path = f"p/{product_id}"
    facts: dict[str, object] = {
        "product_id": product_id,
        "sku": f"LL-{number:04d}-{en[:2].upper()}",
        "category": category,
        "name": name,
        "brand": _BRANDS[(number // 4) % len(_BRANDS)],
        "variant": variant,
    }
    fragment = encode_text(facts)[1:-1] + f',"price":{money(cents)}'
    viewed = f'{{{fragment},"currency":"{market.currency}","value":{money(cents)}}}'
    home = f"{SITE}/{market.path}/"
    return Listing(
        product_id, cents, category, name, fragment, viewed,
        page(market, path, f"{name} ({variant}) | Lale", referrer=home),
    )  # fmt: skip


def _category(market: Market, name: str, listings: list[Listing]) -> tuple[str, str, str]:
    list_id = f"c-{listings[0].product_id}"
    products = ",".join(
        f'{{"product_id":"{one.product_id}","price":{money(one.cents)},"position":{place}}}'
        for place, one in enumerate(listings[:3], start=1)
    )
    text = encode_text(name)
    properties = f'{{"list_id":"{list_id}","category":{text},"products":[{products}]}}'
    return name, properties, page(market, f"c/{list_id}", f"{name} | Lale")
