"""A real Chromium, and web pages for it on an origin of their own."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
LOOPBACK = {"127.0.0.1", "localhost"}
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # No name resolves but ours, so that no test depends on anybody else's server.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Chromium for the length of a block."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def served(html: str) -> Iterator[str]:
    """Serve one HTML page on a port of its own; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = urlsplit(self.path).path == "/pricing"
            body = html.encode() if found else b""
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}/pricing"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Visit:
    """One open page, everything that it asked of the network, and what it said."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.urls: list[str] = []
        self.console: list[str] = []
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("console", lambda message: self.console.append(message.text))
        page.on("pageerror", lambda error: self.console.append(f"uncaught: {error}"))

    def strangers(self) -> set[str]:
        """Hosts other than ours that the page tried to reach, up to now."""
        self.page.evaluate("0")  # Lets the events that came meanwhile be delivered.
        hosts = {urlsplit(url).hostname for url in self.urls if url.startswith("http")}
        return {host for host in hosts if host and host not in LOOPBACK}

    def uncaught(self) -> list[str]:
        """Errors that nothing on the page handled."""
        self.page.evaluate("0")
        return [text for text in self.console if text.startswith("uncaught")]


@contextmanager
def visiting(browser: Browser, html: str, *, query: str = "") -> Iterator[Visit]:
    """Open a page as a first-time visitor."""
    with served(html) as address:
        context = browser.new_context(ignore_https_errors=True)
        visit = Visit(context.new_page())
        visit.page.goto(address + query)
        yield visit
        context.close()
