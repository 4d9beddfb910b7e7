"""The engines that the contract suites run over: all of the tables', each with what it needs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from bot.engines import tables
from bot.engines.weights import Weights
from bot.settings import load
from tests import needs

NEEDS: dict[tuple[str, str], tuple[str, ...]] = {
    ("speech", "faster-whisper"): ("speech",),
    ("captioner", "screen-and-objects"): ("objects",),
    ("encoder", "minilm"): ("encoder",),
    ("reader", "bert"): ("encoder", "reader"),
    ("reranker", "bert"): ("encoder", "reranker"),
    ("checker", "evidence"): ("encoder",),
    ("checker", "grounded"): ("encoder", "check", "check-body"),
    ("generator", "smollm2"): ("generator",),
    ("generator", "smollm2-tuned"): ("generator", "generator-tuned"),
}
ELSEWHERE = {
    ("speech", "openai-whisper"),
    ("captioner", "blip"),
    ("encoder", "minilm-tuned"),
    ("classifier", "bert"),
    ("tagger", "bert"),
}
"""Their weights cannot be fetched from a package index, or are a company's own: their own tests build tiny ones."""


def names(kind: str) -> list[Any]:
    """Every engine of a kind as a pytest parameter; those with real weights are marked `models`."""
    table = [name for name in tables.KINDS[kind] if (kind, name) not in ELSEWHERE]
    return [pytest.param(name, marks=pytest.mark.models) if (kind, name) in NEEDS else name for name in table]


@contextmanager
def started(kind: str, name: str, **others: Any) -> Iterator[Any]:
    """The engine, loaded. Its worker serves whatever event loop a test runs in."""
    needs.weights(*NEEDS.get((kind, name), ()))
    settings = load()
    if (kind, name) == ("generator", "openai"):
        others["transport"] = httpx.MockTransport(chat_server)
    engine = tables.create(kind, name, settings=settings, weights=Weights(settings), **others)
    asyncio.run(engine.start())
    try:
        yield engine
    finally:
        asyncio.run(engine.close())
        asyncio.run(engine.close())
        assert kind == "checker" or not engine.ready()  # a checker is ready as long as its encoder is


def unstarted(kind: str, name: str) -> Any:
    """The engine before `start()`: nothing of its weights is looked at."""
    settings = load()
    return tables.create(kind, name, settings=settings, weights=Weights(settings))


def chat_server(request: httpx.Request) -> httpx.Response:
    """Speaks as an OpenAI-compatible server does: repeats the last message, a word an event."""
    body = json.loads(request.content)
    words = body["messages"][-1]["content"].split()[: body["max_tokens"]]
    deltas = [{"role": "assistant"}, *({"content": f"{word} "} for word in words)]
    events = [json.dumps({"choices": [{"delta": delta}]}) for delta in deltas]
    lines = [*(f"data: {event}\n\n" for event in events), ": a comment\n\n", "data: [DONE]\n\n"]
    return httpx.Response(200, text="".join(lines), headers={"Content-Type": "text/event-stream"})
