"""`frontdesk ingest`: put documents into the index, and take out what is gone."""

from __future__ import annotations

import argparse
import re
import time
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot import conflicts
from bot.answering import units
from bot.botfile import find_data
from bot.engines import devices
from bot.errors import ConfigError
from bot.index import growth
from bot.lexicon import trade
from bot.settings import Settings
from channels import terminal
from retrieval import sections
from retrieval.types import Audience, IndexMade

SHOWN = 10
"""So many conflicts between documents are printed."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="folders and files (Markdown, HTML, plain text, PDF, DOCX, CSV lists of questions and answers)",
    )
    parser.add_argument(
        "--collection", default="default", metavar="NAME", help="where they go (default: default); bots name theirs"
    )
    parser.add_argument(
        "--audience",
        type=Audience,
        choices=list(Audience),
        metavar="{public,internal}",
        help="internal: customers never see any of them; a document's own front matter may say so too",
    )
    parser.add_argument(
        "--internal-title",
        type=_pattern,
        metavar="REGEX",
        help="documents in whose title the expression is found are internal; it is searched in the front matter's "
        "title, else in the first heading",
    )
    parser.add_argument(
        "--internal-section",
        type=_pattern,
        default=sections.INTERNAL,
        metavar="REGEX",
        help="sections of public documents in whose heading the expression is found are internal "
        "(default: those that say 'internal use only', 'not to disclose' and the like)",
    )


def run(args: argparse.Namespace) -> int:
    """0 when all that could be read went in, 1 when a document named an audience that there is not."""
    from retrieval.ingest import IngestReport, ingest

    started = time.perf_counter()
    with ExitStack() as bars:
        report: IngestReport = ingest(
            args.paths,
            args.settings.index,
            LazyEncoder(args.settings),
            collection=args.collection,
            audience=args.audience,
            internal_title=args.internal_title,
            internal_section=args.internal_section,
            concepts=trade.concepts(args.settings.bot or find_data()),
            cut=units.compared,
            growth=growth(args.settings),
            progress=Steps(bars),
        )
        found = conflicts.find(report.snapshot, report.fresh) if report.fresh else []
    manifest = report.snapshot.manifest
    result = {
        "collection": report.collection,
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "deleted": report.deleted,
        "broken": [{"file": file, "error": why} for file, why in report.broken],
        "public": report.public,
        "internal": report.internal,
        "internal_title_matches": report.title_matches,
        "index": {
            "snapshot": manifest.id,
            "documents": manifest.documents,
            "passages": manifest.passages,
            "public_documents": manifest.public_documents,
            "internal_documents": manifest.internal_documents,
            "made": asdict(manifest.made) if manifest.made else None,
        },
        "conflicts": len(found),
        "seconds": round(time.perf_counter() - started, 3),
    }
    if report.lost:
        terminal.complain(
            f"the index was damaged ({report.lost}); collections that are missing now must be ingested again"
        )
    for file, why in report.broken:
        terminal.complain(f"left out: {file}: {why}")
    if report.title_matches == 0:
        terminal.complain(
            f"--internal-title {args.internal_title.pattern!r} matched no title: it made nothing internal"
        )
    terminal.say(
        f"collection {report.collection}: {report.added} added, {report.changed} changed, "
        f"{report.unchanged} unchanged, {report.deleted} deleted, {len(report.broken)} broken"
    )
    terminal.say(f"documents read: {report.public} public, {report.internal} internal")
    terminal.say(
        f"index {manifest.id}: {manifest.documents} documents ({manifest.public_documents} public, "
        f"{manifest.internal_documents} internal), {manifest.passages} passages"
    )
    if manifest.made:
        terminal.say(told(manifest.made))
    for conflict in found[:SHOWN]:
        for line in conflicts.words(conflict):
            terminal.complain(line)
    if len(found) > SHOWN:
        terminal.complain(f"{len(found) - SHOWN} more conflicts; all of them: frontdesk documents conflicts")
    if terminal.wants_json():
        terminal.emit(result)
    return 1 if report.unknown_audience else 0


def told(made: IndexMade) -> str:
    """The index of the vectors in a line: its kind, why, and what it loses."""
    loss = "exact" if made.kind == "flat" else f"recall@10 {100 * made.recall:.1f} on {made.sample} questions"
    return f"vectors: {made.kind} ({loss}), {made.memory_mib:g} MiB; {made.why}"


class LazyEncoder:
    """The encoder for ingestion, loaded when the first text is encoded: nothing new, nothing loaded.

    Raises WeightsError when its weights are not there.
    """

    def __init__(self, settings: Settings) -> None:
        from bot.engines.encoder import folder_of
        from bot.engines.weights import Weights
        from retrieval.encoder import name_of

        devices.calm_threads()
        self._settings = settings
        self._path = folder_of(settings, Weights(settings))
        self._model: Any = None
        self.name = name_of(self._path)
        self.dimensions = _dimensions(self._path)

    def encode(self, texts: Any) -> Any:
        """As `retrieval.encoder.Encoder`."""
        if self._model is None:
            from retrieval.encoder import SentenceEncoder

            devices.prepare_torch(self._settings)
            self._model = SentenceEncoder(self._path, devices.pick(self._settings), name=self.name)
        return self._model.encode(texts)


def _dimensions(path: Path) -> int:
    import json

    try:
        return int(json.loads((path / "config.json").read_text(encoding="utf-8"))["hidden_size"])
    except (OSError, ValueError, KeyError) as error:
        raise ConfigError(f"{path} holds no encoder that can be used: {error}") from None


class Steps:
    """One bar for each step."""

    def __init__(self, bars: ExitStack) -> None:
        self._bars = bars
        self._steps: dict[str, tuple[Any, int]] = {}

    def __call__(self, step: str, done: int, total: int) -> None:
        if step not in self._steps:
            self._steps[step] = (self._bars.enter_context(terminal.progress(step, total)), 0)
        advance, before = self._steps[step]
        advance(done - before, total)
        self._steps[step] = (advance, done)


def _pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"not a regular expression: {error}") from None
