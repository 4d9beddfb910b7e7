"""What every generator keeps to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from bot.engines import tables
from bot.engines.base import ChatMessage, Generator
from bot.errors import EngineUnready
from tests.contracts import engines

MESSAGES = [
    ChatMessage("system", "Answer in one short sentence, from the evidence."),
    ChatMessage("user", "Evidence: Returns are free within 30 days.\nQuestion: How long can I return?\nAnswer:"),
]


@pytest.fixture(scope="module", params=engines.names("generator"))
def generator(request: pytest.FixtureRequest) -> Iterator[Generator]:
    with engines.started("generator", request.param) as engine:
        yield engine


async def said(generator: Generator, messages: list[ChatMessage], max_tokens: int = 24) -> list[str]:
    return [piece async for piece in generator.stream(messages, max_tokens=max_tokens)]


async def test_it_streams_pieces_that_make_a_reply(generator: Generator) -> None:
    pieces = await said(generator, MESSAGES)
    assert len(pieces) > 1
    assert all(pieces)
    assert "30 days" in "".join(pieces)


async def test_the_same_messages_give_the_same_reply(generator: Generator) -> None:
    first = await said(generator, MESSAGES, 12)
    await said(generator, [MESSAGES[0], ChatMessage("user", "Something else altogether")], 3)
    assert await said(generator, MESSAGES, 12) == first


async def test_it_stops_at_the_limit(generator: Generator) -> None:
    assert 1 <= len(await said(generator, MESSAGES, 3)) <= 3


async def test_closing_the_stream_stops_the_model_at_once(generator: Generator) -> None:
    stream = generator.stream([ChatMessage("user", "Tell me a long story about a lighthouse. " * 3)], max_tokens=500)
    async for _ in stream:
        break
    begun = time.monotonic()
    await stream.aclose()  # type: ignore[attr-defined]
    assert await said(generator, MESSAGES, 1)
    assert time.monotonic() - begun < 10


async def test_a_caller_that_is_cancelled_leaves_the_generator_usable(generator: Generator) -> None:
    task = asyncio.ensure_future(said(generator, MESSAGES, 200))
    await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):  # one that needs no time had finished
        await task
    assert await said(generator, MESSAGES, 2)


async def test_callers_at_the_same_time_are_all_served(generator: Generator) -> None:
    replies = await asyncio.gather(*(said(generator, MESSAGES, 4) for _ in range(3)))
    assert replies[0] == replies[1] == replies[2]


@pytest.mark.parametrize("name", tables.GENERATORS)
async def test_one_that_was_not_started_says_so(name: str) -> None:
    engine = engines.unstarted("generator", name)
    assert not engine.ready()
    with pytest.raises(EngineUnready):
        await said(engine, MESSAGES)
