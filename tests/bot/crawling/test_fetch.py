"""What a crawl connects to: the open internet, unless it was told that a private network is meant."""

from __future__ import annotations

import pytest

from bot.crawling.fetch import Fetcher, is_public
from bot.errors import CrawlError
from tests.bot.crawling.site import served


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)  # fmt: skip
def test_addresses_inside_a_network_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
async def test_this_machine_is_refused_by_any_name_and_never_asked(host: str) -> None:
    with served() as site:
        url = site.url.replace("127.0.0.1", host)
        async with Fetcher("x", delay=0, private=False) as fetcher:
            with pytest.raises(CrawlError, match="private"):
                await fetcher.get(url)
        assert site.asked == []


async def test_a_page_is_fetched_with_our_name_and_cut_where_it_is_too_large() -> None:
    with served() as site:
        site.pages["/"] = "x" * 1000
        async with Fetcher("Desk/1", delay=0, private=True) as fetcher:
            whole = await fetcher.get(site.url + "/")
            assert (whole.status, len(whole.data), whole.why) == (200, 1000, "")
            cut = await fetcher.get(site.url + "/", most=100)
            assert (cut.data, cut.why) == (b"", "larger than 100 bytes")
            same = await fetcher.get(site.url + "/", etag=whole.headers["etag"])
            assert same.status == 304
        assert site.asked[0][1]["user-agent"] == "Desk/1"
        assert site.asked[0][1]["host"] == site.url.removeprefix("http://")


async def test_a_network_that_fails_is_told_not_raised() -> None:
    async with Fetcher("x", delay=0, private=True) as fetcher:
        found = await fetcher.get("http://127.0.0.1:9/")
        assert found.status == 0
        assert found.why
        assert (await fetcher.get("http://nowhere.invalid/")).status == 0
