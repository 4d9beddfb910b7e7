"""`frontdesk bench turn`: one customer's turn, measured in parts, against targets and against Haystack.

All in one run: a reference forward pass that has nothing of ours in it, turns without and with the generator, callers
side by side, the same questions through a Haystack pipeline on the same weights and chunks, and a server of its own for
start, memory and idle widgets.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

from bot.build import Bot, build
from bot.direct import Direct
from bot.errors import FrontdeskError
from bot.settings import Settings
from bot.types import Emission, Outcome
from channels.bench import forward, haystack, inputs

TOKENS = 170
"""Tokens of a passage in the promised figure."""
CALLERS = (1, 8, 32)
WARM = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What is measured, and for how long."""

    questions: list[str]
    turns: int
    generated: int
    seconds: float


async def started(settings: Settings, tell: Callable[[str], None]) -> Bot:
    """A bot that is ready. Building the index of a large folder takes minutes the first time."""
    bot = await build(settings)
    tell(f"starting the bot in {settings.home} (the first time, its index is built)")
    await bot.start()
    await asyncio.to_thread(bot.read_ahead)  # as a server does when it has started
    return bot


async def text_turns(bot: Bot, plan: Plan, tokens: int | None) -> dict[str, Any]:
    """Turns one after another, without the generator. `tokens` lengthens the passages read to so many."""
    from bot.engines import devices

    finder: Any = bot.answerer._finder
    reader = finder._reader
    if tokens is not None:
        tokenizer = devices.tokenizer(bot.weights.path("encoder"))
        finder._reader = inputs.LongPassages(reader, bot.index.snapshot, tokens, tokenizer)
    try:
        return await _text_turns(bot, plan)
    finally:
        finder._reader = reader


async def _text_turns(bot: Bot, plan: Plan) -> dict[str, Any]:
    direct = Direct(bot)
    store: Any = bot.store
    for question in plan.questions[:WARM]:
        await direct.ask(question)
    walls, outside, syncs, outcomes = [], [], [], []
    steps: dict[str, list[float]] = {}
    with forward.watched() as clock:
        for at in range(plan.turns):
            models, (_, synced) = clock.milliseconds, store.syncs
            began = time.perf_counter()
            result = await direct.ask(plan.questions[at % len(plan.questions)])
            walls.append((time.perf_counter() - began) * 1000)
            syncs.append((store.syncs[1] - synced) * 1000)
            outside.append(walls[-1] - (clock.milliseconds - models))
            outcomes.append(result.outcome)
            for name, value in result.timings_ms.items():
                steps.setdefault(name, []).append(value)
    without_sync = [all_ - sync for all_, sync in zip(outside, syncs, strict=True)]
    return {
        "turns": plan.turns,
        "p50_ms": median(walls),
        "p95_ms": sorted(walls)[int(0.95 * (len(walls) - 1))],
        "outside_forward_p50_ms": median(outside),
        "outside_forward_without_sync_p50_ms": median(without_sync),
        "sync_p50_ms": median(syncs),
        "answered_percent": 100 * outcomes.count(Outcome.ANSWERED) / len(outcomes),
        "steps_p50_ms": {name: median(values) for name, values in steps.items()},
    }


async def generated_turns(bot: Bot, plan: Plan) -> dict[str, Any]:
    """Turns with the generator: when its first sentence that passed the check was there, and how often one was."""
    direct = Direct(bot)
    await direct.ask(plan.questions[0])
    firsts, answered = [], 0
    for question in plan.questions[: plan.generated]:
        times: list[float] = []
        began = time.perf_counter()

        def emit(emission: Emission, times: list[float] = times, began: float = began) -> None:
            if emission.kind == "sentence":
                times.append(time.perf_counter() - began)

        result = await direct.ask(question, emit=emit)
        if result.outcome is Outcome.ANSWERED:
            answered += 1
            if result.details["evidence"].get("generated") and times:
                firsts.append(times[0])
    return {
        "turns": min(plan.generated, len(plan.questions)),
        "answerable": answered,
        "with_a_generated_sentence_percent": 100 * len(firsts) / answered if answered else 0.0,
        "first_sentence_p50_seconds": median(firsts) if firsts else None,
    }


