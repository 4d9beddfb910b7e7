"""Markdown -> HTML that is safe to put into a page: made by markdown-it, then cleaned by nh3."""

from __future__ import annotations

import html
from functools import cache

import nh3
from markdown_it import MarkdownIt

TAGS = {
    "p", "br", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "hr",
    "h1", "h2", "h3", "h4", "h5", "h6", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
SCHEMES = {"http", "https", "mailto", "tel"}


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])


def render(text: str) -> str:
    """A reply's Markdown as HTML. Raw HTML stands as text, pictures and all but plain links are dropped; links open in
    a new window and tell nobody where they were followed from."""
    return nh3.clean(
        _markdown().render(text),
        tags=TAGS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    ).strip()


def plain(text: str) -> str:
    """A customer's own words as HTML: nothing but line breaks means anything."""
    return html.escape(text).replace("\n", "<br>")
