"""The page at ``/``: says that Tekil runs, how it stands, and where to go, in two languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from tekil.access.guard import public

router = APIRouter(include_in_schema=False)

TEXTS: Mapping[str, Mapping[str, str]] = {
    "tr": {
        "tagline": "Bir müşteri, tek profil.",
        "running": "Tekil çalışıyor.",
        "events": "olay",
        "profiles": "profil",
        "find": "Birini bulun",
        "send": "Veri gönderin",
        "send_text": "Bir kaynak oluşturun, yazma anahtarını SDK'nıza verin:",
        "api": "API sayfaları",
        "health": "Sağlık",
        "other": "English",
        "other_code": "en",
    },
    "en": {
        "tagline": "One customer, one profile.",
        "running": "Tekil is running.",
        "events": "events",
        "profiles": "profiles",
        "find": "Look somebody up",
        "send": "Send data",
        "send_text": "Make a source and give its write key to your SDK:",
        "api": "The API's pages",
        "health": "Health",
        "other": "Türkçe",
        "other_code": "tr",
    },
}

PAGE = """<!doctype html>
<html lang="{lang}"><head><meta charset="utf-8"><title>Tekil</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
  :root {{ color-scheme: light dark; --ink: #1b2430; --soft: #5b6776; --line: #d9dfe6;
           --paper: #fbfcfd; --accent: #0b6b57; }}
  @media (prefers-color-scheme: dark) {{
    :root {{ --ink: #e7ecf1; --soft: #9aa7b5; --line: #2c3743; --paper: #12181f;
             --accent: #4cc3a5; }} }}
  body {{ margin: 0; background: var(--paper); color: var(--ink);
          font: 17px/1.55 system-ui, sans-serif; }}
  main {{ max-width: 40rem; margin: 0 auto; padding: 14vh 1.5rem 3rem; }}
  h1 {{ font-size: 3rem; line-height: 1; margin: 0; letter-spacing: -.03em; }}
  h2 {{ font-size: 1rem; margin: 2.2rem 0 .4rem; }}
  p {{ margin: .4rem 0; color: var(--soft); }}
  b {{ color: var(--ink); font-variant-numeric: tabular-nums; }}
  pre {{ margin: .5rem 0; padding: .8rem 1rem; border: 1px solid var(--line);
         border-radius: 8px; overflow-x: auto; font-size: .87rem; }}
  a {{ color: var(--accent); margin-right: 1.4rem; }}
  footer {{ margin-top: 2.6rem; border-top: 1px solid var(--line); padding-top: 1rem; }}
</style></head><body><main>
<h1>Tekil</h1>
<p>{tagline}</p>
<p>{running}{figures}</p>
<h2>{find}</h2>
<pre>tekil profile email:ada@example.com --data {data}</pre>
<h2>{send}</h2>
<p>{send_text}</p>
<pre>tekil source add website --kind web --data {data}</pre>
<footer><a href="/docs">{api}</a><a href="/health">{health}</a>
<a href="/?lang={other_code}" lang="{other_code}">{other}</a></footer>
</main></body></html>
"""


def language(asked: str | None, accepted: str) -> str:
    """Choose the page's language: as asked, else as the browser prefers, else English.

    >>> language(None, "tr-TR,tr;q=0.9,en;q=0.8"), language("en", "tr"), language("fr", "fr")
    ('tr', 'en', 'en')
    """
    if asked in TEXTS:
        return str(asked)
    for part in accepted.lower().split(","):
        code = part.split(";")[0].strip()[:2]
        if code in TEXTS:
            return code
    return "en"


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand; shown to whoever sits at the machine, and to nobody else."""

    events: int
    profiles: int
    data: str


def landing_page(lang: str, standing: Standing | None) -> str:
    """The page as HTML; without ``standing`` it says no more than that Tekil runs."""
    texts = TEXTS[lang]
    figures, data = "", "tekil-data"
    if standing is not None:
        data = standing.data
        figures = (
            f" <b>{_grouped(standing.events, lang)}</b> {texts['events']},"
            f" <b>{_grouped(standing.profiles, lang)}</b> {texts['profiles']}."
        )
    return PAGE.format(lang=lang, data=escape(data), figures=figures, **texts)


def _grouped(count: int, lang: str) -> str:
    text = f"{count:,}"
    return text.replace(",", ".") if lang == "tr" else text


@router.get("/", dependencies=[Depends(public("to strangers it says only that Tekil runs"))])
def landing(request: Request, lang: str | None = None) -> HTMLResponse:
    """Show the page."""
    read: Callable[[], Standing] = request.app.state.landing
    chosen = language(lang, request.headers.get("accept-language", ""))
    return HTMLResponse(landing_page(chosen, read() if _is_local(request) else None))


def _is_local(request: Request) -> bool:
    """Whether a browser on this machine asks, and not a proxy on it for somebody elsewhere."""
    host = request.client.host if request.client else ""
    return host in ("127.0.0.1", "::1") and not any(
        name in request.headers for name in ("x-forwarded-for", "forwarded", "via")
    )
