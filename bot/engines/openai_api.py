"""The generator "openai": any server that speaks OpenAI's `POST /v1/chat/completions` with `stream: true`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx

from bot.engines.base import ChatMessage
from bot.engines.weights import Weights
from bot.errors import EngineError, EngineTimeout, EngineUnready, Overloaded
from bot.settings import Settings

BUSY = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


class OpenAIGenerator:
    """Streams from `generator_api.url`. The server batches; here only the number of open requests is bounded."""

    def __init__(
        self, settings: Settings, weights: Weights | None = None, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        del weights  # they are the server's
        self._api, self._limit = settings.generator_api, settings.engines.queue
        self._timeout = settings.engines.timeout_seconds
        self.name = f"openai-{self._api.model}"
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._open = 0

    async def start(self) -> None:
        """Open the client. The server may come up later: until then a stream raises EngineUnready."""
        if self._client is None:
            key = self._api.key.get_secret_value()
            self._client = httpx.AsyncClient(
                headers={"Authorization": f"Bearer {key}"} if key else {},
                timeout=httpx.Timeout(self._timeout, connect=5.0),
                transport=self._transport,
            )

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    def ready(self) -> bool:
        """Started; whether the server answers is seen when it is asked."""
        return self._client is not None

    async def stream(
        self, messages: Sequence[ChatMessage], *, max_tokens: int = 96, seed: int = 0
    ) -> AsyncGenerator[str]:
        """The reply's pieces as the server sends them. Closing the iterator closes the request and stops it."""
        if self._client is None:
            raise EngineUnready("generator is not started")
        if self._open >= self._limit:
            raise Overloaded(f"generator has {self._limit} requests open")
        self._open += 1
        body = {
            "model": self._api.model,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": max_tokens,
            "temperature": 0,
            "seed": seed,
            "stream": True,
        }
        url = f"{self._api.url.rstrip('/')}/chat/completions"
        try:
            async with self._client.stream("POST", url, json=body) as answer:
                await _raise_for(answer)
                async for line in answer.aiter_lines():
                    if (data := line.removeprefix("data:").strip()) == "[DONE]":
                        return
                    if line.startswith("data:") and (piece := _piece(data)):
                        yield piece
        except httpx.TimeoutException as error:
            raise EngineTimeout(f"{url} did not answer in time") from error
        except httpx.HTTPError as error:
            raise EngineUnready(f"{url} cannot be reached: {error or type(error).__name__}") from error
        finally:
            self._open -= 1


async def _raise_for(answer: httpx.Response) -> None:
    if answer.is_success:
        return
    said = (await answer.aread())[:300].decode("utf-8", "replace")
    if answer.status_code in BUSY:
        raise Overloaded(f"{answer.url} is busy ({answer.status_code})")
    raise EngineError(f"{answer.url} answered {answer.status_code}: {said}")


def _piece(data: str) -> str:
    """The text in one event; "" for events without any (roles, usage). Raises EngineError for one that is broken."""
    try:
        event: Any = json.loads(data)
        if "error" in event:
            raise EngineError(f"the generator's server failed: {event['error']}")
        choices = event["choices"]
        return str(choices[0]["delta"].get("content") or "") if choices else ""
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise EngineError(f"the generator's server sent an event that is no chat completion: {data[:200]}") from error
