"""A page of a site as what it says: the main text as Markdown, its title and language, and where it leads."""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from retrieval.formats import html

LEAST = 40
"""Characters: of a page with fewer the whole body is taken, not what looks like its main text."""
SITEMAP_BYTES = 20_000_000
_TRACKING = re.compile(r"utm_\w+|gclid|fbclid|msclkid|mc_[ce]id|phpsessid|jsessionid|sid", re.I)
_NO_PAGE = re.compile(
    r"\.(?:jpe?g|png|gif|webp|svg|ico|css|js|mjs|json|xml|rss|atom|pdf|docx?|xlsx?|pptx?|zip|gz|tgz|rar|7z|exe|dmg|apk"
    r"|mp[34]|m4a|webm|ogg|wav|avi|mov|woff2?|ttf|eot)$",
    re.I,
)
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:[-_][a-z0-9]+)*", re.I)


@dataclass(frozen=True, slots=True)
class Page:
    """`links` are normalised addresses, of any host. `listed` False: the page asks not to be kept (noindex)."""

    title: str
    language: str | None
    markdown: str
    links: tuple[str, ...]
    listed: bool

    @property
    def digest(self) -> str:
        """Of what it says: two pages with the same are one."""
        said = [self.title, self.language, self.markdown]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


def read(data: bytes, url: str, robots_tag: str = "") -> Page | None:
    """A page's HTML; None where there is nothing to read. `robots_tag` is what the X-Robots-Tag header says."""
    import trafilatura

    tree = trafilatura.load_html(data)
    if tree is None:
        return None
    asked = _asked(tree, robots_tag)
    title = _title(tree)
    links = () if "nofollow" in asked else tuple(dict.fromkeys(_links(tree, url)))
    said = tree.get("lang") or tree.get("xml:lang") or ""
    language = said if _LANGUAGE.fullmatch(said) else None
    markdown = (
        trafilatura.extract(
            tree, url=url, output_format="markdown", include_comments=False, include_tables=True, favor_recall=True
        )
        or ""
    )
    if len(markdown) < LEAST:
        markdown = _whole(data)
    if not markdown.strip():
        return None
    if title and not any(line.startswith("# ") for line in markdown.splitlines()):
        markdown = f"# {title}\n\n{markdown}"
    return Page(
        title or url,
        language,
        markdown.strip() + "\n",
        links,
        not asked & {"noindex", "none"},
    )


def normal(url: str, base: str = "", *, page: bool = True) -> str | None:
    """One spelling of an address: absolute, without fragment, default port and tracking. None if it is none of the web,
    or (`page`) ends as pictures, styles and files do.
    """
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").rstrip(".")
    if parts.scheme not in {"http", "https"} or not host or parts.username is not None:
        return None
    if page and _NO_PAGE.search(parts.path):
        return None
    shown = f"[{host}]" if ":" in host else host
    if port and port != (443 if parts.scheme == "https" else 80):
        shown += f":{port}"
    asked = parse_qsl(parts.query, keep_blank_values=True)
    kept = urlencode([(key, value) for key, value in asked if not _TRACKING.fullmatch(key)])
    return urlunsplit((parts.scheme, shown, parts.path or "/", kept, ""))


def same_site(url: str, other: str) -> bool:
    """The same host and port; from http to https is no other site."""
    one, two = urlsplit(url), urlsplit(other)
    return (one.hostname, one.port) == (two.hostname, two.port)


def sitemap(data: bytes) -> tuple[list[str], list[tuple[str, str]]] | None:
    """The sitemaps and the (page, last change) that a sitemap lists; None when it is none."""
    from lxml import etree

    if data.startswith(b"\x1f\x8b"):
        data = _unpacked(data)
    if not re.search(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b", data[:2000]):
        return None
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    root = etree.fromstring(data, parser)
    maps: list[str] = []
    pages: list[tuple[str, str]] = []
    for entry in root if root is not None else ():
        said = {etree.QName(part).localname: (part.text or "").strip() for part in entry if isinstance(part.tag, str)}
        if "loc" in said and isinstance(entry.tag, str):
            if etree.QName(entry).localname == "sitemap":
                maps.append(said["loc"])
            else:
                pages.append((said["loc"], said.get("lastmod", "")))
    return maps, pages


def _unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, SITEMAP_BYTES)
    except zlib.error:
        return b""


def _asked(tree: Any, header: str) -> set[str]:
    said = [header, *tree.xpath("//meta[translate(@name,'ROBTS','robts')='robots']/@content")]
    return {word.strip().lower() for text in said for word in str(text).split(",")}


def _title(tree: Any) -> str:
    for path in ("//h1", "//meta[@property='og:title']/@content", "//title"):
        for found in tree.xpath(path):
            text = " ".join((found if isinstance(found, str) else found.text_content()).split())
            if text:
                return str(text)[:300]
    return ""


def _links(tree: Any, url: str) -> Iterator[str]:
    base = next(iter(tree.xpath("//base/@href")), "")
    for anchor in tree.xpath("//a[@href]"):
        if "nofollow" not in (anchor.get("rel") or "").lower().split():
            found = normal(anchor.get("href"), urljoin(url, base))
            if found:
                yield found


def _whole(data: bytes) -> str:
    """A short page, whole, its headings, items and rows as Markdown has them."""
    import trafilatura
    from lxml.html import tostring

    found = html.extract(tostring(trafilatura.load_html(data), encoding="unicode"))
    lines: list[str] = []
    for block in found.blocks:
        text = found.text[block.start : block.end]
        if block.kind == "heading":
            text = f"{'#' * block.level} {text}"
        elif block.kind == "item":
            text = f"{'  ' * (block.level - 1)}- {text}"
        elif block.kind == "row":
            text = f"| {text} |" + ("\n|" + "---|" * (text.count(" | ") + 1) if block.header else "")
        apart = "" if block.kind in {"item", "row"} and not block.header and lines else "\n"
        lines.append(f"{apart}{text}")
    return "\n".join(lines).strip()
