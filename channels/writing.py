"""Writing events into a conversation from outside a turn: what an agent does, what a visitor tells of themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from bot.errors import Conflict
from bot.events import Actor, Body, Event, Sent
from bot.state import State
from bot.store.base import Store
from bot.types import Reply, Words

ATTEMPTS = 20


async def append(
    store: Store,
    conversation: str,
    actor: Actor,
    decide: Callable[[State], Sequence[Body]],
    *,
    cause: str | None = None,
) -> list[Event]:
    """Commit what `decide` makes of the newest state, again when somebody else wrote first; nothing when it is empty.

    Replies among the events go out through the outbox. Raises NotFound, and Conflict after twenty lost races.
    """
    for attempt in range(ATTEMPTS):
        state = await store.load(conversation)
        bodies = decide(state)
        if not bodies:
            return []
        events = [Event(conversation=conversation, actor=actor, cause=cause, body=body) for body in bodies]
        send = [body.reply_id for body in bodies if isinstance(body, Sent)]
        try:
            return await store.commit(conversation, state.version, events, send=send)
        except Conflict:
            await asyncio.sleep(0.01 * (attempt + 1))
    raise Conflict("the conversation is being written to all the time; try again")


def sent(reply: Reply) -> Sent:
    """The event of a reply."""
    return Sent(
        reply_id=reply.id,
        text=Words(text=reply.text),
        buttons=reply.buttons,
        citations=reply.citations,
        attachments=reply.attachments,
        language=reply.language,
        template=reply.template,
    )
