"""The fields that a column can go to, and the header names by which they are known."""

from __future__ import annotations

import re

from tekil.collect.files.model import FileKind
from tekil.errors import UnknownName, did_you_mean

IDENTITIES = ("user_id", "email", "phone", "anonymous_id", "device_id", "advertising_id")
"""Fields that say who; ``id:<type>`` is one for any other kind of id."""
COMMON = (*IDENTITIES, "message_id", "timestamp")
PRODUCT_FIELDS = (
    "product_id",
    "sku",
    "name",
    "category",
    "brand",
    "variant",
    "price",
    "quantity",
    "coupon",
)
ORDER_FIELDS = (
    "order_id",
    "revenue",
    "total",
    "subtotal",
    "tax",
    "shipping",
    "discount",
    "coupon",
    "currency",
    "affiliation",
)
FIELDS: dict[FileKind, tuple[str, ...]] = {
    FileKind.PEOPLE: (*COMMON, "traits"),
    FileKind.EVENTS: (*COMMON, "event", "revenue", "currency", "properties"),
    FileKind.ORDERS: (*COMMON, *ORDER_FIELDS, "line_total", "products", "properties"),
}
PREFIXES: dict[FileKind, tuple[str, ...]] = {
    FileKind.PEOPLE: ("traits.", "id:"),
    FileKind.EVENTS: ("properties.", "id:"),
    FileKind.ORDERS: ("properties.", "products.", "id:"),
}
MONEY = frozenset({"revenue", "total", "subtotal", "tax", "shipping", "discount", "line_total"}) | {
    "products.price"
}
NUMBERS = MONEY | {"products.quantity"}
ALWAYS_TEXT = frozenset(
    {*IDENTITIES, "message_id", "event", "order_id", "currency", "coupon", "affiliation"}
    | {f"products.{name}" for name in PRODUCT_FIELDS if name not in ("price", "quantity")}
    | {"traits.postalCode", "traits.firstName", "traits.lastName", "traits.name"}
)

