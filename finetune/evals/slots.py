"""`eval slots`: how many of the values that customers give are found, word for word."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.engines import tables
from bot.engines.base import Tagged
from bot.settings import Settings
from finetune.evals import measures, options
from finetune.evals.measures import Measure
from finetune.evals.results import Bar, Result, finished
from finetune.evals.rows import some
from finetune.slots import counts
from finetune.slots_data import Mark, Message, read

Pair = tuple[Sequence[Tagged], Sequence[Mark]]


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval slots`."""
    parser.add_argument(
        "--data", type=Path, required=True, metavar="FILE", help="Restaurant8k's JSON, or a bot's nlu.yml with entities"
    )
    options.model(parser, "--model", "what `train slots` wrote (default: the bot's)")


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """Precision, recall and F1 of whole values, over all and by slot."""
    began = time.perf_counter()
    rows = some(read(args.data), args.limit)
    name, found = asyncio.run(_tag(args.settings, args.model, rows, bar))
    pairs: list[Pair] = list(zip(found, (row.marks for row in rows), strict=True))
    labels = sorted({mark[0] for row in rows for mark in row.marks})
    figures: dict[str, Any] = {
        **measures.printed(scores(pairs)),
        "n": len(rows),
        "kinds": {label: {**measures.printed(scores(pairs, label)), "n": counts(pairs, label)[2]} for label in labels},
    }
    told = {"limit": args.limit, "model": args.model and args.model.name}
    return finished(
        "slots", figures, file=args.data, began=began, versions={"tagger": name}, settings=args.settings, options=told
    )


def scores(pairs: Sequence[Pair], label: str | None = None) -> dict[str, Measure]:
    """A value is right when its slot and both its ends are. Intervals are over the messages."""
    each = [counts([pair], label) for pair in pairs]
    right, found, wanted = (list(column) for column in zip(*each, strict=True))
    return {
        "f1": measures.quotient([2 * at for at in right], [sum(two) for two in zip(found, wanted, strict=True)]),
        "precision": measures.quotient(right, found),
        "recall": measures.quotient(right, wanted),
    }


async def _tag(settings: Settings, folder: Path | None, rows: Sequence[Message], bar: Bar) -> tuple[str, list[Any]]:
    weights = options.weights(settings, {"slots": folder})
    engine: Any = tables.create("tagger", settings.engines.tagger, settings=settings, weights=weights)
    await engine.start()
    try:
        gate = asyncio.Semaphore(32)
        with bar("tagging", len(rows)) as advance:

            async def one(row: Message) -> list[Tagged]:
                async with gate:
                    found: list[Tagged] = await engine.tag(row.text, row.asked)
                advance()
                return found

            return engine.name, list(await asyncio.gather(*map(one, rows)))
    finally:
        await engine.close()
