"""`eval answers`: whole turns judged by rules; and two prompts compared on the same turns."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bot.errors import ConfigError
from bot.types import Outcome
from finetune.evals import measures, options, turns
from finetune.evals.judging import Asked, Judgement, Turned, judge
from finetune.evals.measures import Measure
from finetune.evals.results import Bar, Result, finished
from finetune.evals.rows import read
from finetune.evals.turns import Run

Judged = list[tuple[Asked, Turned, Judgement]]
SHOWN = 600
"""So much of a wrong reply is kept."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval answers`."""
    parser.add_argument(
        "--file",
        type=Path,
        required=True,
        metavar="FILE",
        help='{"question","history","must_contain":[[...]],"must_not_contain":[...],"expected_docs":[...],"kind"} '
        "a line",
    )
    options.documents(parser)
    parser.add_argument(
        "--no-failures", action="store_true", default=False, help="figures only, of rows that nobody is to read"
    )
    parser.add_argument(
        "--prompt",
        type=Path,
        action="append",
        default=None,
        metavar="PATH",
        help=f"a folder of prompts, or a file in the place of {turns.PROMPT}; twice: compare the two on the same turns",
    )


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """The share of right turns for each kind, with every turn that went wrong."""
    began = time.perf_counter()
    rows = options.chosen(read(args.file, Asked), args)
    settings, botfile = options.bot_of(args)
    prompts: Sequence[Path | None] = args.prompt or [None]
    if len(prompts) > 2:
        raise ConfigError("--prompt is given once, or twice to compare two")
    runs = []
    for prompt in prompts:
        with turns.prompted(botfile, prompt) as bot:
            runs.append(asyncio.run(turns.run(settings, bot, args.file, rows, bar)))
    judged = [_judged(rows, run) for run in runs]
    result = figures(judged[0])
    if not args.no_failures:
        result["failures"] = failures(judged[0])
    versions = dict(runs[0].versions)
    if len(runs) == 2:
        result["compared"] = compared([str(path) for path in prompts], judged[0], judged[1])
        if not args.no_failures:
            result["failures_second"] = failures(judged[1])
        versions["prompts_b"] = runs[1].versions["prompts"]
    told = {
        "docs": args.docs and args.docs.name,
        "collection": args.collection,
        "prompt": [str(path) for path in args.prompt or []],
        "no_generator": args.no_generator,
        **options.told(args),
    }
    return finished(
        "answers", result, file=args.file, began=began, versions=versions, settings=args.settings, options=told
    )


def figures(judged: Judged) -> dict[str, Any]:
    """`right` whole, of those that want an answer, and by kind; `error`: of the answers given, the wrong ones;
    `citation_precision`: of all citations where some are expected, those of an expected
    document; `answered`: of the answerable ones; `internal_told`: turns in which something internal was told.
    """
    kinds = [row.kind for row, _, _ in judged]
    by_kind = {kind: {"right": right(judged, kind)} for kind in dict.fromkeys(kinds)}
    expected = [each for each in judged if each[0].answerable and each[0].expected_docs]
    whole = {
        "right": right(judged),
        "right_of_answerable": measures.share(said.right for row, _, said in judged if row.answerable),
        "error": measures.share(not said.right for _, turned, said in judged if turned.outcome is Outcome.ANSWERED),
        "citation_precision": measures.quotient(
            [float(said.fitting) for _, _, said in expected], [float(said.cited) for _, _, said in expected]
        ),
        "answered": measures.share(turned.outcome is Outcome.ANSWERED for row, turned, _ in judged if row.answerable),
    }
    return {
        **measures.printed(whole),
        "n": len(judged),
        "kinds": measures.by_kind(kinds, by_kind),
        "internal_told": sum(said.told for _, _, said in judged),
        "outcomes": dict(Counter(turned.outcome.value for _, turned, _ in judged).most_common()),
        "generator": generator([turned for _, turned, _ in judged]),
        "ms_p50": round(median(turned.ms for _, turned, _ in judged), 1),
    }


def right(judged: Judged, kind: str | None = None) -> Measure:
    """The share of right turns."""
    return measures.share(said.right for row, _, said in judged if kind in (None, row.kind))


def generator(turned: Sequence[Turned]) -> dict[str, Any]:
    """Of the answered turns: in how many the generator's wording was shown, in how many the check dropped a sentence of
    it, and how it ended ("off": it was not asked)."""
    answered = [each.evidence or {} for each in turned if each.outcome is Outcome.ANSWERED]
    return {
        "answered": len(answered),
        "phrased": measures.share(bool(each.get("generated")) for each in answered).shown,
        "blocked": measures.share(bool(each.get("dropped")) for each in answered).shown,
        "ended": dict(Counter(str(each.get("generator", "off")) for each in answered)),
    }


def failures(judged: Judged) -> list[dict[str, Any]]:
    """Every turn that went wrong, and why."""
    return [
        {
            "line": row.line,
            "id": row.id,
            "kind": row.kind,
            "question": row.question,
            "why": list(said.why),
            "text": turned.text[:SHOWN],
            "outcome": turned.outcome.value,
            "confidence": round(turned.confidence, 4),
            "cited": list(dict.fromkeys(citation.document for citation in turned.citations)),
        }
        for row, turned, said in judged
        if not said.right
    ]


def compared(names: Sequence[str], first: Judged, second: Judged) -> dict[str, Any]:
    """Both shares, the second's gain in points with its interval over pairs, and the lines that only one got right.

    `p` is McNemar's exact test: how often a difference like this comes of chance alone.
    """
    pairs = [(one[2].right, other[2].right) for one, other in zip(first, second, strict=True)]
    gains = measures.difference([float(b) - float(a) for a, b in pairs])
    lines = [row.line for row, _, _ in first]
    only = [[line for line, pair in zip(lines, pairs, strict=True) if pair == which] for which in _ONLY]
    return {
        "prompts": list(names),
        "right": [right(first).shown, right(second).shown],
        "intervals": [right(first).interval, right(second).interval],
        "gain": gains.shown,
        "gain_interval": gains.interval,
        "only_first": only[0],
        "only_second": only[1],
        "p": round(_by_chance(len(only[0]), len(only[1])), 4),
        "phrased": [generator([turned for _, turned, _ in each])["phrased"] for each in (first, second)],
    }


_ONLY = ((True, False), (False, True))


def _by_chance(first: int, second: int) -> float:
    """Two-sided binomial test of equal odds."""
    from math import comb

    n = first + second
    tail = sum(comb(n, k) for k in range(min(first, second) + 1))
    return min(1.0, 2.0 * tail / 2.0**n)


def _judged(rows: Sequence[Asked], run: Run) -> Judged:
    pairs = zip(rows, run.turns, strict=True)
    return [(row, turned, judge(row, turned, run.internal)) for row, turned in pairs]
