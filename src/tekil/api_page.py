"""``/docs``: the HTTP API as one page, from its own OpenAPI; loads nothing from anywhere else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]

STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin-top: 2.5rem } code, pre { font: .9em/1.45 ui-monospace, monospace }
pre { background: var(--soft); padding: .75rem; border-radius: .4rem; overflow-x: auto }
details { border-bottom: 1px solid var(--line); padding: .5rem 0 }
summary { cursor: pointer } summary b { display: inline-block; width: 4.5rem }
summary span { opacity: .75; margin-left: .75rem }
table { border-collapse: collapse; width: 100% } h4 { margin: 1rem 0 .3rem }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0 }
tr + tr td { border-top: 1px solid var(--line) } nav a { margin-right: 1rem; display: inline-block }
"""


def api_page(document: Json) -> str:
    """The page of an OpenAPI document."""
    sections: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            section = (operation.get("tags") or ["operations"])[0]
            shown = _operation(method.upper(), path, operation, document)
            sections.setdefault(section, []).append(shown)
    names = sorted(sections)
    links = "".join(f'<a href="#{_anchor(name)}">{escape(name)}</a>' for name in names)
    parts = (f'<h2 id="{_anchor(n)}">{escape(n)}</h2>{"".join(sections[n])}' for n in names)
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style>"
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>"
        "<p>Send <code>Authorization: Bearer &lt;token&gt;</code>; "
        "<code>tekil token create NAME</code> makes a token. Lists answer <code>items</code> and "
        "<code>next</code>; pass <code>next</code> as <code>cursor</code> for the next page. "
        'For programs: <a href="openapi.json">openapi.json</a>.</p>'
        f"<nav>{links}</nav>{''.join(parts)}"
    )


def _anchor(section: str) -> str:
    return escape(section.replace(" ", "-"))


def _operation(method: str, path: str, operation: Json, document: Json) -> str:
    says = str(operation.get("description") or operation.get("summary") or "")
    first, _, rest = says.partition("\n\n")
    blocks = [
        f"<p>{escape(rest)}</p>" if rest else "",
        _parameters(operation.get("parameters") or [], document),
        _content("Body", operation.get("requestBody") or {}, document),
        *(
            _content(f"Answer {status}", response, document)
            for status, response in operation.get("responses", {}).items()
            if status.isdigit()
        ),
    ]
    return (
        f"<details><summary><b>{method}</b> <code>{escape(path)}</code>"
        f"<span>{escape(first)}</span></summary>{''.join(blocks)}</details>"
    )


def _parameters(parameters: list[Json], document: Json) -> str:
    if not parameters:
        return ""
    rows = "".join(
        f"<tr><td><code>{escape(p['name'])}</code>{' *' if p.get('required') else ''}"
        f"<td>{escape(p['in'])}<td><code>{escape(_example_text(p.get('schema', {}), document))}"
        f"</code><td>{escape(p.get('description') or p.get('schema', {}).get('description', ''))}"
        for p in parameters
    )
    return f"<h4>Parameters</h4><table>{rows}</table>"


def _content(title: str, holder: Json, document: Json) -> str:
    schema = holder.get("content", {}).get("application/json", {}).get("schema")
    if not schema:
        return ""
    shown = json.dumps(_example(schema, document, 0), indent=2, ensure_ascii=False)
    return f"<h4>{escape(title)}</h4><pre>{escape(shown)}</pre>"


def _example_text(schema: Json, document: Json) -> str:
    found = _example(schema, document, 0)
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def _example(schema: Json, document: Json, depth: int) -> Any:
    """A value of a schema's shape, which names the types of what is in it."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = document["components"]["schemas"].get(name, {})
    if depth > 5:
        return "…"
    if "example" in schema:
        return schema["example"]
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    choices = list(_choices(schema))
    if choices:
        return _example(choices[0], document, depth + 1)
    match schema.get("type"):
        case "object":
            fields = schema.get("properties", {})
            return {name: _example(one, document, depth + 1) for name, one in fields.items()}
        case "array":
            return [_example(schema.get("items", {}), document, depth + 1)]
        case str() as name:
            return schema.get("default", name) if schema.get("default") is not None else name
    return "any"


def _choices(schema: Json) -> Iterator[Json]:
    for key in ("anyOf", "oneOf", "allOf"):
        for one in schema.get(key, []):
            if one.get("type") != "null":
                yield one
