"""robots.txt, by the examples of RFC 9309 and what sites write besides."""

from __future__ import annotations

import time

import pytest

from bot.crawling.robots import parse

SITE = "https://shop.example"


def allows(text: str, path: str, agent: str = "FrontdeskCrawler") -> bool:
    return parse(text, agent).allows(SITE + path)


def test_the_longest_rule_wins_and_of_two_as_long_the_one_that_allows() -> None:
    text = "User-agent: *\nDisallow: /example/page/\nAllow: /example/page/disallowed.gif\nDisallow: /tie\nAllow: /tie\n"
    assert not allows(text, "/example/page/x")
    assert allows(text, "/example/page/disallowed.gif")
    assert allows(text, "/tie")
    assert allows(text, "/other")


def test_our_own_group_holds_instead_of_everybodys() -> None:
    text = "User-agent: *\nDisallow: /\n\nUser-agent: other\nUser-agent: frontdeskcrawler\nDisallow: /private\n"
    assert allows(text, "/help")
    assert not allows(text, "/private/x")
    assert not allows(text, "/help", agent="Unknown")


@pytest.mark.parametrize(
    ("rule", "path", "allowed"),
    [
        ("/*?sort=", "/help?sort=up", False),
        ("/*?sort=", "/help?page=2", True),
        ("/*.pdf$", "/a/b.pdf", False),
        ("/*.pdf$", "/a/b.pdf.html", True),
        ("/fish*", "/fishheads", False),
        ("/a*b*c$", "/a-b-c", False),
        ("/a*b*c$", "/a-c-b", True),
        ("/%7Ejoe", "/~joe/x", False),
        ("/a%2Fb", "/a/b", True),
        ("/帮助", "/%E5%B8%AE%E5%8A%A9/x", False),
        ("/$", "/", False),
        ("/$", "/x", True),
        ("", "/anything", True),
    ],
)
def test_wildcards_and_spellings(rule: str, path: str, allowed: bool) -> None:
    assert allows(f"User-agent: *\nDisallow: {rule}\n", path) is allowed


def test_delay_and_sitemaps_are_read_and_a_delay_without_end_is_not_kept() -> None:
    text = "\ufeffSitemap: https://shop.example/map.xml # all\nUser-agent: *\nCrawl-delay: 2.5\n"
    found = parse(text, "FrontdeskCrawler")
    assert (found.delay, found.sitemaps) == (2.5, ("https://shop.example/map.xml",))
    assert parse("User-agent: *\nCrawl-delay: 86400\n", "x").delay == 60
    assert parse("User-agent: *\nCrawl-delay: soon\n", "x").delay is None


def test_a_rule_made_to_take_for_ever_does_not() -> None:
    began = time.monotonic()
    assert allows("User-agent: *\nDisallow: /" + "*a" * 5000 + "b$\n", "/" + "a" * 4000)
    assert time.monotonic() - began < 2
