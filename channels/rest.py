"""Rasa's REST channel: `POST /webhooks/rest/webhook`. A Rasa chat client works with it as it is.

The caller waits for its answer, so overload is said to it (503). What is written later, by a person for example, goes
to `rest.callback_url`, as in Rasa's callback channel: the same objects, one POST each.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from bot.errors import DeliveryError, Overloaded, RateLimited, Rejected, StoreError, TooLarge
from bot.events import Event, Received, Sent, TurnEnded
from bot.store.base import Accepted, Outgoing
from bot.types import Message, Outcome, Reply, TurnResult
from channels.base import Context
from channels.limits import clean, parse_object, problem
from channels.links import Links
from channels.progress import Progress
from channels.rasa import parts
from channels.recent import Recent
from channels.tokens import bearer

NAME = "rest"
LOOK_SECONDS = 1.0
"""How often a waiting caller's reply is looked for in the store, should another process have made it."""

TROUBLE_SECONDS = 5.0
"""A caller is not kept waiting for a database that could not be written for so long."""

FILES = "/webhooks/rest/files"
RETURNED = 10_000
CALLBACK_SECONDS = 15.0

LATE = "the message is stored but was not answered in time; ask again with the same metadata.message_id"
TROUBLE = (
    "the message is stored, but the database cannot be used just now; it is answered when it can: ask again with the "
    "same metadata.message_id"
)


