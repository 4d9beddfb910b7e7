"""A site on this machine, whose pages a test writes; it knows conditional requests and notes what is asked."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """`pages` maps a path to HTML, bytes, or (status, headers, body); `asked` are (path, headers) in order."""

    url: str = ""
    pages: dict[str, object] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    def answer(self, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        self.asked.append((path, headers))
        found = self.pages.get(path)
        if found is None:
            return 404, {}, b"not here"
        if isinstance(found, tuple):
            status, more, body = found
            return status, more, body.encode() if isinstance(body, str) else body
        body = found.encode() if isinstance(found, str) else bytes(found)  # type: ignore[call-overload]
        tag = f'"{hashlib.sha256(body).hexdigest()[:12]}"'
        if headers.get("if-none-match") == tag:
            return 304, {"ETag": tag}, b""
        kind = "text/plain" if path.endswith(".txt") else "text/html; charset=utf-8"
        return 200, {"ETag": tag, "Content-Type": kind}, body


def page(title: str, text: str, *links: str, head: str = "") -> str:
    """A page as sites have them: a menu, a footer, and between them what it says."""
    anchors = "".join(f'<a href="{link}">{link}</a> ' for link in links)
    return (
        f'<html lang="en"><head><title>{title} | Shop</title>{head}</head><body>'
        f"<nav>{anchors}</nav><main><h1>{title}</h1><p>{text}</p></main>"
        "<footer>All rights reserved, 2026</footer></body></html>"
    )


@contextmanager
def served() -> Iterator[Site]:
    """The site, on a free port of the loopback."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, body = site.answer(self.path, headers)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
