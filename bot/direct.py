"""One customer's message through the whole bot in this process, without a server: for `ask`, `bench` and `eval`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from bot.errors import Overloaded, TooLarge, Unsupported
from bot.events import Actor, Body, Event, Received, Sent, TurnEnded
from bot.types import (
    Attachment,
    Emission,
    Message,
    Outcome,
    Reply,
    TurnResult,
    Words,
    new_id,
)

if TYPE_CHECKING:
    from bot.build import Bot

CHANNEL = "cli"
Role = Literal["customer", "bot", "agent"]
_POLL = 0.1


class Direct:
    """A bot that was started, and a channel to it: "cli", or "shell", where any payload counts. What it replies is
    handed back and counts as sent.
    """

    def __init__(self, bot: Bot, channel: str = CHANNEL) -> None:
        self._bot = bot
        self._channel = channel
        self._worker = f"direct-{new_id()}"

    async def ask(
        self,
        text: str,
        *,
        sender: str | None = None,
        history: Sequence[tuple[Role, str]] = (),
        files: Sequence[Path] = (),
        payload: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        before: Sequence[Body] = (),
        emit: Callable[[Emission], None] | None = None,
    ) -> TurnResult:
        """Say something as the customer `sender` (None: somebody new) and wait for what comes of it.

        `payload` is what a button carried that was pressed. `history` is what was said before, the oldest first; it is
        only written into a conversation that is new. `metadata` is the channel's, as actions see it; `before` is what
        counts as having happened. Raises TooLarge, Unsupported or Damaged for a file, and Overloaded
        when nobody comes to it within the turn's limit.
        """
        sender = sender or new_id()
        attachments = tuple([await self._attach(path, sender) for path in files])
        message = Message(
            channel=self._channel,
            sender=sender,
            text=text,
            payload=payload,
            attachments=attachments,
            metadata=dict(metadata or {}),
        )
        accepted = await self._bot.store.accept(message, bot=self._bot.botfile.name, wait=False)
        if history:
            await self._remember(accepted.conversation, history)
        if before:
            await self._begin(accepted.conversation, before)
        result = await self._handle(accepted.conversation, accepted.message, emit)
        await self._bot.store.delivered(accepted.conversation)  # whoever asked has read the replies
        return result

    async def _attach(self, path: Path, sender: str) -> Attachment:
        from bot.decode import sniff

        try:
            data = await asyncio.to_thread(path.read_bytes)
        except OSError as error:
            raise Unsupported(f"{path} cannot be read: {error.strerror}") from None
        limit = self._bot.settings.limits.upload_bytes
        if len(data) > limit:
            raise TooLarge(f"{path} has {len(data):,} bytes; the limit is {limit:,}")
        media_type = sniff(data)
        blob = await self._bot.blobs.put(data)
        await self._bot.store.attach(
            blob, channel=self._channel, account="default", sender=sender, media_type=media_type, size=len(data)
        )
        return Attachment(blob=blob, media_type=media_type, size=len(data), name=Words(text=path.name))

    async def _remember(self, conversation: str, history: Sequence[tuple[Role, str]]) -> None:
        """Write the lines before the question into a conversation that has none."""
        state = await self._bot.store.load(conversation)
        if state.history:
            return
        events = [_line(conversation, role, text) for role, text in history if text.strip()]
        await self._bot.store.commit(conversation, state.version, events)

    async def _begin(self, conversation: str, bodies: Sequence[Body]) -> None:
        events = [Event(conversation=conversation, actor=Actor(kind="system"), body=body) for body in bodies]
        await self._bot.store.commit(conversation, (await self._bot.store.load(conversation)).version, events)

    async def _handle(self, conversation: str, message: str, emit: Callable[[Emission], None] | None) -> TurnResult:
        """Do the turn here, or wait for a server on the same home that was faster to take it."""
        settings = self._bot.settings.turns
        deadline = time.monotonic() + settings.limit_seconds + settings.lease_seconds
        while time.monotonic() < deadline:
            claim = await self._bot.store.claim(
                self._worker, lease_seconds=settings.lease_seconds, conversation=conversation
            )
            if claim is not None:
                return await self._bot.turn.handle(claim, emit)
            elsewhere = _result(conversation, message, await self._bot.store.events(conversation))
            if elsewhere is not None:
                return elsewhere
            await asyncio.sleep(_POLL)
        raise Overloaded("nobody came to this message in time; ask again")


def _line(conversation: str, role: Role, text: str) -> Event:
    if role == "customer":
        body: Received | Sent = Received(message_id=new_id(), text=Words(text=text))
    else:
        body = Sent(reply_id=new_id(), text=Words(text=text))
    return Event(conversation=conversation, actor=Actor(kind=role), body=body)


def _result(conversation: str, message: str, events: Sequence[Event]) -> TurnResult | None:
    """What another process made of our message, from its events; None until it is done."""
    ours = [isinstance(event.body, Received) and event.body.message_id == message for event in events]
    if not any(ours):
        return None
    events = events[ours.index(True) :]
    ended = next((event.body for event in events if isinstance(event.body, TurnEnded)), None)
    if ended is None:
        return None
    replies = tuple(
        Reply(
            id=event.body.reply_id,
            text=event.body.text.text or "",
            buttons=event.body.buttons,
            citations=event.body.citations,
            language=event.body.language,
            template=event.body.template,
        )
        for event in events
        if isinstance(event.body, Sent) and event.actor.kind == "bot"
    )
    return TurnResult(
        conversation=conversation,
        outcome=Outcome(ended.outcome),
        replies=replies,
        confidence=ended.confidence,
        timings_ms=ended.timings_ms,
        details={"evidence": ended.evidence, "elsewhere": True},
    )