class RestChannel:
    """`sender` is Rasa's; `metadata.message_id` makes a delivery known, and its repetition gets the same replies."""

    name = NAME

    def __init__(self, context: Context) -> None:
        self._context = context
        self._waiting: Counter[str] = Counter()
        self._returned: Recent[str, None] = Recent(RETURNED)
        self._links = Links(context, NAME, FILES)
        self._looked = self._well = 0.0
        self._client: httpx.AsyncClient | None = None
        self._progress = Progress()

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/webhooks/rest", self._health, methods=["GET"]),
            Route("/webhooks/rest/", self._health, methods=["GET"]),
            Route("/webhooks/rest/webhook", self._webhook, methods=["POST"]),
            Route(FILES + "/{blob}", self._links.give, methods=["GET"]),
        ]

    async def start(self) -> None:
        self._client = httpx.AsyncClient(timeout=CALLBACK_SECONDS, trust_env=False)

    async def stop(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def slow(self, conversation: str, message: Message, *, begun: bool) -> None:
        """The caller waits for its answer; there is no way to tell it anything before."""

    # -- in

    async def _health(self, request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def _webhook(self, request: Request) -> Response:  # noqa: PLR0911 - one status a kind of refusal
        if not self._authorised(request):
            return problem(401, "unauthorized", "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
        waiting = AsyncExitStack()
        try:
            message = await self._message(parse_object(await request.body()))
            self._context.rates.take(f"rest {message.sender}", self._context.settings.limits.messages_per_minute)
            await waiting.enter_async_context(self._context.inbox.place(NAME))
            future = waiting.enter_context(self._context.inbox.result(message.id))
            before = await self._newest(message.sender)
            accepted = await self._context.inbox.accept(message, wait=False)
            after = before.get(accepted.conversation, 0) if accepted.new else 0
            if not accepted.new:
                future = waiting.enter_context(self._context.inbox.result(accepted.message))
        except Overloaded:
            text = self._context.say("utter_busy", None)
            return await _closed(waiting, problem(503, "busy", text, {"Retry-After": "5"}))
        except RateLimited as error:
            headers = {"Retry-After": str(max(1, round(error.retry_after)))}
            return await _closed(waiting, problem(429, "rate_limited", str(error), headers))
        except TooLarge as error:
            return await _closed(waiting, problem(413, "too_large", str(error)))
        except Rejected as error:
            return await _closed(waiting, problem(400, "malformed", str(error)))
        except StoreError:
            text = "the message could not be stored; send it again"
            return await _closed(waiting, problem(503, "unavailable", text, {"Retry-After": "5"}))
        except BaseException:
            await waiting.aclose()
            raise
        self._waiting[accepted.conversation] += 1
        waiting.callback(self._no_longer, accepted.conversation)
        base = self._links.base(request)
        answer = partial(self._answer, accepted, message.sender, future, after, base)
        if request.query_params.get("stream", "").lower() in {"true", "1"}:
            return Streamed(_lines(answer), waiting)
        async with waiting:
            try:
                return JSONResponse(await answer())
            except TimeoutError:
                return problem(504, "no_answer", LATE, {"Retry-After": "10"})
            except StoreError:
                return problem(503, "no_answer", TROUBLE, {"Retry-After": "10"})

    async def _message(self, body: dict[str, Any]) -> Message:
        limits = self._context.settings.limits
        sender = clean(body.get("sender"), 255) or "default"  # Rasa's own default
        text = clean(body.get("message"), limits.message_characters)
        metadata = body.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise Rejected("metadata is an object")
        if not text:
            raise Rejected("the message is empty")
        external = clean(metadata.get("message_id") and str(metadata["message_id"]), 255)
        locale = metadata.get("language") or metadata.get("locale")
        return Message(
            channel=NAME,
            sender=sender,
            external_id=f"{sender}:{external}" if external else None,
            text=text,
            payload=text if await self._offered(sender, text) else None,
            locale=clean(locale, 35) or None if isinstance(locale, str) else None,
            metadata={"input_channel": clean(body.get("input_channel"), 255) or NAME, **metadata},
        )

    async def _offered(self, sender: str, text: str) -> bool:
        """A Rasa client sends a pressed button's payload as text; only one that was offered here counts as pressed."""
        if not text.startswith("/"):
            return False
        conversation = await self._context.store.find(NAME, "default", sender)
        if conversation is None:
            return False
        state = await self._context.store.load(conversation)
        return any(button.payload == text for button in state.offered)

    def _authorised(self, request: Request) -> bool:
        expected = self._context.settings.rest.token.get_secret_value()
        if not expected:
            return True
        return bearer(expected, request.headers.get("authorization", ""))

    async def _newest(self, sender: str) -> dict[str, int]:
        """The sender's conversation and its newest event, so that a long one need not be read from its beginning."""
        conversation = await self._context.store.find(NAME, "default", sender)
        return {} if conversation is None else {conversation: (await self._context.store.load(conversation)).version}

    async def _answer(
        self, accepted: Accepted, sender: str, future: asyncio.Future[TurnResult], after: int, base: str
    ) -> list[dict[str, Any]]:
        """Rasa's objects for the replies to a message that stands behind event `after`, once its turn is committed.

        TimeoutError when there is none in time, StoreError when the database is in trouble meanwhile; either way the
        message stays in the inbox.
        """
        limit = self._context.settings.turns.limit_seconds * self._context.settings.turns.attempts
        began = time.monotonic()
        async with asyncio.timeout(limit):
            while True:
                events = await self._context.store.events(accepted.conversation, after)
                found = answered(events, accepted.message)
                if found is not None:
                    break
                # The future is a wake-up call; the store has the last word (the turn may have run elsewhere).
                await asyncio.wait({future}, timeout=LOOK_SECONDS)
                if future.done():
                    future = asyncio.get_running_loop().create_future()
                else:
                    await self._look(began)
        replies, outcome = found
        for reply in replies:
            self._returned[reply.id] = None
        if outcome is Outcome.FAILED and not replies:
            raise TimeoutError("nothing was said")
        return [part for reply in replies for part in self._parts(reply, sender, base)]

    async def _look(self, began: float) -> None:
        """StoreError when the store could not be written for too long since a caller `began` to wait: its turn cannot
        be committed. All callers together look once in a while."""
        moment = time.monotonic()
        if moment - self._looked >= LOOK_SECONDS:
            self._looked = moment
            with suppress(StoreError):
                await self._context.store.check()
                self._well = time.monotonic()
        if time.monotonic() - max(self._well, began) > TROUBLE_SECONDS:
            raise StoreError("the database cannot be written")

    def _no_longer(self, conversation: str) -> None:
        self._waiting[conversation] -= 1
        if self._waiting[conversation] <= 0:
            del self._waiting[conversation]

    # -- out

    async def send(self, outgoing: Outgoing) -> str | None:
        """To the callback URL, unless the caller that waits gets it as its answer."""
        if outgoing.author != "agent" and (
            outgoing.reply.id in self._returned or self._waiting[outgoing.conversation] > 0
        ):
            return None
        url = self._context.settings.rest.callback_url
        if not url:
            raise DeliveryError("nobody waits for it, and rest.callback_url is not set", permanent=True)
        assert self._client is not None, "started"  # noqa: S101
        for part in self._progress.left(outgoing.id, self._parts(outgoing.reply, outgoing.recipient)):
            try:
                answer = await self._client.post(url, json=part)
            except httpx.HTTPError as error:
                raise DeliveryError(f"the callback URL does not answer: {type(error).__name__}") from None
            if answer.status_code in {429, 503}:
                after = answer.headers.get("retry-after", "")
                seconds = float(after) if after.isdigit() else None
                raise DeliveryError("the callback URL is busy", retry_after=seconds)
            if answer.is_error:
                permanent = answer.status_code < 500 and answer.status_code != 408
                raise DeliveryError(f"the callback URL answered {answer.status_code}", permanent=permanent)
        return None

    def _parts(self, reply: Reply, recipient: str, base: str | None = None) -> list[dict[str, Any]]:
        return parts(reply, recipient, self._links, base or self._links.base())


class Streamed(StreamingResponse):
    """One object a line. The caller's place is given back however it ends, also before its first line."""

    def __init__(self, lines: AsyncIterator[str], waiting: AsyncExitStack) -> None:
        super().__init__(lines, media_type="application/x-ndjson")
        self._place = waiting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._place:
            await super().__call__(scope, receive, send)


async def _lines(answer: Callable[[], Awaitable[list[dict[str, Any]]]]) -> AsyncIterator[str]:
    """Each reply as soon as it is committed. What is streamed before the commit may be taken back, and a client of this
    channel could not; so it is not sent."""
    try:
        found = await answer()
    except (TimeoutError, StoreError) as error:
        text = LATE if isinstance(error, TimeoutError) else TROUBLE
        found = [{"error": {"code": "no_answer", "text": text}}]
    for part in found:
        yield json.dumps(part, ensure_ascii=False) + "\n"


def answered(events: Sequence[Event], message_id: str) -> tuple[list[Reply], Outcome] | None:
    """What was said to a message: the replies between its event and the end of its turn. None: not answered yet."""
    replies: list[Reply] = []
    begun = False
    for event in events:
        body = event.body
        if isinstance(body, Received) and body.message_id == message_id:
            begun = True
        elif begun and isinstance(body, Sent) and event.actor.kind in {"bot", "system"}:
            replies.append(_reply(body))
        elif begun and isinstance(body, TurnEnded):
            return replies, body.outcome
    return None


def _reply(body: Sent) -> Reply:
    return Reply(
        id=body.reply_id,
        text=body.text.text or "",
        buttons=body.buttons,
        citations=body.citations,
        attachments=body.attachments,
        language=body.language,
        template=body.template,
    )


async def _closed(waiting: AsyncExitStack, response: Response) -> Response:
    await waiting.aclose()
    return response
