"""Once a day, when nobody waits for an answer, the store drops what nobody needs any more."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from bot.errors import FrontdeskError
from bot.store.base import Store

log = logging.getLogger(__name__)

EVERY_SECONDS = 24 * 3600.0
FIRST_SECONDS = 600.0
"""After the start, so that a server that is restarted every day comes to it too."""
PATIENCE_SECONDS = 3600.0
"""A desk where somebody always waits is tidied all the same."""
LOOK_SECONDS = 10.0


async def keep_house(store: Store, busy: Callable[[], bool]) -> None:
    """Goes on until it is cancelled. A database in trouble is left alone until the next day."""
    pause = FIRST_SECONDS
    while True:
        await asyncio.sleep(pause)
        pause = EVERY_SECONDS
        latest = time.monotonic() + PATIENCE_SECONDS
        while busy() and time.monotonic() < latest:  # noqa: ASYNC110 - a day is long; nobody need tell when it is quiet
            await asyncio.sleep(LOOK_SECONDS)
        try:
            gone = await store.tidy()
        except FrontdeskError as error:
            log.warning("cannot tidy up: %s", error)
            continue
        if gone.deliveries or gone.uploads or gone.blobs:
            counts = (gone.deliveries, gone.uploads, gone.blobs)
            log.info("dropped %d old deliveries, %d uploads never sent, %d uploads broken off", *counts)
