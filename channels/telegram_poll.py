"""Telegram's updates by long polling, where there is no public address.

What lies before the offset is gone at Telegram, so it moves only past what was taken. A chat that is held up, by a file
that does not come for example, holds up no other.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.errors import FrontdeskError, Rejected
from channels.telegram_api import POLL_SECONDS, UPDATES, TelegramApi

log = logging.getLogger(__name__)

GLANCE_SECONDS = 1.0
"""How often others are looked for while a chat is held up: Telegram answers at once then."""
PATIENCE_SECONDS = 60.0
"""The longest pause after trouble."""
BUGS = 5
"""How often an update is tried that fails for no reason that we know."""

Update = dict[str, Any]


class Poller:
    """Fetches updates and hands each to `take`, in order within a chat, chats side by side.

    `take` raises Rejected for what is nothing for us, and another FrontdeskError for what must be tried again: it is,
    after a pause that grows, and what follows in its chat waits.
    """

    def __init__(self, api: TelegramApi, take: Callable[[Update], Awaitable[None]]) -> None:
        self._api = api
        self._take = take
        self._offset = 0
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._done: set[int] = set()

    async def run(self) -> None:
        """Until it is cancelled."""
        trouble = 0
        try:
            while True:
                try:
                    await self._round()
                    trouble = 0
                except Exception as error:  # the worker's edge: one that ended would not be missed by anybody
                    trouble += 1
                    known = None if isinstance(error, FrontdeskError) else error
                    log.warning("cannot fetch updates from Telegram: %s", type(error).__name__, exc_info=known)
                    await asyncio.sleep(_pause(error, trouble))
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def _round(self) -> None:
        """One fetch, and what becomes of it within a glance."""
        wait = 0 if self._busy else POLL_SECONDS
        fetched = await self._api.call("getUpdates", offset=self._offset, timeout=wait, allowed_updates=UPDATES)
        updates: dict[int, Update] = {int(update["update_id"]): update for update in fetched}
        chats: defaultdict[str, list[int]] = defaultdict(list)
        for number in sorted(updates.keys() - self._done):
            chats[chat_of(updates[number])].append(number)
        for chat, numbers in chats.items():
            if chat not in self._busy:
                work = self._take_all([(number, updates[number]) for number in numbers])
                self._busy[chat] = asyncio.create_task(work, name=f"telegram {min(numbers)}")
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=GLANCE_SECONDS)
        self._busy = {chat: task for chat, task in self._busy.items() if not task.done()}
        newest = max(updates, default=self._offset - 1)
        self._offset = min(updates.keys() - self._done, default=newest + 1)
        self._done = {number for number in self._done if number >= self._offset}

    async def _take_all(self, updates: Sequence[tuple[int, Update]]) -> None:
        for number, update in updates:
            trouble = 0
            while number not in self._done:
                try:
                    await self._take(update)
                    self._done.add(number)
                except Rejected:
                    self._done.add(number)
                except Exception as error:  # the worker's edge: one update must not stop the others
                    trouble += 1
                    log.warning("an update is not taken, try %d: %s", trouble, type(error).__name__)
                    if trouble >= BUGS and not isinstance(error, FrontdeskError):
                        log.error("an update is given up", exc_info=error)
                        self._done.add(number)
                        continue
                    await asyncio.sleep(_pause(error, trouble))


def _pause(error: Exception, trouble: int) -> float:
    """Seconds: as long as the platform says, else longer each time."""
    said: float | None = getattr(error, "retry_after", None)
    return said or min(2.0**trouble, PATIENCE_SECONDS)


def chat_of(update: Update) -> str:
    """Whose chat an update belongs to; "" where it says nothing that we know."""
    told = update.get("message") or update.get("edited_message") or _object(update.get("callback_query")).get("message")
    return str(_object(_object(told).get("chat")).get("id", ""))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
