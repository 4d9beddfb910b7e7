"""Work that goes on for as long as the server does: whatever breaks is told, and it is tried again after a pause."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

from bot.errors import FrontdeskError
from channels.metrics import Metrics

log = logging.getLogger(__name__)

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0
"""Between two tries, doubled each time until a round has gone well."""


async def keep_on(work: Callable[[], Awaitable[None]], name: str, metrics: Metrics) -> None:
    """Do a round of the work, again and again, until this is cancelled.

    One that fails ends nothing: its kind and place are logged, it is counted in /metrics, and after a pause comes the
    next round. `work` paces itself: a round that went well is followed by the next one at once.
    """
    failures = 0
    while True:
        try:
            await work()
            failures = 0
        except Exception as error:  # the worker's edge: one that ended would not be missed by anybody
            known = isinstance(error, FrontdeskError)
            words = f"{type(error).__name__}: {error}" if known else type(error).__name__
            log.error("%s failed: %s", name, words, exc_info=None if known else error)
            metrics.trouble(name, type(error).__name__)
            await asyncio.sleep(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**failures))
            failures = min(failures + 1, 10)


def dead(tasks: Iterable[asyncio.Task[None]]) -> list[str]:
    """The names of those that have ended: there is none that should before the server stops."""
    return [task.get_name() for task in tasks if task.done()]
