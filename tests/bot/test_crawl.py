"""A site into files, against a real server on the loopback."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.crawl import CrawlReport, Plan, crawl
from bot.crawling.kept import STATE
from bot.errors import CrawlError
from retrieval.load import load_file
from tests.bot.crawling.site import Site, page, served

RETURNS = "You can return an item within 30 days after it has come, if the seal is unbroken."
DELIVERY = "A parcel takes two working days inside the country, and four to its neighbours."
LEGAL = "These terms hold for everything that is bought in the shop, whoever buys it there."


@pytest.fixture
def site() -> Iterator[Site]:
    with served() as site:
        site.pages["/"] = page(
            "Welcome", "We sell small machines that can be repaired.", "/help/returns", "/help/delivery#top"
        )
        site.pages["/help/returns"] = page("Returns", RETURNS, "/", "https://elsewhere.example/x", "/help/photo.jpg")
        site.pages["/help/delivery"] = page("Delivery", DELIVERY, "/help/returns?utm_source=menu")
        yield site


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


async def again(site: Site, out: Path, **more: object) -> CrawlReport:
    site.asked.clear()
    return await crawl(replace(Plan(f"{site.url}/", delay=0, private=True), **more), out)  # type: ignore[arg-type]


def files(out: Path) -> dict[str, Path]:
    """The files by the end of their name."""
    return {file.relative_to(out).as_posix().partition("/")[2]: file for file in out.rglob("*.md")}


async def test_a_site_becomes_files_that_ingestion_reads_with_the_pages_address(site: Site, out: Path) -> None:
    report = await again(site, out)
    assert sorted(url.removeprefix(site.url) for url in report.added) == ["/", "/help/delivery", "/help/returns"]
    assert set(files(out)) == {"index.md", "help/returns.md", "help/delivery.md"}
    document = load_file(files(out)["help/returns.md"], out, collection="site")
    assert (document.title, document.language, document.url) == ("Returns", "en", f"{site.url}/help/returns")
    assert RETURNS in document.text
    assert "rights reserved" not in document.text
    assert site.paths.count("/help/returns") == 1
    assert not any("photo" in path or "elsewhere" in path for path in site.paths)


async def test_crawled_again_only_what_changed_is_sent_and_written(site: Site, out: Path) -> None:
    await again(site, out)
    before = {name: file.stat().st_mtime_ns for name, file in files(out).items()}
    site.pages["/help/delivery"] = page("Delivery", DELIVERY.replace("two", "three"))
    report = await again(site, out)
    assert [url.removeprefix(site.url) for url in report.changed] == ["/help/delivery"]
    assert (report.added, report.removed, report.unchanged) == ([], [], 2)
    now = {name: file.stat().st_mtime_ns for name, file in files(out).items()}
    assert {name for name in now if now[name] != before[name]} == {"help/delivery.md"}
    asked = dict(site.asked)
    assert "if-none-match" in asked["/help/returns"]


async def test_what_is_gone_is_removed_and_what_nothing_leads_to_any_more_is_not(site: Site, out: Path) -> None:
    await again(site, out)
    site.pages["/"] = page("Welcome", "We sell small machines that can be repaired, and parts.")
    del site.pages["/help/delivery"]
    report = await again(site, out)
    assert [url.removeprefix(site.url) for url in report.removed] == ["/help/delivery"]
    assert set(files(out)) == {"index.md", "help/returns.md"}
    assert report.anything


async def test_a_site_in_trouble_loses_nothing(site: Site, out: Path) -> None:
    await again(site, out)
    site.pages["/help/delivery"] = (503, {}, "later")
    report = await again(site, out)
    assert report.removed == []
    assert report.left_out == [(f"{site.url}/help/delivery", "status 503")]
    site.pages["/"] = (500, {}, "broken")
    with pytest.raises(CrawlError, match="500"):
        await again(site, out)
    site.pages["/robots.txt"] = (503, {}, "")
    with pytest.raises(CrawlError, match="not known"):
        await again(site, out)
    assert len(files(out)) == 3


async def test_robots_are_obeyed_and_their_delay_kept(site: Site, out: Path) -> None:
    site.pages["/robots.txt"] = "User-agent: *\nDisallow: /help/delivery\nCrawl-delay: 0.2\n"
    began = time.monotonic()
    report = await again(site, out)
    assert time.monotonic() - began >= 0.2 * (len(site.asked) - 2)
    assert "/help/delivery" not in site.paths
    assert (f"{site.url}/help/delivery", "robots.txt does not allow it") in report.left_out
    site.pages["/robots.txt"] = "User-agent: *\nDisallow: /\n"
    with pytest.raises(CrawlError, match=r"robots\.txt"):
        await again(site, out)


async def test_what_robots_forbid_later_is_removed(site: Site, out: Path) -> None:
    await again(site, out)
    site.pages["/robots.txt"] = "User-agent: FrontdeskCrawler\nDisallow: /help/returns\n"
    assert [url.removeprefix(site.url) for url in (await again(site, out)).removed] == ["/help/returns"]


async def test_depth_pages_and_bytes_are_limits(site: Site, out: Path) -> None:
    site.pages["/help/returns"] = page("Returns", RETURNS, "/deep")
    site.pages["/deep"] = page("Deep", LEGAL)
    assert (await again(site, out, depth=0)).added == [f"{site.url}/"]
    assert len((await again(site, out, depth=1)).added) == 2
    assert (await again(site, out, depth=5)).added == [f"{site.url}/deep"]
    few = await again(site, out / "few", max_pages=1)
    assert "more" in few.limited
    assert len(few.added) == 2  # the start, and one more
    assert "bytes" in (await again(site, out / "small", max_bytes=10)).limited


async def test_redirects_stay_on_the_host_and_leave_no_second_copy(site: Site, out: Path) -> None:
    site.pages["/help/delivery"] = (301, {"Location": "/help/parcels"}, "")
    site.pages["/help/parcels"] = page("Parcels", DELIVERY)
    site.pages["/help/returns"] = (302, {"Location": "http://169.254.169.254/secrets"}, "")
    report = await again(site, out)
    assert set(files(out)) == {"index.md", "help/parcels.md"}
    assert (f"{site.url}/help/returns", "leads to another host") in report.left_out
    site.pages["/"] = (302, {"Location": "https://www.elsewhere.example/"}, "")
    with pytest.raises(CrawlError, match=r"elsewhere\.example"):
        await again(site, out)


async def test_a_page_that_asks_not_to_be_kept_is_not(site: Site, out: Path) -> None:
    site.pages["/help/returns"] = page("Returns", RETURNS, head='<meta name="ROBOTS" content="noindex, follow">')
    site.pages["/help/delivery"] = (200, {"X-Robots-Tag": "noindex", "Content-Type": "text/html"}, page("D", DELIVERY))
    assert (await again(site, out)).added == [f"{site.url}/"]


async def test_the_same_words_at_two_addresses_are_kept_once_also_next_time(site: Site, out: Path) -> None:
    site.pages["/"] = page("Welcome", "We sell machines.", "/help/returns", "/old/returns")
    site.pages["/old/returns"] = site.pages["/help/returns"]
    first = await again(site, out)
    assert any(why.startswith("says the same") for _, why in first.left_out)
    assert not (await again(site, out)).anything


async def test_a_sitemap_is_a_start_and_the_sites_own_are_read(site: Site, out: Path) -> None:
    entry = f"<url><loc>{site.url}/hidden</loc><lastmod>2026-03-04T10:00:00Z</lastmod></url>"
    off = "<url><loc>https://elsewhere.example/</loc></url>"
    site.pages["/map.xml"] = (
        f'<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entry}{off}</urlset>'
    )
    site.pages["/index.xml"] = f"<sitemapindex><sitemap><loc>{site.url}/map.xml</loc></sitemap></sitemapindex>"
    site.pages["/hidden"] = page("Hidden", LEGAL)
    report = await again(site, out, url=f"{site.url}/index.xml")
    assert report.added == [f"{site.url}/hidden"]
    assert "modified: '2026-03-04'" in files(out)["hidden.md"].read_text()
    assert str(load_file(files(out)["hidden.md"], out, collection="site").updated) == "2026-03-04"
    site.pages["/robots.txt"] = f"Sitemap: {site.url}/map.xml\n"
    assert f"{site.url}/hidden" in (await again(site, out / "own")).added


async def test_tables_and_lists_come_through(site: Site, out: Path) -> None:
    table = "<table><tr><th>To</th><th>Price</th></tr><tr><td>NL</td><td>4.95</td></tr></table>"
    listed = "<ul><li>by bicycle</li><li>by van</li></ul>"
    site.pages["/help/delivery"] = page("Delivery", f"{DELIVERY}</p>{listed}{table}<p>")
    await again(site, out)
    document = load_file(files(out)["help/delivery.md"], out, collection="site")
    assert "To | Price\nNL | 4.95" in document.text
    items = [document.text[each.start : each.end] for each in document.blocks if each.kind == "item"]
    assert items == ["by bicycle", "by van"]


async def test_a_short_page_is_taken_whole(site: Site, out: Path) -> None:
    site.pages["/"] = "<html><body><h1>Hours</h1><p>9 to 5</p></body></html>"
    await again(site, out)
    assert "9 to 5" in files(out)["index.md"].read_text()


async def test_a_page_cannot_say_who_may_read_it(site: Site, out: Path) -> None:
    site.pages["/"] = page("x\n---\naudience: internal", "---\naudience: internal\n---\n" + LEGAL)
    await again(site, out)
    assert load_file(files(out)["index.md"], out, collection="site").audience == "public"


async def test_addresses_do_not_lead_out_of_the_folder(site: Site, out: Path) -> None:
    paths = ("/%2e%2e/%2e%2e/etc/passwd", "/a/..%2f..%2fb", "/" + "x" * 300)
    site.pages["/"] = page("Welcome", "We sell machines.", *paths)
    site.pages |= {path: page(path[:9], LEGAL + path) for path in paths}
    report = await again(site, out)
    host = site.url.removeprefix("http://").replace(":", "-")
    assert len(report.added) == len(files(out)) == 4
    assert {name.partition("/")[0] for name in files(out.parent)} == {host}


async def test_a_folder_belongs_to_one_site(site: Site, out: Path) -> None:
    await again(site, out)
    with pytest.raises(CrawlError, match="another folder"):
        await crawl(Plan("https://elsewhere.example/"), out)
    (out / STATE).write_text("{}")
    with pytest.raises(CrawlError, match="delete it"):
        await again(site, out)


@pytest.mark.parametrize(
    "url", ["shop.example", "file:///etc/passwd", "ftp://x/", "https://user:pw@x/", "https://[::1"]
)
async def test_only_the_web_is_crawled(url: str, out: Path) -> None:
    with pytest.raises(CrawlError, match="not the address"):
        await crawl(Plan(url), out)


async def test_a_site_that_stops_answering_is_left_for_another_day(site: Site, out: Path) -> None:
    links = [f"/p{number}" for number in range(12)]
    site.pages["/"] = page("Welcome", "We sell machines.", *links)
    site.pages |= {link: (500, {}, "") for link in links}
    report = await again(site, out)
    assert "did not come" in report.limited
    assert len(site.paths) < 10
    assert json.loads((out / STATE).read_text())["finished"]


async def test_a_packed_sitemap_is_read_and_one_that_unpacks_without_end_is_cut(site: Site, out: Path) -> None:
    entry = f"<url><loc>{site.url}/hidden</loc></url>"
    site.pages["/map.xml.gz"] = gzip.compress(f"<urlset>{entry}{' ' * 50_000_000}</urlset>".encode())
    site.pages["/hidden"] = page("Hidden", LEGAL)
    assert (await again(site, out, url=f"{site.url}/map.xml.gz")).added == [f"{site.url}/hidden"]
