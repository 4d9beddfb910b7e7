"""`eval retrieval`: the product's own ingestion and hybrid search, over queries with what is relevant to them."""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from bot.answering import follow
from bot.botfile import find_data
from bot.engines import tables
from bot.engines.base import Encoder
from bot.errors import ConfigError
from bot.index import Blocking
from bot.lexicon import trade
from bot.settings import Settings
from finetune.evals import measures, options
from finetune.evals.judging import Line, names
from finetune.evals.measures import Measure
from finetune.evals.results import Bar, Result, digest, finished, folder
from finetune.evals.rows import Row, RowError, read
from retrieval import evaluate, hybrid
from retrieval.ingest import ingest
from retrieval.types import Audience, Block, Document, Filters, Hit, Manifest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.snapshot import Snapshot

K = 10
DEPTH = 50
"""So many passages are looked at for ten different documents."""
How = Literal["hybrid", "dense", "sparse"]


class Query(Row):
    """A query and the names of the documents (or ids of the passages) that are relevant to it."""

    query: str = Field(min_length=1)
    relevant: tuple[str | int, ...] = Field(min_length=1)
    history: tuple[Line, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(str(name) for name in self.relevant)


class Text(Row):
    """A passage of a pool."""

    id: str | int = Field()
    text: str = Field(min_length=1)
    title: str = ""
    language: Literal["en", "zh"] = "en"


@dataclass(frozen=True, slots=True)
class Ranked:
    """The names that a query found, best first, and how long encoding and searching took."""

    query: Query
    names: tuple[str, ...]
    ms: float


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval retrieval`."""
    add = parser.add_argument
    add("--docs", type=Path, required=True, metavar="DIR_OR_JSONL", help='documents, or {"id","text"} a line')
    add("--queries", type=Path, required=True, metavar="FILE", help='{"query","relevant":[name or id, ...]} a line')
    add(
        "--search", choices=["hybrid", "dense", "sparse"], default="hybrid", help="both sides, or one (default: hybrid)"
    )
    add("--audience", choices=list(Audience), type=Audience, default=Audience.PUBLIC, help="who searches")
    options.internal(parser)
    options.model(parser, "--encoder", "another encoder than the one that is served")


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """Recall at 1, 5 and 10, MRR and nDCG at 10; `ms_p50` is encoding and searching, one query at a time."""
    began = time.perf_counter()
    settings: Settings = args.settings
    queries = options.chosen(read(args.queries, Query), args)
    manifest, ranked = asyncio.run(_searched(args, queries, bar))
    found = {
        **measures.printed(scores(ranked)),
        "ms_p50": round(median(each.ms for each in ranked), 2),
        "n": len(ranked),
        "documents": manifest.documents,
        "passages": manifest.passages,
    }
    told = {"docs": args.docs.name, "search": args.search, **options.told(args)}
    if args.docs.is_file():
        told["docs_sha256"] = digest(args.docs)
    return finished(
        "retrieval",
        found,
        file=args.queries,
        began=began,
        versions={"encoder": manifest.encoder, "index": manifest.id},
        settings=settings,
        options=told,
    )


def scores(ranked: Sequence[Ranked]) -> dict[str, Measure]:
    """The metrics of all queries."""
    rankings = [(each.names, each.query.names) for each in ranked]
    found = {f"recall@{k}": [evaluate.recall_at(k, *pair) for pair in rankings] for k in (1, 5, 10)}
    found["mrr@10"] = [evaluate.reciprocal_rank(*pair, 10) for pair in rankings]
    found["ndcg@10"] = [evaluate.ndcg_at(10, names, dict.fromkeys(wanted, 1.0)) for names, wanted in rankings]
    return {name: measures.average(values) for name, values in found.items()}


def reciprocal_ranks(args: argparse.Namespace, bar: Bar) -> tuple[str, list[float]]:
    """(name, reciprocal rank at 10 of each query) of the encoder that the arguments name."""
    queries = options.chosen(read(args.queries, Query), args)
    manifest, ranked = asyncio.run(_searched(args, queries, bar))
    return manifest.encoder, [evaluate.reciprocal_rank(each.names, each.query.names, K) for each in ranked]


async def _searched(args: argparse.Namespace, queries: Sequence[Query], bar: Bar) -> tuple[Manifest, list[Ranked]]:
    settings: Settings = args.settings
    weights = options.weights(settings, {"encoder": args.encoder})
    encoder: Encoder = tables.create("encoder", settings.engines.encoder, settings=settings, weights=weights)
    await encoder.start()
    try:
        blocking = Blocking(encoder, asyncio.get_running_loop())
        with _place(args) as place, bar("indexing", None) as advance:
            snapshot = await asyncio.to_thread(_index, args, place, blocking, advance)
        queries = [_resolved(args.queries, query, snapshot, args.audience) for query in queries]
        filters = Filters(audience=args.audience)
        await _ranked(queries[0], snapshot, encoder, filters, args.search)  # a first search loads dictionaries
        ranked = []
        with bar("searching", len(queries)) as advance:
            for query in queries:
                ranked.append(await _ranked(query, snapshot, encoder, filters, args.search))
                advance()
        return snapshot.manifest, ranked
    finally:
        await encoder.close()


@contextmanager
def _place(args: argparse.Namespace) -> Iterator[Path]:
    """Where the index is made: kept in HOME/evals where a home was named, so that it is not made again."""
    if args.home is None:
        with tempfile.TemporaryDirectory(prefix="frontdesk-eval-") as made:
            yield Path(made)
        return
    yield folder(args.settings) / f"index-{options.name_of(args.docs)}"


def _index(args: argparse.Namespace, place: Path, encoder: Blocking, advance: Callable[..., None]) -> Snapshot:
    from retrieval import snapshot as snapshots

    at = 0

    def progress(done: int, total: int) -> None:
        nonlocal at
        advance(done - at, total)
        at = done

    concepts = trade.concepts(args.settings.bot or find_data())
    if args.docs.is_dir():
        title = options.pattern(args.internal_title)
        report = ingest(
            [args.docs],
            place,
            encoder,
            collection="eval",
            internal_title=re.compile(title) if title else None,
            concepts=concepts,
            progress=lambda step, done, total: progress(done, total) if step == "encoding" else None,
        )
        if not report.snapshot.passages:
            raise ConfigError(f"{args.docs} holds no documents that can be read")
        return report.snapshot
    texts = read(args.docs, Text)
    known: dict[str, int] = {}
    for text in texts:
        if known.setdefault(str(text.id), text.line) != text.line:
            raise RowError(f"{args.docs}, line {text.line}: id: {text.id!r} is that of line {known[str(text.id)]} too")
    place.mkdir(parents=True, exist_ok=True)
    previous = snapshots.load(place) if snapshots.current(place) else None
    return snapshots.build(place, map(_page, texts), encoder, previous, progress=progress, concepts=concepts)


def _page(text: Text) -> Document:
    """A pool's passage as a document of one paragraph; without a title it has none to be found by."""
    block = Block("paragraph", 0, len(text.text))
    version = hashlib.sha256(f"{text.id}\0{text.title}\0{text.text}".encode()).hexdigest()[:32]
    return Document("eval", str(text.id), version, text.title, text.text, (block,), text.language)


def _resolved(file: Path, query: Query, snapshot: Snapshot, audience: Audience) -> Query:
    """The query with its documents' names as the index has them.

    A document that is not there, or that nobody may find, would count as not found for ever. Raises RowError.
    """
    found = [
        _one(name, snapshot, f"{file}, line {query.line}: relevant: {name!r}", audience)
        for name in map(str, query.relevant)
    ]
    return query.model_copy(update={"relevant": tuple(found)})


def _one(name: str, snapshot: Snapshot, where: str, audience: Audience) -> str:
    documents = snapshot.documents
    exact = [("eval", name)] if ("eval", name) in documents else [key for key in documents if names(name, key)]
    if len(exact) != 1:
        told = f"may be {exact[0][1]!r} or {exact[1][1]!r}" if exact else "is not among the documents"
        raise RowError(f"{where} {told}")
    if audience is Audience.PUBLIC and documents[exact[0]].audience is Audience.INTERNAL:
        raise RowError(f"{where} is internal, and customers never find it; search with --audience internal")
    return exact[0][1]


async def _ranked(query: Query, snapshot: Snapshot, encoder: Encoder, filters: Filters, how: How) -> Ranked:
    began = time.perf_counter()
    asked = follow.query(query.query, [(line.role, line.text) for line in query.history])
    hits = await _search(asked, snapshot, encoder, filters, how)
    ms = (time.perf_counter() - began) * 1000
    return Ranked(query, tuple(dict.fromkeys(hit.passage.document for hit in hits))[:K], ms)


async def _search(
    asked: follow.Query, snapshot: Snapshot, encoder: Encoder, filters: Filters, how: How
) -> Sequence[Hit]:
    if how == "sparse":
        rows, scores_ = snapshot.sparse.search(asked.text, DEPTH, snapshot.allowed(filters))
    else:
        vector = await _vector(asked, encoder)
        if how == "hybrid":
            return hybrid.search(snapshot, asked.text, vector, DEPTH, filters, context=asked.context)
        rows, scores_ = snapshot.dense.search(vector, DEPTH, snapshot.allowed(filters))
    return [Hit(snapshot.passages[row], float(score)) for row, score in zip(rows, scores_, strict=True)]


async def _vector(asked: follow.Query, encoder: Encoder) -> NDArray[np.float32]:
    """As `bot.answering.find.Finder` weighs the parts of a query."""
    import numpy as np

    vectors = await encoder.encode([text for text, _ in asked.parts])
    vector = np.array([weight for _, weight in asked.parts], np.float32) @ vectors
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9), np.float32)
