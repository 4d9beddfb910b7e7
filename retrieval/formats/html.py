"""HTML, through Beautiful Soup on lxml.

What belongs to the site and not to the page (menus, footers, forms) is left out.
"""

from __future__ import annotations

from bs4 import BeautifulSoup, Tag
from bs4.element import NavigableString, PreformattedString

from retrieval.formats import Extracted
from retrieval.formats.writer import Writer

_LEFT_OUT = frozenset(
    {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "canvas", "video", "audio", "head"}
    | {"nav", "footer", "aside", "form", "button", "select", "input", "textarea", "dialog"}
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset(
    {"address", "article", "blockquote", "body", "center", "details", "div", "fieldset", "figure", "header", "hgroup"}
    | {"hr", "html", "main", "p", "section", "summary", "figcaption", "dl", "dt", "dd"}
)


def extract(text: str) -> Extracted:
    """A page to plain text: its only `<main>` or `<article>` if there is one, else the whole body."""
    soup = BeautifulSoup(text, "lxml")
    writer = Writer()
    mains = soup.find_all("main") or soup.find_all("article")
    root = mains[0] if len(mains) == 1 else soup.body or soup
    _Walk(writer, keep_header=len(mains) == 1).element(root)
    title = soup.title.get_text() if soup.title else None
    return writer.finish(title)


def write_fragment(text: str, writer: Writer) -> None:
    """Write a piece of HTML that stands inside another format."""
    soup = BeautifulSoup(text, "lxml")
    _Walk(writer, keep_header=True).element(soup.body or soup)


class _Walk:
    """One pass over the tree: inline text gathers until a block begins or ends."""

    def __init__(self, writer: Writer, *, keep_header: bool) -> None:
        self._writer = writer
        self._keep_header = keep_header
        self._inline: list[str] = []
        self._marker: str | None = None
        self._depth = 0

    def element(self, tag: Tag) -> None:
        self._children(tag)
        self._flush()

    def _children(self, tag: Tag) -> None:
        for child in tag.children:
            if isinstance(child, Tag):
                self._tag(child)
            elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
                self._inline.append(str(child))

    def _tag(self, tag: Tag) -> None:
        if self._left_out(tag):
            return
        if tag.name in _HEADINGS:
            self._flush()
            self._writer.heading(tag.get_text(), _HEADINGS[tag.name])
        elif tag.name in {"ul", "ol", "menu"}:
            self._list(tag)
        elif tag.name == "table":
            self._table(tag)
        elif tag.name == "pre":
            self._flush()
            self._writer.code(tag.get_text())
        elif tag.name == "br":
            self._inline.append("\v")
        elif tag.name == "img":
            self._inline.append(str(tag.get("alt") or ""))
        elif tag.name in _BLOCKS:
            self._flush()
            self.element(tag)
        else:
            self._children(tag)

    def _left_out(self, tag: Tag) -> bool:
        hidden = tag.has_attr("hidden") or tag.get("aria-hidden") == "true"
        unseen = "display:none" in str(tag.get("style") or "").replace(" ", "").lower()
        site_header = tag.name == "header" and not self._keep_header and tag.find("h1") is None
        return tag.name in _LEFT_OUT or hidden or unseen or site_header

    def _list(self, tag: Tag) -> None:
        self._flush()
        self._depth += 1
        start = str(tag.get("start") or "")
        number = int(start) if start.isdecimal() and len(start) < 9 else 1
        for child in tag.find_all(True, recursive=False):
            if child.name != "li":
                self._tag(child)
            elif not self._left_out(child):
                self._marker = f"{number}." if tag.name == "ol" else "-"
                self.element(child)
                self._marker = None
                number += 1
        self._flush()
        self._depth -= 1

    def _table(self, tag: Tag) -> None:
        self._flush()
        first = True
        for row in tag.find_all("tr"):
            if row.find_parent("table") is not tag:
                continue
            cells = row.find_all(["td", "th"], recursive=False)
            header = first and all(cell.name == "th" for cell in cells)
            self._writer.row([cell.get_text(" ") for cell in cells], header=header, first=first)
            first = False

    def _flush(self) -> None:
        text, self._inline = "".join(self._inline), []
        if not text.strip():
            return
        if self._marker is not None:
            self._writer.item(text, self._depth, self._marker)
            self._marker = None
        else:
            self._writer.paragraph(text)
