"""`eval refusal`: what the bot's confidence is worth. How much it may answer at a stated risk, and its calibration.

Every question is asked as it is served; where the bot abstains it is asked again with a threshold of 0, so that what it
would have said can be judged too. The threshold for the stated risk is chosen on one half of the questions and measured
on the other, both ways round: the figures are of questions that had no part in choosing.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bot.botfile import BotFile
from bot.settings import Settings
from bot.types import Outcome
from finetune.evals import measures, options, risk, turns
from finetune.evals.judging import Asked, Turned, judge
from finetune.evals.measures import Measure, rounded
from finetune.evals.results import Bar, Result, finished
from finetune.evals.risk import Flags, Floats
from finetune.evals.rows import RowError, read, some
from finetune.evals.turns import Run

LEAST = 10
"""On fewer questions nothing can be said of a confidence."""
POINTS = 200
_DRAWS = 500


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval refusal`."""
    parser.add_argument("--file", type=Path, required=True, metavar="FILE", help="what `eval answers` takes")
    parser.add_argument(
        "--risk", type=_percent, default=5.0, metavar="PERCENT", help="so many of 100 answers may be wrong (default: 5)"
    )
    options.documents(parser)


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """Coverage at the stated risk, the error made there, and the expected calibration error."""
    began = time.perf_counter()
    # What is asked for a person, or back, is no matter of confidence; attacks are the guard's.
    rows = [row for row in read(args.file, Asked) if row.kind not in {"handover", "ambiguous", "attack"}]
    rows = options.chosen(rows, args)
    settings, botfile = options.bot_of(args)
    run = asyncio.run(_said(settings, botfile, args.file, rows, bar))
    pairs = [(row, said) for row, said in zip(rows, run.turns, strict=True) if said.outcome is Outcome.ANSWERED]
    if len(pairs) < LEAST:
        raise RowError(f"{args.file}: only {len(pairs)} questions came to an answer; at least {LEAST} are needed")
    sure = np.array([said.confidence for _, said in pairs], float)
    right = np.array([row.answerable and judge(row, said, run.internal).right for row, said in pairs], bool)
    wanted = np.array([row.answerable for row, _ in pairs], bool)
    found = figures(sure, right, wanted, args.risk / 100)
    found |= {"n": len(pairs), "not_judged": len(rows) - len(pairs), "thresholds_served": dict(botfile.thresholds)}
    told = {
        "docs": args.docs and args.docs.name,
        "collection": args.collection,
        "risk": args.risk,
        "no_generator": args.no_generator,
        **options.told(args),
    }
    return finished(
        "refusal", found, file=args.file, began=began, versions=run.versions, settings=args.settings, options=told
    )


def figures(sure: Floats, right: Flags, wanted: Flags, stated: float) -> dict[str, Any]:
    """All that follows from confidences. `wanted`: the documents answer the question; `stated` is a risk from 0 to 1.

    `coverage` is of all questions, `coverage_answerable` of those that the documents answer; `error` is the share of
    wrong ones among the answers given. `threshold` is chosen on all questions, None where no threshold is safe enough.
    `calibration_error` has 15 bins of equal mass.
    """
    points, threshold = risk.curve(sure, right), risk.threshold_for(sure, right, stated)
    given = _given(sure, right, stated)
    bins = risk.reliability(sure, right)
    return {
        **measures.printed(
            {
                "coverage": measures.share(given.tolist()),
                "coverage_answerable": measures.share(given[wanted].tolist()),
                "error": measures.share((~right[given]).tolist()),
                "calibration_error": _calibration(sure, right),
            }
        ),
        "risk": 100 * stated,
        "threshold": round(threshold, 4) if threshold <= 1 else None,
        "aurc": rounded(100 * risk.area(points)),
        "bins": "15 of equal mass",
        "curve": [
            {"threshold": round(p.threshold, 4), "coverage": rounded(100 * p.coverage), "risk": rounded(100 * p.risk)}
            for p in [*some(points[:-1], POINTS), points[-1]]
        ],
        "reliability": [
            {"confidence": rounded(100 * each.confidence), "accuracy": rounded(100 * each.accuracy), "n": each.n}
            | {"interval": measures.of(round(each.accuracy * each.n), each.n).interval}
            for each in bins
        ],
    }


def _given(sure: Floats, right: Flags, stated: float) -> Flags:
    """Which questions are answered, each by the threshold that the other half chose."""
    given = np.zeros(len(sure), bool)
    one, other = risk.halves(len(sure))
    for chosen_on, told in ((one, other), (other, one)):
        given[told] = sure[told] >= risk.threshold_for(sure[chosen_on], right[chosen_on], stated)
    return given


def _calibration(sure: Floats, right: Flags) -> Measure:
    """Its interval is the bootstrap's, moved back by what drawing again adds to a mean of gaps."""
    error = risk.calibration_error(risk.reliability(sure, right))
    chance = np.random.default_rng(measures.SEED)
    drawn = []
    for _ in range(_DRAWS):
        rows = chance.integers(0, len(sure), len(sure))
        drawn.append(risk.calibration_error(risk.reliability(sure[rows], right[rows])))
    low, high = np.percentile(drawn, [2.5, 97.5])
    # The basic bootstrap (Davison and Hinkley 1997, 5.2): gaps are never negative, so every draw adds to them.
    return Measure(100 * error, 100 * max(0.0, 2 * error - high), 100 * max(error, 2 * error - low), len(sure))


async def _said(settings: Settings, botfile: BotFile, file: Path, rows: Sequence[Asked], bar: Bar) -> Run:
    """The turns as they are served, those that abstained replaced by what would have been said without a threshold."""
    run = await turns.run(settings, botfile, file, rows, bar)
    again = [at for at, turned in enumerate(run.turns) if turned.outcome is Outcome.ABSTAINED]
    if not again:
        return run
    bold = botfile.model_copy(update={"thresholds": dict.fromkeys(botfile.languages, 0.0) | {"en": 0.0}})
    second = await turns.run(settings, bold, file, [rows[at] for at in again], bar)
    said: list[Turned] = list(run.turns)
    for at, turned in zip(again, second.turns, strict=True):
        said[at] = turned
    return Run(tuple(said), run.internal, run.versions)


def _percent(given: str) -> float:
    number = float(given)
    if not 0 <= number < 100:
        raise argparse.ArgumentTypeError(f"{given} is not between 0 and 100")
    return number
