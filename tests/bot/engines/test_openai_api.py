"""The OpenAI-compatible generator against a stand-in server: what it sends, and what becomes of each failure."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest

from bot.engines.base import ChatMessage
from bot.engines.openai_api import OpenAIGenerator
from bot.errors import EngineError, EngineTimeout, EngineUnready, Overloaded
from bot.settings import Settings

MESSAGES = [ChatMessage("system", "Be brief."), ChatMessage("user", "Hello")]


async def said(settings: Settings, handler: Callable[[httpx.Request], httpx.Response]) -> list[str]:
    generator = OpenAIGenerator(settings, transport=httpx.MockTransport(handler))
    await generator.start()
    try:
        return [piece async for piece in generator.stream(MESSAGES, max_tokens=9, seed=3)]
    finally:
        await generator.close()


async def test_it_asks_as_the_api_is_documented(make_settings: Callable[..., Settings]) -> None:
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text='data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n')

    api = {"url": "http://models.test/v1/", "model": "small", "key": "secret"}
    assert await said(make_settings(generator_api=api), handler) == ["Hi"]
    assert str(seen[0].url) == "http://models.test/v1/chat/completions"
    assert seen[0].headers["Authorization"] == "Bearer secret"
    assert json.loads(seen[0].content) == {
        "model": "small",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}],
        "max_tokens": 9,
        "temperature": 0,
        "seed": 3,
        "stream": True,
    }


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (httpx.Response(429), Overloaded),
        (httpx.Response(503), Overloaded),
        (httpx.Response(401, text="no key"), EngineError),
        (httpx.Response(200, text="data: {broken\n\n"), EngineError),
        (httpx.Response(200, text='data: {"choices": [{}]}\n\n'), EngineError),
        (httpx.Response(200, text='data: {"error": {"message": "out of memory"}}\n\n'), EngineError),
    ],
)
async def test_a_failing_server_is_an_error_of_ours(
    settings: Settings, answer: httpx.Response, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await said(settings, lambda request: answer)


@pytest.mark.parametrize(
    ("problem", "error"),
    [(httpx.ReadTimeout("slow"), EngineTimeout), (httpx.ConnectError("refused"), EngineUnready)],
)
async def test_a_server_that_is_not_there_is_told_from_a_slow_one(
    settings: Settings, problem: Exception, error: type[Exception]
) -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise problem

    with pytest.raises(error):
        await said(settings, handler)


async def test_more_open_requests_than_the_queue_are_busy(make_settings: Callable[..., Settings]) -> None:
    text = 'data: {"choices":[{"delta":{"content":"a"}}]}\n\n' * 3
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=text))
    generator = OpenAIGenerator(make_settings(engines={"queue": 1}), transport=transport)
    await generator.start()
    first = generator.stream(MESSAGES)
    assert await anext(first) == "a"
    with pytest.raises(Overloaded):
        await anext(generator.stream(MESSAGES))
    await first.aclose()  # type: ignore[attr-defined]
    assert await anext(generator.stream(MESSAGES)) == "a"
    await generator.close()
