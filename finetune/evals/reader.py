"""`eval reader`: SQuAD 2.0's metrics of the reader as it is served, over its own windows and with its own threshold."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.engines import tables
from bot.engines.base import Reader, Span
from bot.settings import Settings
from finetune import data, evaluate
from finetune.data import Example
from finetune.evals import measures, options
from finetune.evals.measures import Measure
from finetune.evals.results import Bar, Result, finished
from finetune.evals.rows import some

AT_ONCE = 8
"""Questions that wait at the reader, so that its batches are full."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval reader`."""
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help="questions in SQuAD 2.0's format")
    parser.add_argument("--always-answer", action="store_true", default=False, help="the reader may not refuse")
    options.model(parser, "--reader", "another reader than the one that is served")


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """Exact match and F1 (the best over a question's answers; without one, 100 for saying nothing)."""
    began = time.perf_counter()
    examples = some(data.read(args.data), args.limit)
    name, threshold, predictions = asyncio.run(_read(args.settings, args.reader, examples, args.always_answer, bar))
    found = measures.printed(scores(examples, predictions)) | {"n": len(examples)}
    if not args.always_answer:
        found["threshold"] = threshold
    told = {"always_answer": args.always_answer, "limit": args.limit, "reader": args.reader and str(args.reader)}
    return finished(
        "reader",
        found,
        file=args.data,
        began=began,
        versions={"reader": name},
        settings=args.settings,
        options=told,
    )


def scores(examples: Sequence[Example], predictions: Sequence[str]) -> dict[str, Measure]:
    """The metrics of one prediction a question; "" says that the passage has no answer."""
    golds = [[gold.text for gold in example.answers] for example in examples]
    pairs = list(zip(predictions, golds, strict=True))
    overlaps = [evaluate.f1(text, gold) for text, gold in pairs]
    return {
        "exact": measures.average([evaluate.exact(text, gold) for text, gold in pairs]),
        "f1": measures.average(overlaps),
        "has_answer_f1": measures.average([f1 for f1, gold in zip(overlaps, golds, strict=True) if gold]),
        "no_answer_f1": measures.average([f1 for f1, gold in zip(overlaps, golds, strict=True) if not gold]),
    }


def overlaps(settings: Settings, folder: Path | None, examples: Sequence[Example], bar: Bar) -> tuple[str, list[float]]:
    """(name, F1 of each question from 0 to 1) of the reader in a folder, or of the one that is served (None)."""
    name, _, predictions = asyncio.run(_read(settings, folder, examples, False, bar))
    pairs = zip(predictions, examples, strict=True)
    return name, [evaluate.f1(text, [gold.text for gold in example.answers]) for text, example in pairs]


async def _read(
    settings: Settings, folder: Path | None, examples: Sequence[Example], always: bool, bar: Bar
) -> tuple[str, float, list[str]]:
    """(name, threshold, a prediction for each question)."""
    weights = options.weights(settings, {"reader": folder})
    reader: Any = tables.create("reader", settings.engines.reader, settings=settings, weights=weights)
    await reader.start()
    try:
        if always:
            reader.least = 0.0  # the best span, however improbable it is that there is any
        threshold = 0.0 if always else float(reader.threshold)
        gate = asyncio.Semaphore(AT_ONCE)
        with bar("reading", len(examples)) as advance:

            async def one(example: Example) -> str:
                async with gate:
                    span = await _span(reader, example)
                advance()
                return example.context[span.start : span.end] if span.score > threshold or always else ""

            return reader.name, threshold, list(await asyncio.gather(*map(one, examples)))
    finally:
        await reader.close()


async def _span(reader: Reader, example: Example) -> Span:
    [span] = await reader.read(example.question, [example.context])
    return span
