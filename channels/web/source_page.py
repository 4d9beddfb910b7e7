"""The page that a citation opens: our own rendering of the stored version of a document, with the quote marked.

Public documents only. The page is made from the extracted text alone, so nothing of the original's markup can run.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from html import escape
from itertools import groupby
from typing import Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route

from channels.web.shop import HEADERS, LANGUAGES, Brand
from retrieval.errors import SnapshotError
from retrieval.types import Audience, Block


class Stored(Protocol):
    """A version of a document as it was ingested: `retrieval.snapshot.StoredText`."""

    @property
    def collection(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def blocks(self) -> Sequence[Block]: ...
    @property
    def audience(self) -> Audience: ...
    @property
    def url(self) -> str | None: ...
    @property
    def language(self) -> str: ...


class SourcePage:
    """`GET /source/{collection}/{document}?v=VERSION&start=S&end=E`.

    `text_of(version)` reads any version that was ever ingested (SnapshotError: there is none), `may_show` says whether
    a customer may read it today, `current(collection, document)` is the version that is served, None when it is gone.
    `collections` are those that this bot answers from: others may lie in the same index, for other bots.
    """

    def __init__(
        self,
        *,
        text_of: Callable[[str], Stored],
        may_show: Callable[[Stored], bool],
        current: Callable[[str, str], str | None],
        collections: Collection[str],
        brand: Brand,
        website_token: str,
    ) -> None:
        self._text_of = text_of
        self._may_show = may_show
        self._current = current
        self._collections = frozenset(collections)
        self._brand = brand
        self._website_token = website_token
        loader = PackageLoader("channels.web", "pages")
        self._pages = Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)

    def routes(self) -> list[BaseRoute]:
        return [Route("/source/{collection}/{document:path}", self.page, methods=["GET"])]

    async def page(self, request: Request) -> Response:
        """404 for anything that a customer may not see, whether it exists or not."""
        collection, document = request.path_params["collection"], request.path_params["document"]
        if collection not in self._collections:
            return self._missing(request)
        newest = self._current(collection, document)
        version = request.query_params.get("v") or newest
        stored = await run_in_threadpool(self._find, version) if version else None
        if stored is None or (stored.collection, stored.name) != (collection, document):
            return self._missing(request)
        start, end = _span(request, len(stored.text))
        html = self._pages.get_template("source.html").render(
            brand=self._brand,
            website_token=self._website_token,
            path=request.url.path,
            languages=LANGUAGES,
            language=stored.language,
            zh=stored.language == "zh",
            title=stored.title,
            url=stored.url if (stored.url or "").startswith(("https://", "http://")) else None,
            outdated=version != newest,
            gone=newest is None,
            body=Markup(body(stored.text, stored.blocks, start, end)),  # noqa: S704 - every text in it is escaped
        )
        return HTMLResponse(html, headers=HEADERS)

    def _find(self, version: str) -> Stored | None:
        try:
            stored = self._text_of(version)
        except SnapshotError:
            return None
        return stored if stored.audience == Audience.PUBLIC and self._may_show(stored) else None

    def _missing(self, request: Request) -> Response:
        html = self._pages.get_template("missing.html").render(
            brand=self._brand,
            website_token=self._website_token,
            path="/help",
            languages=LANGUAGES,
            language="en",
            zh=False,
        )
        return HTMLResponse(html, status_code=404, headers=HEADERS)


def body(text: str, blocks: Sequence[Block], start: int, end: int) -> str:
    """The blocks as HTML, `text[start:end]` within `<mark>`; its first piece is `<mark id="cite">`."""
    parts: list[str] = []
    marked = _Marker(text, start, end)
    for kind, group in groupby(blocks, key=lambda block: block.kind):
        run = list(group)
        if kind == "item":
            parts.append(_list(run, marked))
        elif kind == "row":
            parts.append(_tables(run, marked))
        else:
            parts.extend(_single(block, marked) for block in run)
    return "\n".join(parts)


class _Marker:
    """Escapes pieces of the text and marks what lies in the quote."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self._text, self._start, self._end = text, start, end
        self._used = False

    def __call__(self, start: int, end: int) -> str:
        left, right = max(start, self._start), min(end, self._end)
        if left >= right:
            return escape(self._text[start:end])
        name = "" if self._used else ' id="cite"'
        self._used = True
        before, quote, after = self._text[start:left], self._text[left:right], self._text[right:end]
        return f"{escape(before)}<mark{name}>{escape(quote)}</mark>{escape(after)}"

    def cells(self, block: Block) -> list[str]:
        """A row's cells, each marked by itself."""
        made, at = [], block.start
        for cell in self._text[block.start : block.end].split(" | "):
            made.append(self(at, at + len(cell)))
            at += len(cell) + 3
        return made


def _single(block: Block, marked: _Marker) -> str:
    inner = marked(block.start, block.end)
    if block.kind == "heading":
        level = min(6, max(1, block.level))
        return f"<h{level}>{inner}</h{level}>"
    if block.kind == "code":
        return f"<pre><code>{inner}</code></pre>"
    return f"<p>{inner}</p>"


def _list(items: Sequence[Block], marked: _Marker) -> str:
    """Nested lists by the items' levels."""
    html: list[str] = []
    depth = 0
    for item in items:
        level = max(1, item.level)
        while depth > level:
            html.append("</li></ul>")
            depth -= 1
        if depth == level:
            html.append("</li>")
        while depth < level:
            html.append("<ul>" if depth + 1 == level else "<ul><li>")
            depth += 1
        html.append(f"<li>{marked(item.start, item.end)}")
    html.append("</li></ul>" * depth)
    return "".join(html)


def _tables(rows: Sequence[Block], marked: _Marker) -> str:
    """Rows that follow each other; a header row begins another table."""
    html: list[str] = []
    for number, row in enumerate(rows):
        if row.header and number:
            html.append("</table><table>")
        cell = "th" if row.header else "td"
        html.append("<tr>" + "".join(f"<{cell}>{inner}</{cell}>" for inner in marked.cells(row)) + "</tr>")
    return "<table>" + "".join(html) + "</table>"


def _span(request: Request, length: int) -> tuple[int, int]:
    try:
        start, end = (int(request.query_params.get(name, "0")) for name in ("start", "end"))
    except ValueError:
        return 0, 0
    return (start, end) if 0 <= start < end <= length else (0, 0)
