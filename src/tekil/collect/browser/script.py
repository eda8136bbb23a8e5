"""The script that the classic HTML snippet loads, and the parts that it may load later.

Both are the files that the npm package ``@segment/analytics-next`` ships (``assets/``, with
their licences). As published, the script finds the server it came from only if that is an
https address in a script tag, and otherwise turns to Segment's own servers. Served from here
it must never talk to anybody else, so the four places that name those servers are replaced.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib import resources

from tekil.kit.json import encode_text

_ASSETS = resources.files(__package__) / "assets"

_OPENING = "!function(){var t,e,n,r,i={"
# The address that this very script was loaded from, taken while it runs for the first time.
# It works on http, for a relative src, and next to another vendor's snippet on the same page.
_OWN_CDN = (
    "var tekilCdn=(/^https?:.*(?=\\/analytics\\.js\\/v1\\/)/"
    '.exec((document.currentScript||{}).src||"")||[""])[0];'
)
_REPLACEMENTS = (
    (_OPENING, f"!function(){{{_OWN_CDN}var t,e,n,r,i={{"),
    ("(https:\\/\\/.*)\\/analytics\\.js", "(https?:\\/\\/.*)\\/analytics\\.js"),
    ('return o||"https://cdn.segment.com"}', "return tekilCdn||o||location.origin}"),
    (
        '"https://cdn.segment.com/analytics.js/v1/".concat(',
        '(tekilCdn+"/analytics.js/v1/").concat(',
    ),
    (
        've?ve+"/analytics-next/bundles/":"https://cdn.segment.com/analytics-next/bundles/"',
        've+"/analytics-next/bundles/"',
    ),
    (
        'var r="api.segment.io/v1"',
        'var r=(tekilCdn||location.origin).replace(/^https?:\\/\\//,"")+"/v1"',
    ),
    ("//# sourceMappingURL=standalone.js.map", ""),
)
_WRITE_KEY = '"__WRITE_KEY__"'


def analytics_script(write_key: str) -> bytes:
    """Answer ``GET /analytics.js/v1/{writeKey}/analytics.min.js``.

    >>> b'analyticsWriteKey="wk_1"' in analytics_script("wk_1")
    True
    """
    # Angle brackets, so that no key can end the script where somebody inlines it.
    literal = encode_text(write_key).replace("<", "\\u003c")
    return _template().replace(_WRITE_KEY, literal).encode()


@lru_cache(maxsize=64)
def compressed_script(write_key: str) -> bytes:
    """The same script in gzip, a quarter of the size.

    >>> gzip.decompress(compressed_script("wk_1")) == analytics_script("wk_1")
    True
    """
    return gzip.compress(analytics_script(write_key), mtime=0)


def bundle(name: str) -> bytes | None:
    """Answer ``GET /analytics-next/bundles/{name}``: one later part, None for another name.

    >>> bundle("../standalone.js") is None
    True
    """
    return _bundles().get(name)


@lru_cache(maxsize=1)
def _template() -> str:
    text = (_ASSETS / "standalone.js").read_text(encoding="utf-8")
    for published, ours in (*_REPLACEMENTS, (_WRITE_KEY, _WRITE_KEY)):
        if text.count(published) != 1:
            raise AssertionError(
                f"standalone.js is not the release this was written for: {published}"
            )
        text = text.replace(published, ours)
    return text


@lru_cache(maxsize=1)
def _bundles() -> dict[str, bytes]:
    return {entry.name: entry.read_bytes() for entry in (_ASSETS / "bundles").iterdir()}
