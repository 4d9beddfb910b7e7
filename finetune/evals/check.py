"""`eval check`: how many corrupted replies the check finds, and how many true ones it blocks."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from bot import sentences
from bot.engines import tables
from bot.engines.base import Checker, Verdict
from bot.settings import Settings
from finetune.evals import measures, options
from finetune.evals.measures import Measure
from finetune.evals.results import Bar, Result, finished
from finetune.evals.rows import Row, read

RULES = "evidence"
"""The checker that is the rules alone."""
Judged = tuple[list[list[Verdict]], float]
"""Each row's verdicts, one a sentence, and the seconds that they took."""


class Reply(Row):
    """A reply with what it was made from. `kind` says how it was corrupted, or where a grounded one comes from."""

    reply: str = Field(min_length=1)
    passages: tuple[str, ...] = Field(min_length=1)
    grounded: bool
    kind: str = "all"
    question: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval check`."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help='{"reply","passages":[...],"grounded":true|false,"kind"} a line, "question" where relevance is judged too',
    )
    parser.add_argument(
        "--checkers",
        nargs="+",
        default=None,
        metavar="NAME",
        help=f"one or more of {', '.join(sorted(tables.CHECKERS))} (default: the setting's, and the rules beside it)",
    )
    parser.add_argument(
        "--failures", action="store_true", default=False, help="list every reply that is judged wrongly"
    )


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """A reply is blocked when any of its sentences is. The first checker's figures are the result's own, the others'
    stand under "beside".
    """
    began = time.perf_counter()
    rows = options.chosen(read(args.data, Reply), args)
    names = list(dict.fromkeys(args.checkers or (args.settings.engines.checker, RULES)))
    versions, judged = asyncio.run(_check(args.settings, names, rows, bar))
    found = {**_figures(rows, *judged[0]), "n": len(rows)}
    if judged[1:]:
        found["beside"] = {name: _figures(rows, *each) for name, each in zip(names[1:], judged[1:], strict=True)}
    if args.failures:
        found["failures"] = _failures(rows, judged[0][0])
    told = options.told(args)
    return finished(
        "check", found, file=args.data, began=began, versions=versions, settings=args.settings, options=told
    )


def _figures(rows: Sequence[Reply], verdicts: Sequence[Sequence[Verdict]], seconds: float) -> dict[str, Any]:
    blocked = [not all(each.supported for each in verdict) for verdict in verdicts]
    kinds = [row.kind for row in rows]
    measured = {kind: scores(rows, blocked, kind) for kind in dict.fromkeys(kinds)}
    said = sum(map(len, verdicts))
    return {
        **measures.printed(scores(rows, blocked)),
        "kinds": measures.by_kind(kinds, measured),
        "ms_sentence": measures.rounded(1000 * seconds / said) if said else None,
    }


def scores(rows: Sequence[Reply], blocked: Sequence[bool], kind: str | None = None) -> dict[str, Measure]:
    """`recall`: of replies that are not grounded, those blocked; `false_alarms`: of grounded ones, those blocked;
    `precision`: of those blocked, the ones that are not grounded.
    """
    pairs = [(row, hit) for row, hit in zip(rows, blocked, strict=True) if kind in (None, row.kind)]
    found = {
        "recall": measures.share(hit for row, hit in pairs if not row.grounded),
        "false_alarms": measures.share(hit for row, hit in pairs if row.grounded),
    }
    if kind is None:
        found["precision"] = measures.share(not row.grounded for row, hit in pairs if hit)
    return found


async def _check(
    settings: Settings, names: Sequence[str], rows: Sequence[Reply], bar: Bar
) -> tuple[dict[str, str], list[Judged]]:
    weights = options.weights(settings, {})
    encoder: Any = tables.create("encoder", settings.engines.encoder, settings=settings, weights=weights)
    versions, found = {}, []
    await encoder.start()
    try:
        versions["encoder"] = encoder.name
        for at, name in enumerate(names):
            checker: Any = tables.create("checker", name, settings=settings, weights=weights, encoder=encoder)
            try:
                await checker.start()
                versions[f"beside: {name}" if at else "check"] = checker.name
                found.append(await _judged(checker, rows, bar))
            finally:
                await checker.close()
    finally:
        await encoder.close()
    return versions, found


async def _judged(checker: Checker, rows: Sequence[Reply], bar: Bar) -> Judged:
    verdicts = []
    began = time.perf_counter()
    with bar(f"checking: {checker.name}", len(rows)) as advance:
        for row in rows:
            verdicts.append(await _verdicts(checker, row))
            advance()
    return verdicts, time.perf_counter() - began


async def _verdicts(checker: Checker, row: Reply) -> list[Verdict]:
    """One a sentence, as the bot cuts and checks them. Without a question every sentence speaks to it."""
    said = [row.reply[start:end] for start, end in sentences.split(row.reply)]
    return await checker.check(row.question, said, row.passages)


def _failures(rows: Sequence[Reply], verdicts: Sequence[Sequence[Verdict]]) -> list[dict[str, Any]]:
    found = []
    for row, each in zip(rows, verdicts, strict=True):
        reasons = [verdict.reason for verdict in each if not verdict.supported]
        if row.grounded == bool(reasons):
            why = reasons or ["it was let through"]
            told = {"line": row.line, "kind": row.kind, "question": row.question, "why": why, "text": row.reply}
            found.append(told)
    return found
