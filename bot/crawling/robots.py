"""What a site asks of robots (RFC 9309), with the crawl delay that many write beside it.

The rules of the group that names our agent hold, else those for everybody; among its rules the longest that matches,
and of two as long the one that allows. "*" stands for anything, "$" for the address's end.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

MOST_BYTES = 512_000
LONGEST_DELAY = 60.0
"""A site that asks for more seconds between two pages gets this."""


@dataclass(frozen=True, slots=True)
class Robots:
    """`rules` are (allowed, pattern) for our agent; `delay` seconds, None when nothing is asked."""

    rules: tuple[tuple[bool, str], ...] = ()
    delay: float | None = None
    sitemaps: tuple[str, ...] = ()

    def allows(self, url: str) -> bool:
        """Whether a page may be fetched."""
        parts = urlsplit(url)
        path = _plain(parts.path or "/") + (f"?{_plain(parts.query)}" if parts.query else "")
        found = [(len(pattern), allowed) for allowed, pattern in self.rules if _matches(pattern, path)]
        return max(found)[1] if found else True


EVERYTHING = Robots()
"""Of a site without such a file."""


def parse(text: str, agent: str) -> Robots:
    """A robots.txt as it holds for `agent`, the name before the slash of our User-Agent."""
    groups: list[tuple[set[str], list[tuple[bool, str]], list[float]]] = []
    sitemaps: list[str] = []
    naming = False
    for key, value in _lines(text[:MOST_BYTES]):
        if key == "sitemap":
            sitemaps.append(value)
        elif key == "user-agent":
            if not naming:
                groups.append((set(), [], []))
            groups[-1][0].add(value.lower().partition("/")[0])
            naming = True
        elif groups:
            naming = False
            if key in {"allow", "disallow"} and value:
                groups[-1][1].append((key == "allow", _plain(value)))
            elif key == "crawl-delay" and re.fullmatch(r"\d{1,6}(?:\.\d{1,6})?", value):
                groups[-1][2].append(float(value))
    ours = [group for group in groups if agent.lower() in group[0]] or [group for group in groups if "*" in group[0]]
    delays = [min(delay, LONGEST_DELAY) for group in ours for delay in group[2]]
    return Robots(tuple(rule for group in ours for rule in group[1]), max(delays, default=None), tuple(sitemaps))


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.lstrip("\ufeff").splitlines():
        key, colon, value = line.partition("#")[0].partition(":")
        if colon:
            yield key.strip().lower(), value.strip()


def _plain(path: str) -> str:
    """One spelling of an address: "%7e" and "~" are the same, "%2F" and "/" are not."""
    return quote(unquote(path.replace("%2F", "%252F").replace("%2f", "%252F")), safe="/*$?=&;:@+,!~'()%")


def _matches(pattern: str, path: str) -> bool:
    """A rule's own wildcards; without them it is how the path begins. Each part is looked for once, from the left."""
    ends = pattern.endswith("$")
    first, *parts = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    at = len(first)
    if not parts:
        return not ends or at == len(path)
    last = parts.pop() if ends else ""
    for part in parts:
        at = path.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return not ends or (path.endswith(last) and len(path) - len(last) >= at)
