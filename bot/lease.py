"""Holding a conversation's lease while long work is done in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.errors import LeaseLost, StoreError
from bot.store.base import Lease, Store

log = logging.getLogger(__name__)


@asynccontextmanager
async def held(store: Store, lease: Lease, seconds: float) -> AsyncIterator[None]:
    """Renew the lease every third of its time. When another worker took it, the work is cut short with LeaseLost.

    A renewal that the database refuses is tried again: the lease may well outlive the trouble.
    """
    work = asyncio.current_task()
    assert work is not None  # noqa: S101 - a coroutine always runs in a task
    lost = False

    async def renew() -> None:
        nonlocal lost
        while True:
            await asyncio.sleep(seconds / 3)
            try:
                await store.renew(lease, seconds)
            except LeaseLost:
                lost = True
                work.cancel()
                return
            except StoreError as error:
                log.warning("could not renew the lease of %s: %s", lease.conversation, type(error).__name__)

    renewal = asyncio.create_task(renew(), name=f"lease {lease.conversation}")
    try:
        yield
    except asyncio.CancelledError:
        if lost:
            work.uncancel()
            raise LeaseLost("another worker has the conversation now") from None
        raise
    finally:
        renewal.cancel()
        await asyncio.gather(renewal, return_exceptions=True)
