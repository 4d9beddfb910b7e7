"""The page that a citation opens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from channels.web.shop import Brand
from channels.web.source_page import SourcePage, body
from retrieval.errors import SnapshotError
from retrieval.types import Audience, Block

TEXT = "Returns\nSend it back within 30 days.\nkeep the box\nprint the label\nsize | fee\nlarge | <b>9</b> EUR"
LINES = [(0, 7), (8, 36), (37, 49), (50, 65), (66, 76), (77, 97)]
BLOCKS = (
    Block("heading", *LINES[0], level=1),
    Block("paragraph", *LINES[1]),
    Block("item", *LINES[2], level=1),
    Block("item", *LINES[3], level=2),
    Block("row", *LINES[4], header=True),
    Block("row", *LINES[5]),
)


@dataclass(frozen=True)
class Text:
    collection: str = "help"
    name: str = "returns/window"
    title: str = "Returns"
    text: str = TEXT
    blocks: tuple[Block, ...] = BLOCKS
    audience: Audience = Audience.PUBLIC
    url: str | None = "https://shop.example/returns"
    language: str = "en"


VERSIONS = {
    "v1": Text(),
    "v2": Text(text=TEXT.replace("30", "60")),
    "secret": Text(audience=Audience.INTERNAL),
    "hidden": Text(name="was/public"),
    "script": Text(name="js", url="javascript:alert(1)"),
    "other bot's": Text(collection="partners"),
}
CURRENT = {("help", "returns/window"): "v2", ("help", "js"): "script", ("partners", "returns/window"): "other bot's"}


def _text_of(version: str) -> Text:
    if version not in VERSIONS:
        raise SnapshotError("no such version")
    return VERSIONS[version]


@pytest.fixture
def pages() -> httpx.AsyncClient:
    page = SourcePage(
        text_of=_text_of,
        may_show=lambda stored: stored.name != "was/public",
        current=lambda collection, document: CURRENT.get((collection, document)),
        collections=("help",),
        brand=Brand(name="Tidewell"),
        website_token="demo",
    )
    transport = httpx.ASGITransport(app=Starlette(routes=page.routes()))
    return httpx.AsyncClient(transport=transport, base_url="http://desk")


async def test_the_quote_is_marked_in_the_version_that_was_cited(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/source/help/returns/window", params={"v": "v1", "start": 28, "end": 35})
    assert '<mark id="cite">30 days</mark>' in answer.text
    assert "has changed since" in answer.text
    assert 'href="https://shop.example/returns"' in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_without_a_version_the_current_one_is_shown(pages: httpx.AsyncClient) -> None:
    answer = await pages.get("/source/help/returns/window")
    assert "60 days" in answer.text
    assert "has changed since" not in answer.text
    assert "<mark" not in answer.text


async def test_what_is_internal_unknown_or_of_another_name_is_not_found(pages: httpx.AsyncClient) -> None:
    for path in (
        "/source/help/returns/window?v=secret",
        "/source/help/was/public?v=hidden",
        "/source/help/returns/window?v=../../etc/passwd",
        "/source/help/other?v=v1",
        "/source/other/returns/window?v=v1",
        "/source/help/nothing",
    ):
        assert (await pages.get(path)).status_code == 404, path


async def test_a_public_document_of_a_collection_that_this_bot_does_not_answer_from_is_not_found(
    pages: httpx.AsyncClient,
) -> None:
    for path in ("/source/partners/returns/window", "/source/partners/returns/window?v=other%20bot%27s"):
        assert (await pages.get(path)).status_code == 404, path


async def test_a_senseless_place_marks_nothing(pages: httpx.AsyncClient) -> None:
    for start, end in (("x", "y"), ("-1", "5"), ("5", "5"), ("9", "5"), ("0", "99999")):
        answer = await pages.get("/source/help/returns/window", params={"v": "v1", "start": start, "end": end})
        assert answer.status_code == 200
        assert "<mark" not in answer.text


async def test_a_link_that_is_no_web_address_is_left_out(pages: httpx.AsyncClient) -> None:
    assert "javascript:" not in (await pages.get("/source/help/js")).text


def test_lists_nest_and_tables_keep_their_cells() -> None:
    html = body(TEXT, BLOCKS, 77, 97)
    assert "<h1>Returns</h1>" in html
    assert "<ul><li>keep the box<ul><li>print the label</li></ul></li></ul>" in html.replace("\n", "")
    marked = '<td><mark id="cite">large</mark></td><td><mark>&lt;b&gt;9&lt;/b&gt; EUR</mark></td>'
    assert f"<table><tr><th>size</th><th>fee</th></tr><tr>{marked}</tr></table>" in html


@given(st.integers(0, len(TEXT)), st.integers(0, len(TEXT)))
def test_whatever_is_marked_the_text_stays_whole_and_the_mark_is_the_quote(start: int, end: int) -> None:
    html = body(TEXT, BLOCKS, start, end)
    shown = unescape(re.sub(r"<(?!/?b&)[^>]*>", "", html))
    assert re.sub(r"[\s|]", "", shown) == re.sub(r"[\s|]", "", TEXT)
    marked = unescape("".join(re.findall(r"<mark[^>]*>(.*?)</mark>", html)))
    assert re.sub(r"[\s|]", "", marked) == re.sub(r"[\s|]", "", TEXT[start:end] if start < end else "")
