"""`eval intents`: how many sentences are given their intent, and how many that have none are found out."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot.engines import tables
from bot.engines.classifier import OUT_OF_SCOPE
from bot.settings import Settings
from finetune.evals import measures, options
from finetune.evals.measures import Measure
from finetune.evals.results import Bar, Result, finished
from finetune.evals.rows import some
from finetune.intents_data import Sentence, read

AT_ONCE = 64


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval intents`."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV text,category, CLINC150's JSON (its test part, else its val), or a bot's nlu.yml",
    )
    options.model(parser, "--model", "what `train intents` wrote (default: the bot's)")
    parser.add_argument("--failures", action="store_true", default=False, help="list every sentence told wrongly")


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """All figures at the threshold that the model came with. An intent that it does not know counts as wrong."""
    began = time.perf_counter()
    rows = some(read(args.data, judge=True), args.limit)
    name, found = asyncio.run(_classify(args.settings, args.model, [row.text for row in rows], bar))
    figures: dict[str, Any] = {**measures.printed(scores(rows, found)), "n": len(rows)}
    if args.failures:
        figures["failures"] = [
            {"line": at, "kind": row.intent, "question": row.text, "why": [f"taken for {told}"], "text": told}
            for at, (row, told) in enumerate(zip(rows, found, strict=True), start=1)
            if told != row.intent
        ]
    told = {"limit": args.limit, "model": args.model and args.model.name}
    return finished(
        "intents",
        figures,
        file=args.data,
        began=began,
        versions={"classifier": name},
        settings=args.settings,
        options=told,
    )


def scores(rows: Sequence[Sentence], found: Sequence[str]) -> dict[str, Measure]:
    """`accuracy` over all; `in_scope_accuracy` over those with an intent; `oos_recall` over those without."""
    pairs = [(row.intent, told) for row, told in zip(rows, found, strict=True)]
    return {
        "accuracy": measures.share(gold == told for gold, told in pairs),
        "in_scope_accuracy": measures.share(gold == told for gold, told in pairs if gold != OUT_OF_SCOPE),
        "oos_recall": measures.share(gold == told for gold, told in pairs if gold == OUT_OF_SCOPE),
    }


async def _classify(settings: Settings, folder: Path | None, texts: Sequence[str], bar: Bar) -> tuple[str, list[str]]:
    """(the model's name, the label of each text; OUT_OF_SCOPE where it has none)."""
    weights = options.weights(settings, {"intents": folder})
    engine: Any = tables.create("classifier", settings.engines.classifier, settings=settings, weights=weights)
    await engine.start()
    try:
        found: list[str] = []
        with bar("classifying", len(texts)) as advance:
            for start in range(0, len(texts), AT_ONCE):
                results = await engine.classify(texts[start : start + AT_ONCE])
                found += [result.label or OUT_OF_SCOPE for result in results]
                advance(len(results))
        return engine.name, found
    finally:
        await engine.close()
