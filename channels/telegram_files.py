"""What a Telegram message brought beside its words: fetched, looked at and stored."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from bot.errors import DeliveryError, RateLimited, Rejected
from bot.types import Attachment, Words
from channels.base import Context
from channels.limits import clean, sniff
from channels.telegram_api import TelegramApi

log = logging.getLogger(__name__)

FILES = {
    "voice": "audio",
    "audio": "audio",
    "video_note": "file",
    "photo": "picture",
    "document": "file",
    "video": "file",
}
"""A message's files, and which response says that one could not be read."""

SAID = {"voice": "audio/ogg", "audio": "audio/mpeg", "photo": "image/jpeg"}
"""What a file is taken for that never came, where the message does not say."""

FETCH_SECONDS = 30.0
"""A file that takes longer counts as not fetched: bytes that drip in would hold up its chat for ever."""


@dataclass(frozen=True, slots=True)
class Brought:
    """`attachments` of a message, those that never came among them (without a blob); `refused`: the response for what
    is not taken."""

    attachments: tuple[Attachment, ...] = ()
    refused: str | None = None


class Files:
    """Fetches them. `account` is the bot's."""

    def __init__(self, context: Context, api: TelegramApi, account: str) -> None:
        self._context = context
        self._api = api
        self._account = account

    async def brought(self, chat: str, told: dict[str, Any], *, last: bool) -> Brought:
        """All files of a message. DeliveryError when one cannot be fetched just now, unless it is the `last` try: then
        it is an attachment that never came. StoreError."""
        found: list[Attachment] = []
        refused = None
        limit = self._context.settings.limits.upload_bytes
        for key, kind in FILES.items():
            file = told.get(key)
            if isinstance(file, list):  # one photo in several sizes, the largest last
                file = next((size for size in reversed(file) if int(size.get("file_size") or 0) <= limit), None)
            if not file:
                refused = refused or (f"utter_{kind}_unsupported" if told.get(key) else None)
                continue
            try:
                if int(file.get("file_size") or 0) > limit:
                    raise Rejected("too large")
                self._context.rates.take(f"telegram {chat}", self._context.settings.limits.uploads_per_minute)
                found.append(await self._fetched(chat, file, limit))
            except RateLimited:
                refused = "utter_rate_limited"
            except Rejected:
                refused = f"utter_{kind}_unsupported"
            except DeliveryError as error:
                if error.permanent:
                    refused = f"utter_{kind}_unsupported"  # it is gone there
                elif last:
                    log.warning("a file from Telegram is given up: %s", error)
                    found.append(_unfetched(key, file))
                else:
                    raise
        return Brought(tuple(found), refused)

    async def _fetched(self, chat: str, file: dict[str, Any], limit: int) -> Attachment:
        try:
            async with asyncio.timeout(FETCH_SECONDS):
                data = await self._api.download(str(file["file_id"]), limit)
        except TimeoutError:
            raise DeliveryError(f"a file did not come within {FETCH_SECONDS:g} seconds") from None
        media_type = await asyncio.to_thread(sniff, data)
        blob = await self._context.blobs.put(data)
        await self._context.store.attach(
            blob, channel="telegram", account=self._account, sender=chat, media_type=media_type, size=len(data)
        )
        return Attachment(blob=blob, media_type=media_type, size=len(data), name=_name(file))


def _unfetched(key: str, file: dict[str, Any]) -> Attachment:
    said = clean(file.get("mime_type"), 255) or SAID.get(key, "application/octet-stream")
    return Attachment(blob="", media_type=said, size=int(file.get("file_size") or 0), name=_name(file))


def _name(file: dict[str, Any]) -> Words:
    name = clean(file.get("file_name"), 255)
    return Words(text=name) if name else Words(ref="", text=None)