IDENTITY_NAMES: dict[str, str] = {
    "user_id": "user id|userid|customer id|customer no|customer number|customerid|client id|"
    "member id|member no|uid|musteri no|musteri id|musteri kodu|musteri numarasi|uye no|uye id|"
    "uye numarasi|uye kodu|kullanici id|kullanici no|cari kod|cari kodu|household id",
    "email": "email|e mail|mail|email address|e mail address|mail address|customer email|"
    "user email|eposta|e posta|e posta adresi|eposta adresi|mail adresi|email adresi|"
    "musteri e posta|musteri email",
    "phone": "phone|phone number|mobile|mobile phone|mobile number|cell|cell phone|telephone|tel|"
    "gsm|gsm no|telefon|telefon no|telefon numarasi|cep|cep tel|cep telefonu|cep telefon|"
    "cep no|tel no|customer phone|whatsapp",
    "anonymous_id": "anonymous id|anonymousid|cookie id|visitor id|ziyaretci id",
    "device_id": "device id|deviceid|cihaz id|cihaz no",
    "advertising_id": "advertising id|advertisingid|idfa|gaid|reklam kimligi|reklam id",
    "id:loyalty_card": "loyalty card|loyalty card no|loyalty card number|loyalty id|loyalty no|"
    "sadakat kart no|sadakat karti|sadakat no|kart no|sadakat kart numarasi|musteri kart no",
    "id:crm_id": "crm id|crm no|crmid",
    "message_id": "message id|messageid|event id|olay id",
}
TRAIT_NAMES: dict[str, str] = {
    "traits.firstName": "first name|firstname|given name|name first|ad|adi|isim|ismi|ilk ad",
    "traits.lastName": "last name|lastname|surname|family name|soyad|soyadi|soyisim|soy ad",
    "traits.name": "name|full name|fullname|customer name|ad soyad|adi soyadi|isim soyisim|"
    "tam ad|musteri adi",
    "traits.birthday": "birthday|birth date|birthdate|date of birth|dob|dogum tarihi|dogum gunu",
    "traits.gender": "gender|sex|cinsiyet",
    "traits.country": "country|country code|ulke|ulke kodu",
    "traits.city": "city|town|sehir|il|kent",
    "traits.state": "state|province|region|ilce|bolge",
    "traits.postalCode": "postal code|postcode|zip|zip code|posta kodu",
    "traits.street": "street|address|street address|adres|acik adres|sokak",
    "traits.company": "company|company name|organisation|organization|sirket|firma|firma adi|"
    "sirket adi|kurum",
    "traits.title": "title|job title|unvan|gorev",
    "traits.age": "age|yas",
    "traits.createdAt": "created at|createdat|created|registered at|signup date|sign up date|"
    "registration date|kayit tarihi|uyelik tarihi|olusturma tarihi",
    "traits.language": "language|locale|dil",
    "timestamp": "updated at|updatedat|last updated|modified at|guncelleme tarihi|"
    "son guncelleme|degisiklik tarihi",
}
TIME_NAMES = (
    "timestamp|time|date|datetime|date time|event time|event date|occurred at|created at|"
    "order date|ordered at|order time|purchase date|purchased at|transaction date|paid at|"
    "transaction timestamp|transaction time|processed at|completed at|tarih|zaman|saat|"
    "islem tarihi|siparis tarihi|siparis zamani|olay tarihi|olay zamani|satis tarihi|fatura tarihi|"
    "alisveris tarihi|tarih saat"
)
EVENT_NAMES: dict[str, str] = {
    "event": "event|event name|eventname|action|activity|olay|olay adi|eylem|aksiyon|etkinlik",
    "timestamp": TIME_NAMES,
    "revenue": "revenue|amount|total|value|tutar|toplam|ciro|bedel",
    "currency": "currency|currency code|para birimi|doviz|kur",
    "properties": "properties|ozellikler",
}
ORDER_NAMES: dict[str, str] = {
    "order_id": "order id|orderid|order no|order number|order|transaction id|transaction no|"
    "basket id|receipt no|receipt id|receipt number|invoice no|invoice id|invoice number|"
    "siparis no|siparis id|siparis numarasi|siparis kodu|siparis|fis no|fis numarasi|fatura no|"
    "fatura numarasi|sepet no|sepet id|islem no",
    "timestamp": TIME_NAMES,
    "revenue": "revenue|order total|order amount|order value|total|grand total|total amount|"
    "siparis tutari|siparis toplami|toplam|toplam tutar|genel toplam|ciro|fatura tutari",
    "line_total": "line total|line amount|line revenue|item total|row total|amount|sales value|"
    "satir tutari|satir toplami|tutar|urun tutari|satis tutari",
    "subtotal": "subtotal|sub total|ara toplam",
    "tax": "tax|taxes|vat|kdv|vergi",
    "shipping": "shipping|shipping cost|shipping fee|kargo|kargo ucreti|kargo bedeli",
    "discount": "discount|discount amount|indirim|indirim tutari|iskonto",
    "coupon": "coupon|coupon code|discount code|kupon|kupon kodu",
    "currency": "currency|currency code|para birimi|doviz|doviz cinsi",
    "affiliation": "store|shop|branch|affiliation|magaza|sube|magaza adi",
    "products.product_id": "product id|productid|item id|article no|urun id|urun no",
    "products.sku": "sku|lineitem sku|stock code|stockcode|barcode|barkod|urun kodu|stok kodu|"
    "product code",
    "products.name": "product|product name|item|item name|lineitem name|description|urun|urun adi|"
    "urun ismi|stok adi",
    "products.category": "category|product category|kategori|urun kategorisi",
    "products.brand": "brand|marka",
    "products.variant": "variant|size|colour|color|varyant|beden|renk",
    "products.price": "price|unit price|unitprice|item price|lineitem price|fiyat|birim fiyat|"
    "urun fiyati|birim fiyati",
    "products.quantity": "quantity|qty|lineitem quantity|units|adet|miktar|urun adedi",
    "products": "products|items|line items|urunler",
}
NAMES: dict[FileKind, dict[str, str]] = {
    FileKind.PEOPLE: {**IDENTITY_NAMES, **TRAIT_NAMES, "traits": "traits"},
    FileKind.EVENTS: {**IDENTITY_NAMES, **EVENT_NAMES},
    FileKind.ORDERS: {**IDENTITY_NAMES, **ORDER_NAMES},
}
_SECRETS = (
    "tc|tckn|tc no|tc kimlik|tc kimlik no|t c kimlik no|kimlik no|national id|ssn|"
    "social security number|passport no|pasaport no|password|parola|sifre|credit card|"
    "credit card number|card number|kredi karti|kredi karti no|kart numarasi|cvv|cvc|iban|pin"
)
SECRET_NAMES = frozenset(_SECRETS.split("|"))
"""Columns that are left out unless a mapping file names them."""

_KNOWN = {
    kind: {name: target for target, names in table.items() for name in names.split("|")}
    for kind, table in NAMES.items()
}
_TURKISH = str.maketrans("ıİşŞğĞüÜöÖçÇâÂîÎûÛ", "iIsSgGuUoOcCaAiIuU")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORDS = re.compile(r"[^0-9a-z]+")


def fold(header: str) -> str:
    """A header as plain lower-case words.

    >>> fold("E-Posta Adresi"), fold("MÜŞTERİ_NO"), fold("firstName")
    ('e posta adresi', 'musteri no', 'first name')
    """
    bare = _CAMEL.sub(" ", header.translate(_TURKISH)).lower()
    return _WORDS.sub(" ", bare).strip()


def known_target(kind: FileKind, header: str) -> str:
    """The field that a header names, or nothing."""
    return _KNOWN[kind].get(fold(header), "")


def property_name(header: str) -> str:
    """A header as the name of a trait or property.

    >>> property_name("Sadakat Puanı")
    'sadakat_puani'
    """
    return fold(header).replace(" ", "_") or header.strip()


def check_target(kind: FileKind, target: str) -> None:
    """Raise UnknownName unless rows of this kind have such a field."""
    if not target or target in FIELDS[kind]:
        return
    if any(target.startswith(p) and len(target) > len(p) for p in PREFIXES[kind]):
        return
    allowed = [*FIELDS[kind], *(f"{p}<name>" for p in PREFIXES[kind])]
    raise UnknownName(
        f'"{target}" is not a field of {kind}.{did_you_mean(target, allowed)} '
        f"Allowed are {', '.join(allowed)}.",
        value=target,
    )
