"""`frontdesk search`: what the index finds, for one text or a file of them."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from bot.engines import devices
from bot.errors import QueryError, SnapshotError
from channels import terminal
from channels.commands.ingest import LazyEncoder
from retrieval.types import Audience, Filters, Hit

SHOWN = 300


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="what to look for")
    parser.add_argument(
        "--file", type=Path, metavar="QUERIES", help='many at once: JSON lines with "id" and "query"; one object a line'
    )
    parser.add_argument("--k", type=int, default=10, metavar="N", help="how many hits at most (default: 10)")
    parser.add_argument(
        "--audience",
        type=Audience,
        choices=list(Audience),
        default=Audience.PUBLIC,
        metavar="{public,internal}",
        help="public (the default) sees what customers see; internal sees both",
    )
    parser.add_argument("--collection", metavar="NAME", help="search this collection only (default: all)")


def run(args: argparse.Namespace) -> int:
    """0 when the search was done, whatever it found."""
    from retrieval import snapshot as snapshots

    if (args.text is None) == (args.file is None):
        raise QueryError("give either a text to look for or --file QUERIES")
    if args.k < 1:
        raise QueryError(f"--k is {args.k}; it must be at least 1")
    collections = None if args.collection is None else frozenset({args.collection})
    filters = Filters(collections=collections, audience=args.audience)
    devices.calm_threads()
    snapshot = snapshots.load(args.settings.index)
    snapshot.check(filters)
    encoder = LazyEncoder(args.settings)
    if snapshot.manifest.encoder != encoder.name:
        raise SnapshotError(
            f"the index was made with the encoder {snapshot.manifest.encoder} and the one here is {encoder.name}; "
            "ingest the documents again"
        )
    queries = list(read_queries(args.file)) if args.file else [(None, args.text)]
    _search(
        snapshot, encoder, "ready 就绪", 1, filters
    )  # loading models and dictionaries is not part of a search's time
    for id, query in queries:
        found = _search(snapshot, encoder, query, args.k, filters)
        if args.file:
            terminal.emit({"id": id, **found})
        elif terminal.wants_json():
            terminal.emit(found)
        else:
            _show(found)
    return 0


def _search(snapshot: Any, encoder: LazyEncoder, query: str, k: int, filters: Filters) -> dict[str, Any]:
    from retrieval.hybrid import search

    started = time.perf_counter()
    hits = search(snapshot, query, encoder.encode([query])[0], k, filters)
    return {"hits": [_hit(hit) for hit in hits], "ms": round((time.perf_counter() - started) * 1000, 3)}


def _hit(hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "document": passage.document,
        "title": passage.title,
        "passage": passage.text,
        "score": round(hit.score, 6),
        "start": passage.start,
        "end": passage.end,
        **({"past_review": str(passage.review_by)} if passage.past_review(date.today()) else {}),
    }


def _show(found: dict[str, Any]) -> None:
    for number, hit in enumerate(found["hits"], start=1):
        text = " ".join(hit["passage"].split())
        late = f" (to be reviewed by {hit['past_review']})" if "past_review" in hit else ""
        terminal.say(f"{number}. {hit['title']}  [{hit['document']}, {hit['score']:.3f}]{late}")
        terminal.say(f"   {text[:SHOWN]}{'…' if len(text) > SHOWN else ''}")
    terminal.say(f"{len(found['hits'])} found in {found['ms']:.0f} ms")


def read_queries(file: Path) -> Iterator[tuple[Any, str]]:
    """The (id, query) of each line. Raises QueryError that names the line that is wrong."""
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise QueryError(f"{file} cannot be read: {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
        except ValueError as error:
            raise QueryError(f"{file}, line {number} is not JSON: {error}") from None
        if not isinstance(said, dict) or "id" not in said or not isinstance(said.get("query"), str):
            raise QueryError(f'{file}, line {number} must be an object with "id" and a text "query"')
        yield said["id"], said["query"]