async def throughput(bot: Bot, plan: Plan) -> dict[str, float]:
    """Whole turns a second, committed, at each number of callers; each waits for its answer before it asks again."""
    direct = Direct(bot)
    rates = {}
    for callers in CALLERS:
        until = time.perf_counter() + plan.seconds
        done = 0

        async def call(first: int, until: float = until, step: int = callers) -> None:
            nonlocal done
            at = first
            while time.perf_counter() < until:
                await direct.ask(plan.questions[at % len(plan.questions)])
                at += step
                done += 1

        began = time.perf_counter()
        await asyncio.gather(*(call(number) for number in range(callers)))
        rates[str(callers)] = done / (time.perf_counter() - began)
    return rates


async def answers(bot: Bot, questions: Sequence[str]) -> list[str]:
    """What each question is answered with, to compare two ways of running the models."""
    direct = Direct(bot)
    results = [await direct.ask(question) for question in questions]
    return [result.replies[-1].text if result.replies else "" for result in results]


async def passages_read(bot: Bot, questions: Sequence[str]) -> dict[str, float]:
    """How many passages a question reads, and their mean length in tokens as they are in the index."""
    from bot.answering.find import READ
    from bot.engines import devices
    from retrieval import hybrid
    from retrieval.types import Filters

    tokenizer = devices.tokenizer(bot.weights.path("encoder"))
    filters = Filters(collections=frozenset(bot.botfile.collections))
    lengths = []
    for question in questions:
        vector = (await bot.engines.encoder.encode([question]))[0]
        hits = hybrid.search(bot.index.snapshot, question, vector, READ, filters)
        lengths += [len(tokenizer.encode(hit.passage.text, add_special_tokens=False).ids) for hit in hits]
    return {"read": READ, "mean_tokens": mean(lengths) if lengths else 0.0}


def beside_haystack(bot: Bot, plan: Plan) -> dict[str, Any]:
    """The other side, in a process of its own. MissingExtra when it is not installed."""
    import numpy as np

    from bot.engines.reader import load_model, read_recipe

    haystack.versions()
    snapshot: Any = bot.index.snapshot
    trained = bot.weights.path("reader")
    recipe = read_recipe(trained)
    with tempfile.TemporaryDirectory() as folder:
        merged, vectors, spec = Path(folder) / "reader", Path(folder) / "vectors.npy", Path(folder) / "spec.json"
        body = bot.weights.path("encoder")
        load_model(body, trained, recipe).save_pretrained(merged)
        from transformers import AutoTokenizer

        AutoTokenizer.from_pretrained(body, local_files_only=True).save_pretrained(merged)
        allowed = [at for at, passage in enumerate(snapshot.passages) if passage.collection in bot.botfile.collections]
        np.save(vectors, snapshot.dense.vectors()[allowed])
        told = haystack.Spec(
            chunks=[snapshot.passages[at].text for at in allowed],
            vectors=str(vectors),
            questions=plan.questions,
            encoder=str(body),
            reader=str(merged),
            passages=5,
            max_length=recipe.max_length,
            callers=list(CALLERS),
            seconds=plan.seconds,
            settings=[(1, 2), (2, 1), (4, 1)],
        )
        spec.write_text(json.dumps(asdict(told)), encoding="utf-8")
        command = [sys.executable, "-m", "channels.bench.haystack", str(spec)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)  # noqa: S603 - ourselves
    if done.returncode:
        raise FrontdeskError(f"the Haystack side failed: {done.stderr[-800:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    best = max(found["settings"], key=lambda setting: setting["per_second"][str(CALLERS[-1])])
    return {"versions": found["versions"], "best": best, "settings": found["settings"], "defaults": found["defaults"]}


def agreement(first: Sequence[str], second: Sequence[str]) -> float:
    """How often two lists of answers are the same, in percent."""
    return 100 * sum(one == other for one, other in zip(first, second, strict=True)) / max(1, len(first))
