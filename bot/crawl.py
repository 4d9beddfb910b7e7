"""A site to files for ingestion, politely: what its robots.txt allows, one page after another, never off the host.

The first crawl writes a Markdown file for each page; later ones ask whether a page has changed, rewrite what has, and
remove what is gone. A site that does not answer changes nothing.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from urllib.parse import urljoin

from filelock import FileLock, Timeout

from bot.crawling import pages, robots
from bot.crawling.fetch import Fetched, Fetcher
from bot.crawling.kept import Kept
from bot.crawling.robots import Robots
from bot.errors import CrawlError

AGENT = "FrontdeskCrawler"
MOST_SITEMAPS = 50
FAILURES = 5
"""So many pages after each other that do not come, and the rest is left for another day."""
SAVE_EVERY = 20

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to crawl: `depth` links away from `url` or a sitemap's pages, at most so many pages and bytes, with `delay`
    seconds between two (or what the site asks for, if that is more). `private`: addresses inside a network too.
    """

    url: str
    depth: int = 5
    max_pages: int = 500
    max_bytes: int = 200_000_000
    delay: float = 1.0
    private: bool = False
    agent: str = ""


@dataclass(slots=True)
class CrawlReport:
    """What a crawl did, by address. `unchanged` counts pages; `left_out` are (address, why), `limited` says why it
    ended early, "" when it did not.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    left_out: list[tuple[str, str]] = field(default_factory=list)
    limited: str = ""
    requests: int = 0
    bytes: int = 0

    @property
    def anything(self) -> bool:
        """Whether there is something to ingest."""
        return bool(self.added or self.changed or self.removed)


async def crawl(plan: Plan, out: Path, progress: Progress | None = None) -> CrawlReport:
    """Bring `out` up to date with the site. `progress(done, known)` counts pages.

    Raises CrawlError when the start, or what the site asks of robots, cannot be had: nothing is changed then.
    """
    start = pages.normal(plan.url, page=False)
    if start is None:
        raise CrawlError(f"{plan.url!r} is not the address of a site: it begins with https:// or http://")
    try:
        with _alone(out):
            kept = Kept.load(out, start)
            agent = plan.agent or f"{AGENT}/{_version()}"
            async with Fetcher(agent, delay=plan.delay, private=plan.private) as fetcher:
                work = _Crawl(plan, kept, fetcher, agent=agent.partition("/")[0], progress=progress)
                return await work.run()
    except Timeout:
        raise CrawlError(f"{out} is being written by another crawl; try again when it is done") from None


def _alone(out: Path) -> FileLock:
    """The lock of a folder, made where there is none. Nobody waits for it: the other crawl may take hours."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CrawlError(f"{out} cannot be written: {error.strerror or error}") from None
    return FileLock(out / ".crawl.lock", timeout=0)


