"""`frontdesk documents`: what is wrong with the documents that were ingested, for the people who keep them."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from dataclasses import asdict
from datetime import date
from typing import Any

from bot import conflicts
from bot.conflicts import Conflict
from channels import terminal
from channels.commands.ingest import Steps


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the actions of this command."""
    from channels.cli import common_options

    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, line in (
        ("conflicts", "sentences of two documents that answer the same question differently, with both places"),
        ("reviews", "documents past their review date, the longest first"),
    ):
        common_options(actions.add_parser(name, help=line, argument_default=argparse.SUPPRESS))


def run(args: argparse.Namespace) -> int:
    """0, whatever was found."""
    from retrieval.snapshot import load

    snapshot = load(args.settings.index)
    if args.action == "reviews":
        _reviews(snapshot)
        return 0
    with ExitStack() as bars:
        steps = Steps(bars)
        found = conflicts.find(snapshot, progress=lambda done, total: steps("comparing", done, total))
    for conflict in found:
        for line in conflicts.words(conflict):
            terminal.say(line)
    terminal.say(f"{len(found)} found among {len(snapshot.documents)} documents")
    if terminal.wants_json():
        terminal.emit({"conflicts": [as_json(conflict) for conflict in found]})
    return 0


def as_json(conflict: Conflict) -> dict[str, Any]:
    """A conflict as `--json` prints it."""
    said = asdict(conflict)
    for side in ("one", "other"):
        said[side]["updated"] = said[side]["updated"] and said[side]["updated"].isoformat()
    return said


def _reviews(snapshot: Any) -> None:
    today = date.today()
    due = [document for document in snapshot.documents.values() if document.past_review(today)]
    due.sort(key=lambda document: (document.review_by, document.collection, document.name))
    for document in due:
        terminal.say(f"{document.review_by}  {document.collection}/{document.name}: {document.title}")
    terminal.say(f"{len(due)} of {len(snapshot.documents)} documents are past their review date")
    if terminal.wants_json():
        told = [
            {
                "collection": document.collection,
                "document": document.name,
                "title": document.title,
                "review_by": document.review_by.isoformat(),
                "source": document.source,
            }
            for document in due
        ]
        terminal.emit({"reviews": told})
