"""The index that a bot answers from: loaded once, swapped when there is a newer one, made when it is stale."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.answering import units
from bot.botfile import BotFile, DocumentSource
from bot.engines.base import Encoder
from bot.errors import SnapshotError
from bot.lexicon import trade
from bot.settings import Settings
from retrieval import sections
from retrieval import snapshot as snapshots
from retrieval.concepts import Concepts
from retrieval.grow import Growth
from retrieval.snapshot import Snapshot
from retrieval.texts import write_whole
from retrieval.types import Audience

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

STAMP = "documents.json"
"""Beside the snapshots: what the bot's documents were when they were last ingested."""

Progress = Callable[[str, int, int], None]


def growth(settings: Settings) -> Growth:
    """When the index becomes another, as the settings say."""
    search = settings.search
    return Growth(search.index, search.hnsw_from, search.memory_mib, search.recall)


class IndexHolder:
    """The snapshot that answers come from. A turn keeps the one that it began with, whatever is swapped meanwhile.

    `growth` is what it is made with where it is made here, `gpu` whether its vectors go to a GPU where there is one.
    """

    def __init__(self, path: Path, growth: Growth | None = None, *, gpu: bool = False) -> None:
        self.path = path
        self.growth = growth or Growth()
        self._gpu = gpu
        self._snapshot: Snapshot | None = None
        self._lock = threading.Lock()

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot in memory. SnapshotError when none was loaded."""
        if self._snapshot is None:
            raise SnapshotError(f"there is no index in {self.path} yet; make one with: frontdesk ingest PATH")
        return self._snapshot

    @property
    def id(self) -> str | None:
        return self._snapshot.manifest.id if self._snapshot is not None else None

    def reload_if_changed(self) -> bool:
        """Load the current snapshot if it is another than the one in memory; True when it was swapped.

        Blocks while it reads (call it in a thread). A snapshot that is damaged is not swapped in: SnapshotError.
        """
        with self._lock:
            current = snapshots.current(self.path)
            if current is None or current == self.id:
                return False
            self._snapshot = snapshots.load(self.path, current, gpu=self._gpu)
            log.info("index %s is in use", current)
            return True


class Blocking:
    """An encoder engine as `retrieval.encoder.Encoder`: called in a thread, run on the engines' event loop."""

    def __init__(self, encoder: Encoder, loop: asyncio.AbstractEventLoop) -> None:
        self.name = encoder.name
        self.dimensions = encoder.dimensions
        self._encoder = encoder
        self._loop = loop

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return asyncio.run_coroutine_threadsafe(self._encoder.encode(texts), self._loop).result()


async def prepare(holder: IndexHolder, botfile: BotFile, encoder: Encoder, progress: Progress | None = None) -> None:
    """Ingest the bot's documents if they are not in the index as they are now, and load it. The encoder is started.

    A bot that names no documents answers from what `frontdesk ingest` put there, if anything.
    """
    blocking = Blocking(encoder, asyncio.get_running_loop())
    await asyncio.to_thread(_prepare, holder, botfile, blocking, progress)


def _prepare(holder: IndexHolder, botfile: BotFile, encoder: Blocking, progress: Progress | None) -> None:
    if botfile.documents:
        concepts = trade.concepts(botfile.folder)
        now = _fingerprint(botfile, encoder.name, concepts, holder.growth)
        if _stamp(holder.path) != now or not _loads(holder):
            for source in botfile.documents:
                _ingest(holder, source, encoder, concepts, progress)
            _remember(holder.path / STAMP, now)
    holder.reload_if_changed()


def _ingest(
    holder: IndexHolder, source: DocumentSource, encoder: Blocking, concepts: Concepts, progress: Progress | None
) -> None:
    from retrieval.ingest import ingest

    report = ingest(
        [source.path],
        holder.path,
        encoder,
        collection=source.collection,
        audience=Audience(source.audience) if source.audience else None,
        internal_title=re.compile(source.internal_title) if source.internal_title else None,
        internal_section=re.compile(source.internal_section) if source.internal_section else sections.INTERNAL,
        concepts=concepts,
        cut=units.compared,
        growth=holder.growth,
        progress=progress,
    )
    for file, reason in report.broken:
        log.warning("not ingested: %s: %s", file, reason)
    log.info("collection %s: %d public and %d internal documents", source.collection, report.public, report.internal)


def _loads(holder: IndexHolder) -> bool:
    """Whether the current snapshot is there and whole; a damaged one is made anew."""
    try:
        holder.reload_if_changed()
    except SnapshotError as error:
        log.warning("the index is made anew: %s", error)
        return False
    return holder.id is not None


def _remember(stamp: Path, fingerprint: str) -> None:
    """Without room for it the documents are looked through again at the next start."""
    try:
        write_whole(stamp, json.dumps({"fingerprint": fingerprint}))
    except OSError as error:
        log.warning("%s cannot be written: %s", stamp, error.strerror)


def _stamp(index: Path) -> str | None:
    try:
        stamp: str | None = json.loads((index / STAMP).read_text(encoding="utf-8")).get("fingerprint")
    except (OSError, ValueError, AttributeError):
        return None
    return stamp


def _fingerprint(botfile: BotFile, encoder: str, concepts: Concepts, growth: Growth) -> str:
    """A digest of the documents' bytes, how they are ingested and indexed, and the encoder."""
    digest = hashlib.sha256(encoder.encode())
    digest.update(f"{snapshots.INDEXING}{sorted(concepts.means.items())}{growth}".encode())
    for source in botfile.documents:
        digest.update(repr(source).encode())
        files = sorted(source.path.rglob("*")) if source.path.is_dir() else [source.path]
        for file in files:
            if file.is_file() and not file.name.startswith("."):
                digest.update(str(file.relative_to(source.path.parent)).encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