class _Crawl:
    """One crawl: `queue` has (address, depth), `seen` what was ever put there, `modified` what sitemaps say."""

    def __init__(self, plan: Plan, kept: Kept, fetcher: Fetcher, *, agent: str, progress: Progress | None) -> None:
        self.plan, self.start, self.kept, self.fetcher, self.agent = plan, kept.start, kept, fetcher, agent
        self.progress = progress
        self.report = CrawlReport()
        self.robots = Robots()
        self.queue: deque[tuple[str, int]] = deque()
        self.seen: set[str] = set()
        self.modified: dict[str, str] = {}
        self.digests = {record.digest: url for url, record in kept.pages.items()}

    async def run(self) -> CrawlReport:
        self.robots = await self._robots()
        self.fetcher.delay = max(self.plan.delay, self.robots.delay or 0.0)
        await self._begin()
        known = [url for url in self.kept.pages if url not in self.seen]
        done = failed = 0
        while self.queue or known:
            if not self.queue:  # pages that nothing leads to any more may be there all the same
                self._queue(known.pop(), self.plan.depth)
                continue
            self.report.limited = self._limit(done, failed)
            if self.report.limited:
                break
            url, depth = self.queue.popleft()
            failed = 0 if await self._page(url, depth) else failed + 1
            done += 1
            if done % SAVE_EVERY == 0:
                self.kept.save()
            if self.progress is not None:
                self.progress(done, done + len(self.queue))
        self.report.bytes = self.fetcher.taken
        self.kept.done()
        return self.report

    def _limit(self, done: int, failed: int) -> str:
        if done >= self.plan.max_pages:
            return f"{self.plan.max_pages} pages were looked at, and there are more"
        if self.fetcher.taken >= self.plan.max_bytes:
            return f"{self.plan.max_bytes:,} bytes were fetched, and there are more pages"
        return f"{failed} pages after each other did not come" if failed >= FAILURES else ""

    async def _robots(self) -> Robots:
        """What the site asks. One that cannot say is not crawled (RFC 9309, 2.3.1.4)."""
        url = urljoin(self.start, "/robots.txt")
        found = await self._get(url, most=robots.MOST_BYTES)
        for _ in range(5):
            target = urljoin(url, found.headers.get("location", ""))
            if found.status not in {301, 302, 303, 307, 308} or not pages.same_site(target, self.start):
                break
            url, found = target, await self._get(target, most=robots.MOST_BYTES)
        if found.status == 200:
            return robots.parse(found.data.decode("utf-8", "replace"), self.agent)
        if 300 <= found.status < 500 and found.status != 429:
            return robots.EVERYTHING
        why = found.why or f"status {found.status}"
        raise CrawlError(f"{url} cannot be had ({why}): whether the site may be crawled is not known; try again later")

    async def _begin(self) -> None:
        """The start, as a page or a sitemap, and what the site's own sitemaps list."""
        if not self.robots.allows(self.start):
            raise CrawlError(f"the site's robots.txt does not allow {self.start} for {self.agent}")
        found = await self._get(self.start)
        listed = pages.sitemap(found.data) if found.status == 200 else None
        if listed is None:
            where = urljoin(self.start, found.headers.get("location", ""))
            if 300 <= found.status < 400 and not pages.same_site(where, self.start):
                raise CrawlError(f"{self.start} leads to {where}: if that is what you want, crawl that")
            if found.status != 200 and not 300 <= found.status < 400:
                raise CrawlError(f"{self.start} cannot be had: {found.why or f'status {found.status}'}")
            self.seen.add(self.start)
            await self._took(self.start, 0, found)
            await self._sitemaps(list(self.robots.sitemaps))
        else:
            self._listed(listed[1])
            await self._sitemaps(listed[0])

    async def _sitemaps(self, urls: list[str]) -> None:
        asked: set[str] = set()
        while urls and len(asked) < MOST_SITEMAPS:
            url = urljoin(self.start, urls.pop(0))
            if url in asked or not pages.same_site(url, self.start):
                continue
            asked.add(url)
            found = await self._get(url, most=pages.SITEMAP_BYTES)
            listed = pages.sitemap(found.data) if found.status == 200 else None
            if listed is None:
                self.report.left_out.append((url, found.why or f"is no sitemap (status {found.status})"))
                continue
            urls += listed[0]
            self._listed(listed[1])

    def _listed(self, found: list[tuple[str, str]]) -> None:
        for url, modified in found:
            normal = pages.normal(url, self.start)
            if normal is not None:
                self.modified[normal] = modified
                self._queue(normal, 0)

    def _queue(self, url: str, depth: int) -> None:
        if url in self.seen or depth > self.plan.depth or not pages.same_site(url, self.start):
            return
        self.seen.add(url)
        if self.robots.allows(url):
            self.queue.append((url, depth))
        else:
            self._lost(url, "robots.txt does not allow it")

    async def _page(self, url: str, depth: int) -> bool:
        """Fetch a page and keep it; False when the site did not answer."""
        known = self.kept.pages.get(url) if self.kept.has(url) else None
        found = await self._get(url, etag=known.etag if known else "", since=known.since if known else "")
        return await self._took(url, depth, found)

    async def _took(self, url: str, depth: int, found: Fetched) -> bool:
        """Make of a response what it means for the page."""
        if found.status == 304 and url in self.kept.pages:
            self.report.unchanged += 1
            self._follow(self.kept.pages[url].links, depth)
        elif 300 <= found.status < 400 and found.headers.get("location"):
            target = pages.normal(found.headers["location"], url)
            if target is None or not pages.same_site(target, self.start):
                self._lost(url, "leads to another host")
            else:
                self._lost(url, "")
                self._queue(target, depth)
        elif found.status in {404, 410}:
            self._lost(url, "" if url in self.kept.pages else f"status {found.status}")
        elif found.status != 200 or found.why:
            self.report.left_out.append((url, found.why or f"status {found.status}"))
            return found.status not in {0, 429} and found.status < 500
        elif "html" not in found.headers.get("content-type", "text/html"):
            self._lost(url, "is no page")
        else:
            tag = found.headers.get("x-robots-tag", "")
            page = await asyncio.to_thread(pages.read, found.data, url, tag)
            await asyncio.to_thread(self._keep, url, depth, page, dict(found.headers))
        return True

    def _keep(self, url: str, depth: int, page: pages.Page | None, headers: dict[str, str]) -> None:
        self._follow(page.links if page else (), depth)
        if page is None or not page.listed:
            self._lost(url, "has no text" if page is None else "asks not to be kept (noindex)")
            return
        first = self.digests.setdefault(page.digest, url)
        if first != url and first in self.kept.pages:
            self._lost(url, f"says the same as {first}")
            return
        new = url not in self.kept.pages
        if self.kept.put(url, page, headers, self.modified.get(url, "")):
            (self.report.added if new else self.report.changed).append(url)
        else:
            self.report.unchanged += 1

    def _follow(self, links: tuple[str, ...], depth: int) -> None:
        for link in links:
            self._queue(link, depth + 1)

    def _lost(self, url: str, why: str) -> None:
        """What was kept of a page is removed; one that never was is told, if there is something to tell."""
        if url in self.kept.pages:
            self.kept.drop(url)
            self.report.removed.append(url)
        elif why:
            self.report.left_out.append((url, why))

    async def _get(self, url: str, *, etag: str = "", since: str = "", most: int = 5_000_000) -> Fetched:
        self.report.requests += 1
        return await self.fetcher.get(url, etag=etag, since=since, most=most)


def _version() -> str:
    try:
        return metadata.version("frontdesk")
    except metadata.PackageNotFoundError:
        return "0"
