"""Guesses: kinds, fields, types; each shown, each overridable."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.files.fakes import plan_of, targets, write

from tekil.collect.files.fields import FIELDS, NAMES, check_target, fold
from tekil.collect.files.model import FileKind, ValueType
from tekil.errors import InputError, UnknownName

TURKISH_PEOPLE = """\
Müşteri No;E-posta;Adı;Soyadı;Cep Telefonu;Doğum Tarihi;Sadakat Puanı;İzin;Şehir;TC Kimlik No
1;ada@example.com;Ada;Işık;0532 123 45 67;31.12.1990;1.234,50;Evet;İstanbul;12345678901
2;bob@example.com;Bob;Yılmaz;;01.02.1985;12,5;Hayır;Ankara;
"""
ENGLISH_PEOPLE = """\
customer_id,Email Address,firstName,Last Name,Mobile,Country,signup date,vip,Balance
7,a@x.com,A,B,+90 532 000 00 00,TR,2025-01-02,true,"1,234.50"
8,b@x.com,C,D,,US,2025-02-03,false,0.5
"""


def test_turkish_people(tmp_path: Path) -> None:
    plan = plan_of(write(tmp_path / "a.csv", TURKISH_PEOPLE))
    assert plan.mapping.kind is FileKind.PEOPLE
    assert targets(plan) == {
        "Müşteri No": "user_id",
        "E-posta": "email",
        "Adı": "traits.firstName",
        "Soyadı": "traits.lastName",
        "Cep Telefonu": "phone",
        "Doğum Tarihi": "traits.birthday",
        "Sadakat Puanı": "traits.sadakat_puani",
        "İzin": "traits.izin",
        "Şehir": "traits.city",
        "TC Kimlik No": "",
    }
    types = {c.name: (c.type, c.format) for c in plan.mapping.columns}
    assert types["Doğum Tarihi"] == (ValueType.DATE, "%d.%m.%Y")
    assert types["Sadakat Puanı"] == (ValueType.NUMBER, ",")
    assert types["İzin"] == (ValueType.BOOLEAN, "")
    assert types["Cep Telefonu"] == (ValueType.TEXT, "")
    assert plan.guessed == frozenset(targets(plan))
    assert any("confidential" in note for note in plan.notes)
    assert plan.examples["Adı"] == ("Ada", "Bob")


def test_english_people(tmp_path: Path) -> None:
    plan = plan_of(write(tmp_path / "a.csv", ENGLISH_PEOPLE))
    assert targets(plan) == {
        "customer_id": "user_id",
        "Email Address": "email",
        "firstName": "traits.firstName",
        "Last Name": "traits.lastName",
        "Mobile": "phone",
        "Country": "traits.country",
        "signup date": "traits.createdAt",
        "vip": "traits.vip",
        "Balance": "traits.balance",
    }


def test_events_and_orders_are_told_apart(tmp_path: Path) -> None:
    events = plan_of(
        write(tmp_path / "e.csv", "user_id,event,time,plan\n1,Signed Up,2025-01-01,x\n")
    )
    assert events.mapping.kind is FileKind.EVENTS
    assert targets(events)["plan"] == "properties.plan"
    assert targets(events)["time"] == "timestamp"
    orders = plan_of(
        write(tmp_path / "o.csv", "Sipariş No;E-posta;Tarih;Tutar\n5;a@x.com;31.12.2025;1,50\n")
    )
    assert orders.mapping.kind is FileKind.ORDERS
    assert targets(orders) == {
        "Sipariş No": "order_id",
        "E-posta": "email",
        "Tarih": "timestamp",
        "Tutar": "revenue",
    }


def test_amounts_that_differ_within_an_order_are_of_the_line(tmp_path: Path) -> None:
    text = "order id,email,amount,total,note,gift\n1,a@x.com,5,8,n,a\n1,a@x.com,3,8,n,b\n"
    plan = plan_of(write(tmp_path / "o.csv", text))
    found = targets(plan)
    assert found["amount"] == "line_total"
    assert found["total"] == "revenue"
    assert found["note"] == "properties.note"
    assert found["gift"] == "products.gift"


def test_shopify_like_export(tmp_path: Path) -> None:
    text = (
        "Order ID,Email,Created at,Total,Lineitem name,Lineitem quantity,Lineitem price\n"
        "#1,a@x.com,2025-01-01 10:00:00 +0300,30.00,Tea,2,10.00\n"
        "#1,a@x.com,,,Cup,1,10.00\n"
    )
    found = targets(plan_of(write(tmp_path / "o.csv", text)))
    assert found["Total"] == "revenue"
    assert found["Lineitem price"] == "products.price"


def test_ids_that_repeat_are_no_ids(tmp_path: Path) -> None:
    once = plan_of(write(tmp_path / "a.csv", "email,id,kart no\na@x.com,1,9\nb@x.com,2,8\n"))
    assert targets(once) == {"email": "email", "id": "user_id", "kart no": "id:loyalty_card"}
    twice = plan_of(write(tmp_path / "b.csv", "email,id,kart no\na@x.com,1,9\nb@x.com,1,9\n"))
    assert targets(twice) == {"email": "email", "id": "traits.id", "kart no": "traits.kart_no"}


def test_store_ids_never_become_identities(tmp_path: Path) -> None:
    plan = plan_of(
        write(tmp_path / "a.csv", "email,store_id,region id\na@x.com,7,1\nb@x.com,7,2\n")
    )
    assert targets(plan)["store_id"] == "traits.store_id"
    assert targets(plan)["region id"] == "traits.region_id"


def test_an_email_column_is_known_by_its_values(tmp_path: Path) -> None:
    plan = plan_of(write(tmp_path / "a.csv", "contact,x\na@x.com,1\nb@x.com,2\n"))
    assert targets(plan)["contact"] == "email"


def test_two_columns_never_share_a_field(tmp_path: Path) -> None:
    plan = plan_of(write(tmp_path / "a.csv", "email,E-mail,E-posta\na@x.com,b@x.com,c@x.com\n"))
    found = list(targets(plan).values())
    assert len(set(found)) == 3
    assert found[0] == "email"


def test_the_mapping_file_wins(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", TURKISH_PEOPLE)
    plan = plan_of(
        path,
        "columns:\n  Müşteri No: 'id:crm_id'\n  Sadakat Puanı: {to: traits.score, type: text}\n"
        "  Doğum Tarihi: {to: traits.born, type: date}\n  Şehir: ignore\n  TC Kimlik No: user_id\n",
    )
    found = {c.name: c for c in plan.mapping.columns}
    assert found["Müşteri No"].target == "id:crm_id"
    assert found["Sadakat Puanı"].type is ValueType.TEXT
    assert found["Doğum Tarihi"].format == "%d.%m.%Y"
    assert found["Şehir"].target == ""
    assert found["TC Kimlik No"].target == "user_id"
    assert "Adı" in plan.guessed
    assert "Şehir" not in plan.guessed


def test_unix_times(tmp_path: Path) -> None:
    text = "event,user_id,timestamp\nA,1,1700000000\n"
    column = plan_of(write(tmp_path / "e.csv", text)).mapping.target_of("timestamp")
    assert column is not None
    assert column.format == "unix"
    text = text.replace("1700000000", "1700000000123")
    column = plan_of(write(tmp_path / "f.csv", text)).mapping.target_of("timestamp")
    assert column is not None
    assert column.format == "unix_ms"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n", "None of the columns says who the person is"),
        ("ada@example.com,x\nb@x.com,y\n", "first line .* should name the columns"),
        ("1,2,x\n3,4,y\n", "first line .* should name the columns"),
        ("event,user_id,time\nA,1,soon\nB,2,later\n", 'Column "time" should hold dates'),
    ],
)
def test_what_cannot_be_guessed_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        plan_of(write(tmp_path / "a.csv", text))


def test_kinds_need_what_they_are_made_of(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "email,x\na@x.com,y\n")
    with pytest.raises(InputError, match="Orders need a column for order_id"):
        plan_of(path, "kind: orders")
    with pytest.raises(InputError, match="Events need a name"):
        plan_of(path, "kind: events")
    assert plan_of(path, "kind: events\nevent: Survey Answered").mapping.event == "Survey Answered"


def test_every_known_header_names_a_field() -> None:
    for kind, table in NAMES.items():
        seen: dict[str, str] = {}
        for target, names in table.items():
            check_target(kind, target)
            for name in names.split("|"):
                assert fold(name) == name, name
                assert seen.setdefault(name, target) == target, name
    with pytest.raises(UnknownName, match='Did you mean "email"'):
        check_target(FileKind.PEOPLE, "emial")
    assert all("email" in fields for fields in FIELDS.values())
