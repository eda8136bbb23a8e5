"""One spelling per mailbox."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tekil.clean.email import normalise_email

texts = st.text(st.characters(exclude_categories=()), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
    max_leaves=6,
)
address_like = st.builds("{}@{}".format, texts, texts | st.just("example.com"))


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace@Example.COM\n", "ada.lovelace@example.com"),
        ("\ufeffada@example.com\u200b", "ada@example.com"),
        ("mailto:Ada@example.com?subject=Hi", "ada@example.com"),
        ("mailto:ada%2Bnews@example.com", "ada+news@example.com"),
        ("Ada Lovelace <ada@example.com>", "ada@example.com"),
        ("ada+tag@example.com", "ada+tag@example.com"),
        ("o'neill@example.ie", "o'neill@example.ie"),
        ("ALİ@example.com", "ali@example.com"),
        ("ALI\u0307@example.com", "ali@example.com"),
        ("ali\u0307@example.com", "ali@example.com"),
        ("alı@example.com", "ali@example.com"),
        ("ALI@example.com", "ali@example.com"),
        ("Ayşe@Örnek.com.tr", "ayşe@xn--rnek-4qa.com.tr"),
        ("ays\u0327e@example.com", "ayşe@example.com"),
        ("info@İSTANBUL.com", "info@istanbul.com"),
        ("bilgi@ışık.com.tr", "bilgi@xn--k-ekaa7p.com.tr"),
        ("a@xn--rnek-4qa.com.tr", "a@xn--rnek-4qa.com.tr"),
        ("a@bücher.de", "a@xn--bcher-kva.de"),
        ("用户@例子.中国", "用户@xn--fsqu00a.xn--fiqs8s"),
        ("a@shop.test", "a@shop.test"),
        ("x@mail.example.museum", "x@mail.example.museum"),
    ],
)
def test_addresses(sent: str, stored: str) -> None:
    assert normalise_email(sent) == stored


@pytest.mark.parametrize(
    "sent",
    [
        "", " ", "ada", "@", "ada@", "@example.com", "a@b", "a@localhost", "a b@example.com",
        "a@@example.com", "a@example..com", ".a@example.com", "a.@example.com", "a..b@example.com",
        "a@-example.com", "a@example.com-", "a@1.2.3.4", "a@[127.0.0.1]", "a,b@example.com",
        "a@example.com, b@example.com", "a@exa mple.com", "\ud800@example.com", "a@\ud800.com",
        "x" * 65 + "@example.com", "a@" + "x" * 64 + ".com", "a@" + "b." * 130 + "com",
        "null", "undefined", None, 42, 1.5, True, [], {}, ["ada@example.com"],
    ],
)  # fmt: skip
def test_not_an_address(sent: object) -> None:
    assert normalise_email(sent) is None


def test_dotless_i_in_a_domain_is_another_domain() -> None:
    assert normalise_email("ada@gmaıl.com") != normalise_email("ada@gmail.com")


@given(json_values | address_like)
@example("ſ@example.com")
@example("K@example.com")
@example("a@ﬀ.com")
@example("i\u0307\u0307@example.com")
@example("<<a@example.com>>")
@example("mailto:mailto:a@example.com")
def test_never_raises_and_is_idempotent(sent: object) -> None:
    stored = normalise_email(sent)
    if stored is not None:
        assert normalise_email(stored) == stored
        assert stored.rpartition("@")[2].isascii()
        assert len(stored) <= 254


@given(
    st.from_regex(
        r"[a-z0-9]{1,10}(\.[a-z0-9]{1,10})?@[a-z0-9]{1,10}\.(com|com\.tr|de)", fullmatch=True
    )
)
def test_upper_case_is_the_same_mailbox(address: str) -> None:
    assert normalise_email(address) == address
    assert normalise_email(address.upper()) == address
    assert normalise_email(address.replace("i", "İ").upper()) == address
