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
from bot.engines.base import Picture
from bot.settings import Settings
from finetune.evals import measures, options, uploads, words
from finetune.evals.results import Bar, Result
from finetune.evals.rows import Alternatives, Wanted, read


class Shown(Wanted):
    """A picture and what must be seen in it."""

    image: str
    must_contain: Alternatives = Field(min_length=1)


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval captions`."""
    uploads.configure(parser, '{"image","must_contain":[...]}', "pictures")


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
    return uploads.result("captions", args, found, engine=("captioner", name), began=began)


async def _look(settings: Settings, file: Path, rows: Sequence[Shown], bar: Bar) -> tuple[str, list[str], float]:
    """(the engine's name, what it says of each picture, the median of its times in ms)."""
    weights = options.weights(settings, {})
    captioner: Any = tables.create("captioner", settings.engines.captioner, settings=settings, weights=weights)

    async def opened(row: Shown) -> Picture:
        return await uploads.upload(
            file, row, "image", lambda data: sandbox.picture(data, settings.limits.picture_pixels)
        )

    async def asked(_: Shown, picture: Picture) -> tuple[str, float]:
        began = time.perf_counter()
        seen = await captioner.caption(picture)
        return f"{seen.text}\n{seen.screen_text}", (time.perf_counter() - began) * 1000

    found = await uploads.each(captioner, rows, opened, asked, bar=bar, doing="looking")
    return captioner.name, [text for text, _ in found], round(median(took for _, took in found), 1)
