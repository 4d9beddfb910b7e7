"""`eval speech`: what the speech engine hears, as a customer's voice message goes through it."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import model_validator

from bot import sandbox
from bot.botfile import load_bot
from bot.engines import tables
from bot.engines.base import Audio
from bot.settings import Settings
from finetune.evals import measures, options, uploads, words
from finetune.evals.measures import Measure
from finetune.evals.results import Bar, Result
from finetune.evals.rows import Wanted, read


class Recording(Wanted):
    """A recording and what is said in it, word for word, or what must be heard."""

    audio: str
    text: str | None = None

    @model_validator(mode="after")
    def _judged(self) -> Recording:
        if self.text is None and not self.must_contain:
            raise ValueError('"text" or "must_contain" is missing: there is nothing to judge by')
        if self.text is not None and not words.words(self.text):
            raise ValueError('"text" holds no words')
        return self


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a recording of `seconds`, and how long that took."""

    row: Recording
    text: str
    seconds: float
    took: float


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval speech`."""
    uploads.configure(parser, '{"audio","text" or "must_contain"}', "recordings")


def measure(args: argparse.Namespace, bar: Bar) -> Result:
    """`wer` over the rows with a text, `recall` over what must be heard, `rtf`: seconds taken a second of sound."""
    began = time.perf_counter()
    rows = options.chosen(read(args.data, Recording), args)
    name, heard = asyncio.run(_listen(args.settings, args.data, rows, bar))
    found: dict[str, Any] = {
        **measures.printed(scores(heard)),
        "rtf": round(sum(each.took for each in heard) / max(sum(each.seconds for each in heard), 1e-9), 4),
        "n": len(heard),
        "failures": _failures(heard),
    }
    return uploads.result("speech", args, found, engine=("speech", name), began=began)


def scores(heard: Sequence[Heard]) -> dict[str, Measure]:
    """Errors by words of all texts (a long one counts more than a short one); and the share of what must be heard."""
    texts = [(words.words(each.text), words.words(each.row.text)) for each in heard if each.row.text is not None]
    wanted = [each for each in heard if each.row.must_contain]
    there = [len(each.row.must_contain) - len(words.lacking(each.text, each.row.must_contain)) for each in wanted]
    return {
        "wer": measures.quotient([words.edits(*pair) for pair in texts], [len(text) for _, text in texts]),
        "recall": measures.quotient(there, [len(each.row.must_contain) for each in wanted]),
    }


async def _listen(settings: Settings, file: Path, rows: Sequence[Recording], bar: Bar) -> tuple[str, list[Heard]]:
    languages = load_bot(settings.bot).languages
    weights = options.weights(settings, {})
    speech: Any = tables.create(
        "speech", settings.engines.speech, settings=settings, weights=weights, languages=languages
    )

    async def opened(row: Recording) -> Audio:
        return await uploads.upload(file, row, "audio", lambda data: sandbox.audio(data, settings.limits.audio_seconds))

    async def asked(row: Recording, audio: Audio) -> Heard:
        began = time.perf_counter()
        transcript = await speech.transcribe(audio)
        return Heard(row, transcript.text, audio.seconds, time.perf_counter() - began)

    heard = await uploads.each(speech, rows, opened, asked, bar=bar, doing="listening")
    return speech.name, heard


def _failures(heard: Sequence[Heard]) -> list[dict[str, Any]]:
    found = []
    for each in heard:
        row = each.row
        why = [f"not heard: {item}" for item in words.lacking(each.text, row.must_contain)]
        if row.text is not None and (errors := words.edits(words.words(each.text), words.words(row.text))):
            why.append(f"{errors} words wrong of {row.text!r}")
        if why:
            told = {"line": row.line, "kind": "speech", "question": row.audio, "why": why, "text": each.text}
            found.append(told)
    return found
