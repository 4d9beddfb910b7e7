"""Runs actions on a Rasa action server: `POST /webhook`, rasa-sdk 3.21's protocol, as its client.

What is tried again: a server that refuses the connection (nothing was sent), a 449 (it wants the domain, and has done
nothing), and a call that broke off half-way only where the call says that repeating it does no harm.
"""

from __future__ import annotations

import asyncio
import json
import logging
import zlib
from typing import Any

import httpx

from bot.actions.base import ActionCall
from bot.actions.endpoint import Endpoint
from bot.actions.events import read_result
from bot.errors import ActionError, ActionFailed, ActionRejected, ActionTimeout, ActionUnknown, ActionUnreachable
from bot.results import ActionResult

log = logging.getLogger(__name__)

WANTS_DOMAIN = 449
PAUSES = (0.2, 0.5, 1.0)
"""Seconds before each further try to connect."""

NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class ServerActions:
    """A client of one action server. `transport` stands in for the network in tests."""

    def __init__(self, endpoint: Endpoint, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._endpoint = endpoint
        self._transport = transport
        self._client: httpx.AsyncClient | None = None
        self._digest: str | None = None
        """Of the domain that the server was sent last."""

    async def start(self) -> None:
        """Open the client. The server may come up later: until then a call raises ActionUnreachable."""
        if self._client is None:
            endpoint = self._endpoint
            self._client = httpx.AsyncClient(
                headers={"Accept": "application/json", "Accept-Encoding": "identity", **endpoint.headers},
                params=endpoint.params,
                auth=endpoint.basic_auth,
                timeout=httpx.Timeout(endpoint.seconds, connect=min(5.0, endpoint.seconds)),
                verify=endpoint.tls(),
                transport=self._transport,
                trust_env=False,
            )

    async def close(self) -> None:
        """Close the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def healthy(self) -> bool:
        """Whether `GET /health` answers "ok"."""
        try:
            answer = await self._get("health")
        except ActionError:
            return False
        return isinstance(answer, dict) and answer.get("status") == "ok"

    async def names(self) -> frozenset[str]:
        """What `GET /actions` lists."""
        listed = await self._get("actions")
        if not isinstance(listed, list):
            raise ActionFailed("actions", f"{self._endpoint.url}: what it lists is no list")
        return frozenset(str(item["name"]) for item in listed if isinstance(item, dict) and "name" in item)

    async def run(self, call: ActionCall) -> ActionResult:
        """Send the call, and again with the domain where the server asks for it."""
        try:
            async with asyncio.timeout(self._endpoint.seconds) as limit:
                return await self._run(call, limit.when() or 0.0)
        except TimeoutError:
            message = f"did not finish within {self._endpoint.seconds:g} seconds"
            raise ActionTimeout(call.action, message, uncertain=True) from None

    async def _run(self, call: ActionCall, until: float) -> ActionResult:
        known = bool(call.digest) and self._digest == call.digest
        status, body = await self._post(call, until, with_domain=not known)
        if status == WANTS_DOMAIN:
            status, body = await self._post(call, until, with_domain=True)
        given = _json(body)
        if status == httpx.codes.OK and isinstance(given, dict | None):
            return read_result((given or {}).get("events"), (given or {}).get("responses"))
        raise _error(call.action, status, given)

    async def _post(self, call: ActionCall, until: float, *, with_domain: bool) -> tuple[int, bytes]:
        """Send it, again where that is safe and there is time left before `until`, on the event loop's clock."""
        content = self._content(call, with_domain=with_domain)
        headers = {"Content-Type": "application/json"}
        if self._endpoint.deflate:
            content, headers["Content-Encoding"] = zlib.compress(content), "deflate"
        pauses = iter(PAUSES)
        while True:
            try:
                answer = await self._send(call, content, headers)
            except (ActionUnreachable, ActionFailed) as error:
                pause = next(pauses, None)
                if pause is None or (error.uncertain and not call.repeatable):
                    raise
                if asyncio.get_running_loop().time() + pause >= until:
                    raise
                log.info("%s; trying again in %s s", error, pause)
                await asyncio.sleep(pause)
                continue
            if with_domain and answer[0] != WANTS_DOMAIN:
                self._digest = call.digest
            return answer

    def _content(self, call: ActionCall, *, with_domain: bool) -> bytes:
        body = {
            "next_action": call.action,
            "sender_id": call.tracker.get("sender_id", ""),
            "version": _version(),
            "domain_digest": call.digest,
            "tracker": call.tracker,
        }
        content = json.dumps({**body, "domain": call.domain} if with_domain else body, ensure_ascii=False).encode()
        if len(content) > self._endpoint.request_bytes:
            raise ActionFailed(call.action, f"its request would have {len(content)} bytes, more than the limit")
        return content

    async def _send(self, call: ActionCall, content: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """One request. Raises ActionUnreachable where nothing was sent, else an uncertain ActionFailed."""
        url = self._endpoint.url
        try:
            async with self._opened(call.action).stream("POST", url, content=content, headers=headers) as answer:
                return answer.status_code, await self._read(call.action, answer)
        except NOT_SENT as error:
            raise ActionUnreachable(call.action, f"{url} cannot be reached: {error or type(error).__name__}") from error
        except httpx.TimeoutException as error:
            message = f"did not finish within {self._endpoint.seconds:g} seconds"
            raise ActionTimeout(call.action, message, uncertain=True) from error
        except httpx.HTTPError as error:
            raise ActionFailed(call.action, f"{url} broke off: {type(error).__name__}", uncertain=True) from error

    async def _read(self, action: str, answer: httpx.Response) -> bytes:
        limit = self._endpoint.response_bytes
        got = bytearray()
        async for piece in answer.aiter_bytes():
            got += piece
            if len(got) > limit:
                raise ActionFailed(action, f"it answers more than {limit} bytes", uncertain=True)
        return bytes(got)

    async def _get(self, what: str) -> Any:
        url = f"{self._endpoint.base}/{what}"
        try:
            async with self._opened(what).stream("GET", url) as answer:
                body = await self._read(what, answer)
        except httpx.HTTPError as error:
            raise ActionUnreachable(what, f"{url} cannot be reached: {error or type(error).__name__}") from error
        if not answer.is_success:
            raise ActionFailed(what, f"{url} answered {answer.status_code}")
        return _json(body)

    def _opened(self, action: str) -> httpx.AsyncClient:
        if self._client is None:
            raise ActionUnreachable(action, "the client of the action server is not started")
        return self._client


def _error(action: str, status: int, given: Any) -> ActionError:
    """Our error for an answer. 400 and 404 count only with rasa-sdk's body: a proxy in between has its own."""
    body = given if isinstance(given, dict) else {}
    ours = "action_name" in body
    said = str(body.get("error", ""))[:300]
    if status == httpx.codes.BAD_REQUEST and ours:
        return ActionRejected(action, said)
    if status == httpx.codes.NOT_FOUND and ours:
        return ActionUnknown(action, said)
    if status == WANTS_DOMAIN:
        return ActionFailed(action, "the action server asks for the domain again that it was just sent")
    if status == httpx.codes.OK:
        return ActionFailed(action, "the action server's answer is no JSON object", uncertain=True)
    return ActionFailed(action, f"the action server answered {status}", uncertain=status >= 500)


def _json(body: bytes) -> Any:
    """What the bytes are as JSON; "" for those that are none."""
    try:
        return json.loads(body)
    except ValueError:
        return ""


def _version() -> str:
    import rasa_sdk.version

    return str(rasa_sdk.version.__version__)
