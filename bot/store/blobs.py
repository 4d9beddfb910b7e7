"""Uploads in a folder: one file each, under a name that cannot be guessed, whole or not there at all."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
import time
from contextlib import suppress
from pathlib import Path

from bot.errors import NotFound, StoreError

NAME = re.compile(r"[0-9a-f]{32}")
PARTIAL = ".partial"


class FolderBlobs:
    """See `bot.store.base.Blobs`. Only the owner of the process may read the files.

    What `put` returned survives a power cut: file and folder are synced before. A name is 128 random bits.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    async def put(self, data: bytes) -> str:
        blob = secrets.token_hex(16)
        try:
            await asyncio.to_thread(self._write, self._file(blob), data)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreError(f"the disk is full: make room for uploads in {self.path}") from None
            raise StoreError(f"an upload cannot be stored in {self.path}: {error.strerror}") from None
        return blob

    async def get(self, blob: str) -> bytes:
        try:
            return await asyncio.to_thread(self._file(blob).read_bytes)
        except FileNotFoundError:
            raise NotFound("there is no such upload") from None
        except OSError as error:
            raise StoreError(f"an upload in {self.path} cannot be read: {error.strerror}") from None

    async def delete(self, blob: str) -> None:
        try:
            await asyncio.to_thread(self._file(blob).unlink, missing_ok=True)
        except NotFound:
            return
        except OSError as error:
            raise StoreError(f"an upload in {self.path} cannot be deleted: {error.strerror}") from None

    async def older(self, seconds: float) -> list[str]:
        try:
            return await asyncio.to_thread(self._older, time.time() - seconds)
        except OSError as error:
            raise StoreError(f"the uploads in {self.path} cannot be listed: {error.strerror}") from None

    def _older(self, moment: float) -> list[str]:
        found: list[str] = []
        for file in self.path.glob("[0-9a-f][0-9a-f]/*"):
            try:
                if file.stat().st_mtime > moment:
                    continue
                if file.suffix == PARTIAL:
                    file.unlink()
                elif NAME.fullmatch(file.name):
                    found.append(file.name)
            except FileNotFoundError:  # deleted meanwhile
                continue
        return found

    def _file(self, blob: str) -> Path:
        """Nothing but our own names ever becomes a path. NotFound."""
        if not NAME.fullmatch(blob):
            raise NotFound("there is no such upload")
        return self.path / blob[:2] / blob

    @staticmethod
    def _write(file: Path, data: bytes) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = file.with_suffix(PARTIAL)
        try:
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            partial.replace(file)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            raise
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
