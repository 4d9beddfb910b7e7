"""`eval captions`: whether what must be seen in a picture is in what the captioner says of it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from pydantic import Field

from bot import sandbox
from bot.engines import tables
from bot.errors import Rejected
from bot.settings import Settings
from finetune.evals import measures, options, words
from finetune.evals.results import Bar, Result, finished
from finetune.evals.rows import Alternatives, RowError, Wanted, bytes_of, read


class Shown(Wanted):
    """A picture and what must be seen in it."""

    image: str
    must_contain: Alternatives = Field(min_length=1)


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval captions`."""
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help='{"image","must_contain":[...]} a line; pictures are named relative to the file',
    )


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """`recall`: of all that must be seen, what is in the captions; `pictures`: those of which all was seen."""
    began = time.perf_counter()
    rows = options.chosen(read(args.data, Shown), args)
    name, captions, times = asyncio.run(_look(args.settings, args.data, rows, bar))
    lacking = [words.lacking(text, row.must_contain) for text, row in zip(captions, rows, strict=True)]
    wanted = [len(row.must_contain) for row in rows]
    measured = {
        "recall": measures.quotient([all_ - len(lost) for all_, lost in zip(wanted, lacking, strict=True)], wanted),
        "pictures": measures.share(not lost for lost in lacking),
    }
    failures = [
        {
            "line": row.line,
            "kind": "captions",
            "question": row.image,
            "why": [f"not seen: {e}" for e in lost],
            "text": t,
        }
        for row, lost, t in zip(rows, lacking, captions, strict=True)
        if lost
    ]
    found = {**measures.printed(measured), "n": len(rows), "ms_p50": times, "failures": failures}
    return finished(
        "captions",
        found,
        file=args.data,
        began=began,
        versions={"captioner": name},
        settings=args.settings,
        options=options.told(args),
    )


async def _look(settings: Settings, file: Path, rows: Sequence[Shown], bar: Bar) -> tuple[str, list[str], float]:
    """(the engine's name, what it says of each picture, the median of its times in ms)."""
    weights = options.weights(settings, {})
    captioner: Any = tables.create("captioner", settings.engines.captioner, settings=settings, weights=weights)
    await captioner.start()
    captions, times = [], []
    try:
        with bar("looking", len(rows)) as advance:
            for row in rows:
                data = bytes_of(file, row.line, "image", row.image)
                try:
                    picture = await sandbox.picture(data, settings.limits.picture_pixels)
                except Rejected as error:
                    raise RowError(f"{file}, line {row.line}: image: {row.image}: {error}") from None
                began = time.perf_counter()
                seen = await captioner.caption(picture)
                times.append((time.perf_counter() - began) * 1000)
                captions.append(f"{seen.text}\n{seen.screen_text}")
                advance()
    finally:
        await captioner.close()
    return captioner.name, captions, round(median(times), 1)
