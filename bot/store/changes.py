"""Notice what anybody writes: this process, or another one that uses the same database.

One task watches for everybody in this process: PostgreSQL's LISTEN, or SQLite's `data_version`, which changes when
another connection has committed. It runs from the first wait until the store is closed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from bot.errors import StoreError
from bot.store.database import CHANNEL, Database
from bot.store.failures import explained

POLL_SECONDS = 0.1
AGAIN_SECONDS = 0.5
"""After the connection was lost; what was missed meanwhile counts as one change."""


class Changes:
    """A mark that grows with every write. `touch` is for writes of this process, which need not be looked for."""

    def __init__(self) -> None:
        self.mark = 1
        self._event = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def touch(self) -> None:
        """Somebody wrote: wake up all who wait."""
        self.mark += 1
        self._event.set()
        self._event = asyncio.Event()

    async def wait(self, database: Database, seen: int, seconds: float) -> int:
        """See Store.changes."""
        if self._task is None:
            self._task = asyncio.create_task(self._watch(database), name="frontdesk-store-changes")
        if self.mark == seen:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # Python 3.11's wait_for may swallow a cancellation
                    await self._event.wait()
        return self.mark

    async def close(self) -> None:
        """Stop watching. Idempotent."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _watch(self, database: Database) -> None:
        while True:
            try:
                await (self._poll(database) if database.sqlite else self._listen(database))
            except StoreError:
                await asyncio.sleep(AGAIN_SECONDS)
                self.touch()

    async def _poll(self, database: Database) -> None:
        before = await database.data_version()
        while True:
            await asyncio.sleep(POLL_SECONDS)
            version = await database.data_version()
            if version != before:
                self.touch()
            before = version

    async def _listen(self, database: Database) -> None:
        import psycopg

        url = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with explained(database.url):
            try:
                async with await psycopg.AsyncConnection.connect(url, autocommit=True, connect_timeout=5) as connection:
                    await connection.execute(f"LISTEN {CHANNEL}")
                    self.touch()  # something may have been written before LISTEN
                    async for _ in connection.notifies():
                        self.touch()
            except psycopg.Error:
                raise StoreError("the connection that listens for changes was lost") from None
