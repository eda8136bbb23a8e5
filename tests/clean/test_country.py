"""Countries in any usual form."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tekil.clean.country import countries, normalise_country

texts = st.text(st.characters(exclude_categories=()), max_size=40)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("TR", "TR"), ("tr", "TR"), ("TUR", "TR"), ("Türkiye", "TR"), ("TÜRKİYE", "TR"),
        ("turkiye", "TR"), ("Turkey", "TR"), ("TURKEY", "TR"), ("Republic of Türkiye", "TR"),
        ("Türkiye Cumhuriyeti", "TR"), ("Türkei", "TR"),
        ("Almanya", "DE"), ("ALMANYA", "DE"), ("Germany", "DE"), ("Deutschland", "DE"),
        ("UK", "GB"), ("United Kingdom", "GB"), ("İngiltere", "GB"), ("INGILTERE", "GB"),
        ("England", "GB"), ("Great Britain", "GB"), ("Birleşik Krallık", "GB"),
        ("US", "US"), ("USA", "US"), ("U.S.A.", "US"), ("United States", "US"), ("ABD", "US"),
        ("Amerika Birleşik Devletleri", "US"), ("america", "US"), ("the united states", "US"),
        ("Fransa", "FR"), ("Holland", "NL"), ("Hollanda", "NL"), ("The Netherlands", "NL"),
        ("Russia", "RU"), ("Rusya", "RU"), ("Россия", "RU"), ("Côte d’Ivoire", "CI"),
        ("Cote d'Ivoire", "CI"), ("Bosnia", "BA"), ("Bosna-Hersek", "BA"), ("Bosna Hersek", "BA"),
        ("South Korea", "KR"), ("Güney Kore", "KR"), ("Korea, Republic of", "KR"),
        ("España", "ES"), ("İspanya", "ES"), ("Österreich", "AT"), ("Avusturya", "AT"),
        ("Yunanistan", "GR"), ("EL", "GR"), ("Azerbaycan", "AZ"), ("日本", "JP"), ("مصر", "EG"),
        ("Czech Republic", "CZ"), ("Çekya", "CZ"), ("BAE", "AE"), ("Kosova", "XK"),
        ("Nijer", "NE"), ("Nijerya", "NG"), ("Niger", "NE"), ("Georgia", "GE"), (" fr ", "FR"),
    ],
)  # fmt: skip
def test_names_and_codes(sent: str, code: str) -> None:
    assert normalise_country(sent) == code


@pytest.mark.parametrize(
    "sent", ["", " ", "Atlantis", "ZZ", "90", "x" * 200, None, 90, True, [], {}]
)
def test_not_a_country(sent: object) -> None:
    assert normalise_country(sent) is None


def test_every_code_and_name_leads_to_its_country() -> None:
    assert len(countries()) == 250
    for code, (english, turkish) in countries().items():
        assert normalise_country(code) == code
        assert normalise_country(english) == code
        assert normalise_country(turkish) == code
        assert normalise_country(turkish.upper()) == code


@given(texts)
def test_never_raises_and_is_idempotent(text: str) -> None:
    code = normalise_country(text)
    if code is not None:
        assert normalise_country(code) == code
