"""Which versions of its models a process serves: those that were promoted last, taken while turns go on.

A new version is loaded beside the old one and used from the next turn on; turns in flight end on the old one, which is
then closed. One that cannot be loaded leaves the old one where it is: `trouble` says so until another is promoted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from bot.engines.registry import BUILT_IN, KINDS, Registry, weights_with
from bot.engines.swap import Swap
from bot.engines.weights import Weights
from bot.errors import FrontdeskError
from bot.settings import Settings
from bot.store.base import Store

log = logging.getLogger(__name__)

Make = Callable[[str, str, Weights], Any]
"""(part, version, weights) to an engine that is not started."""


class Served:
    """`swaps` are the engines that can be replaced, by part; `make` makes another for a part. `now` has the version of
    each kind that was promoted, as it is served; `trouble` says, by kind, why something else is.
    """

    def __init__(self, store: Store, settings: Settings, swaps: Mapping[str, Swap], make: Make) -> None:
        self.now: dict[str, str] = {}
        self.trouble: dict[str, str] = {}
        self._registry = Registry(store, settings)
        self._settings, self._swaps, self._make = settings, swaps, make
        self._refused: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def begin(self) -> None:
        """Before the engines are started: put the promoted versions in the place of the manifest's."""
        for kind, version in (await self._registry.serving()).items():
            if version == BUILT_IN:
                continue
            try:
                fresh = await self._fresh(kind, version)
                await fresh.start()
            except FrontdeskError as error:
                self._refuse(kind, version, f"{error}; what the manifest names is served instead")
            else:
                self._swaps[KINDS[kind].part].place(fresh)
                self._is_served(kind, version)

    async def follow(self) -> list[str]:
        """Take what was promoted or rolled back since. Returns the kinds that were swapped; never raises for a version
        that cannot be loaded, only StoreError."""
        async with self._lock:
            wanted = await self._registry.serving()
            return [kind for kind, version in wanted.items() if await self._follow(kind, version)]

    async def _follow(self, kind: str, version: str) -> bool:
        if version in (self.now.get(kind, BUILT_IN), self._refused.get(kind)):
            if version == self.now.get(kind, BUILT_IN):  # what could not be loaded was rolled back
                self.trouble.pop(kind, None)
                self._refused.pop(kind, None)
            return False
        if not KINDS[kind].live:
            self._refuse(kind, version, "it is taken at the next start, when the documents are encoded with it")
            return False
        try:
            fresh = await self._fresh(kind, version)
            await self._swaps[KINDS[kind].part].take(fresh)
        except FrontdeskError as error:
            self._refuse(kind, version, f"{error}; the one before is served")
            return False
        self._is_served(kind, version)
        return True

    async def _fresh(self, kind: str, version: str) -> Any:
        found = KINDS[kind]
        if found.part not in self._swaps:
            raise FrontdeskError(f"no engine of this installation reads a {kind}")
        folders = {}
        if version != BUILT_IN:
            folders = {found.entry: await asyncio.to_thread(self._registry.folder, kind, version)}
        weights = await asyncio.to_thread(weights_with, self._settings, folders)
        return self._make(found.part, version, weights)

    def _is_served(self, kind: str, version: str) -> None:
        self.now[kind] = version
        self.trouble.pop(kind, None)
        self._refused.pop(kind, None)
        log.info("serving the %s %s", kind, version[:12] or "that the manifest names")

    def _refuse(self, kind: str, version: str, why: str) -> None:
        self._refused[kind] = version
        self.trouble[kind] = f"{version[:12] or 'the built-in one'} is not served: {why}"
        log.error("%s %s", kind, self.trouble[kind])
