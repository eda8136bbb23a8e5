"""The code on the documentation pages, ready to run against a test's server."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGES = Path(__file__).parents[2] / "docs" / "how-to" / "sdks"
ADDRESS = "https://cdp.example.com"
WRITE_KEY = "YOUR_WRITE_KEY"


@dataclass(frozen=True)
class Person:
    """The one that a test sends about; a name of its own keeps it apart from all others."""

    name: str

    @property
    def user_id(self) -> str:
        """Stands where the page has user-42."""
        return f"user-{self.name}"

    @property
    def email(self) -> str:
        """Stands where the page has ada@example.com."""
        return f"ada-{self.name}@example.com"

    @property
    def previous_id(self) -> str:
        """Stands where the page has guest-7."""
        return f"guest-{self.name}"

    @property
    def group_id(self) -> str:
        """Stands where the page has acme."""
        return f"acme-{self.name}"


def code(page: str, language: str) -> str:
    """All blocks of one language on a page, in order, as one text."""
    text = (PAGES / page).read_text(encoding="utf-8")
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    assert blocks, f"{page} has no {language}"
    return "\n".join(blocks)


def code_for(page: str, language: str, *, url: str, write_key: str, person: Person) -> str:
    """The page's code with this server, key and person put in."""
    text = code(page, language)
    for shown, meant in (
        (ADDRESS, url),
        (WRITE_KEY, write_key),
        ("user-42", person.user_id),
        ("ada@example.com", person.email),
        ("guest-7", person.previous_id),
        ("acme", person.group_id),
    ):
        assert shown in text, f"{page} does not mention {shown}"
        text = text.replace(shown, meant)
    return text
