"""The sites that `[[crawl]]` in bot.toml names: crawled when it is time, and ingested beside the bot's documents."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from bot.botfile import BotFile, CrawlSource, DocumentSource
from bot.crawl import Plan, crawl
from bot.crawling.kept import STATE, Kept
from bot.crawling.pages import normal
from bot.engines.base import Encoder
from bot.errors import CrawlError, FrontdeskError
from bot.index import IndexHolder, prepare
from bot.settings import Settings

log = logging.getLogger(__name__)

AFTER_TROUBLE = 3600.0
"""Seconds until a site that could not be crawled is tried again, if it is not due sooner."""
LONGEST_SLEEP = 600.0


class Crawled:
    """One bot's sites. `clock` tells the time in seconds since 1970."""

    def __init__(
        self,
        settings: Settings,
        botfile: BotFile,
        index: IndexHolder,
        encoder: Encoder,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings, self._botfile, self._index, self._encoder = settings, botfile, index, encoder
        self._clock = clock
        self._not_before: dict[str, float] = {}

    def folder(self, source: CrawlSource) -> Path:
        """Where the pages of a site lie: in the home folder, by its host and a digest of its address."""
        host = re.sub(r"[^\w.-]+", "-", urlsplit(source.url).netloc)
        return self._settings.home / "crawl" / f"{host}-{hashlib.sha256(source.url.encode()).hexdigest()[:8]}"

    def botfile(self) -> BotFile:
        """The bot with what was crawled so far among its documents."""
        found = tuple(
            DocumentSource(path=self.folder(source).resolve(), collection=source.collection, audience=source.audience)
            for source in self._botfile.crawl
            if (self.folder(source) / STATE).is_file()
        )
        return self._botfile.model_copy(update={"documents": (*self._botfile.documents, *found)})

    async def round(self) -> float:
        """Crawl what is due, and serve what changed. Gives the seconds until something is due again.

        Turns that are under way keep the index that they began with. A site that cannot be crawled stays as it was.
        """
        for source in self._botfile.crawl:
            if self._due(source) <= self._clock():
                await self._one(source)
        soonest = min((self._due(source) for source in self._botfile.crawl), default=self._clock() + LONGEST_SLEEP)
        return min(max(soonest - self._clock(), 1.0), LONGEST_SLEEP)

    async def _one(self, source: CrawlSource) -> None:
        plan = Plan(source.url, source.depth, source.max_pages, source.max_bytes, source.delay, source.private)
        self._not_before[source.url] = self._clock() + min(AFTER_TROUBLE, source.every)
        try:
            report = await crawl(plan, self.folder(source))
        except CrawlError as error:
            log.warning("not crawled: %s", error)
            return
        counts = (len(report.added), len(report.changed), len(report.removed), report.unchanged)
        log.info("crawled %s: %d added, %d changed, %d removed, %d unchanged", source.url, *counts)
        if report.limited:
            log.warning("the crawl of %s ended early: %s", source.url, report.limited)
        if report.anything or self._index.id is None:
            await prepare(self._index, self.botfile(), self._encoder)
        del self._not_before[source.url]

    def _due(self, source: CrawlSource) -> float:
        """When, in seconds since 1970."""
        try:
            kept = Kept.load(self.folder(source), normal(source.url, page=False) or source.url)
            last = datetime.fromisoformat(kept.finished).timestamp() if kept.finished else 0.0
        except (FrontdeskError, ValueError):
            last = 0.0  # the crawl itself says what is wrong
        return max(last + source.every if last else 0.0, self._not_before.get(source.url, 0.0))
