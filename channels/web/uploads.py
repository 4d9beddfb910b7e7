"""Uploads: taken within limits, stored outside the web root under unguessable names, given only to their visitor."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import quote

from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from bot.errors import NotFound, RateLimited, Rejected, StoreError, Unverified
from bot.types import Attachment, Words
from channels.base import Context
from channels.limits import clean, problem
from channels.tokens import Tokens, Visitor

log = logging.getLogger(__name__)

REMEMBERED = 2_000
AT_ONCE = 4
"""Uploads that are held in memory at the same time."""

RECEIVE_SECONDS = 180.0
"""A file may take so long to arrive: ten megabytes over a slow line."""

FORM_BYTES = 64_000
"""What the multipart form around a file may take."""

SHOWN = ("image/png", "image/jpeg", "image/webp", "image/gif", "audio/")
"""Media types that a browser may show in place; everything else is downloaded."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, max-age=86400, immutable",
}

Sniff = Callable[[bytes], str]
"""What the bytes are: `bot.media.sniff`. Raises Unsupported or Damaged."""


class Uploads:
    """The two endpoints, and what a message needs to know of an upload."""

    def __init__(self, context: Context, tokens: Tokens, sniff: Sniff) -> None:
        self._context = context
        self._tokens = tokens
        self._sniff = sniff
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._recent: OrderedDict[str, tuple[int, str]] = OrderedDict()

    async def take(  # noqa: PLR0911 - one status a kind of refusal
        self, request: Request, visitor: Visitor, locale: str | None
    ) -> Response:
        """`POST /web/uploads`, multipart with one field `file`. Answers `{id, kind, media_type, size, href}`."""
        limits = self._context.settings.limits
        try:
            self._context.rates.take(f"web upload {visitor.id}", limits.uploads_per_minute)
            async with asyncio.timeout(RECEIVE_SECONDS) as arriving, request.form(max_files=1, max_fields=10) as form:
                arriving.reschedule(None)
                file = form.get("file")
                if not isinstance(file, UploadFile):
                    return problem(400, "no_file", "the form has no file in the field 'file'")
                if (file.size or 0) > limits.upload_bytes:
                    return problem(413, "too_large", f"at most {limits.upload_bytes} bytes are taken")
                return await self._keep(file, visitor, locale)
        except RateLimited as error:
            text = self._context.say("utter_rate_limited", locale)
            return problem(429, "rate_limited", text, {"Retry-After": str(max(1, round(error.retry_after)))})
        except TimeoutError:
            return problem(408, "too_slow", f"the file did not come within {RECEIVE_SECONDS:g} seconds")
        except ClientDisconnect:
            return problem(400, "broken_off", "the file did not come whole")
        except (StoreError, OSError) as error:  # OSError: no room for what is on its way in
            log.error("cannot take an upload: %s", error if isinstance(error, StoreError) else type(error).__name__)
            await _drain(request)
            return problem(503, "unavailable", self._context.say("utter_busy", locale), {"Retry-After": "5"})

    async def _keep(self, file: UploadFile, visitor: Visitor, locale: str | None) -> Response:
        """Look at what has arrived, and store it. StoreError."""
        name, said = clean((file.filename or "")[-255:], 255), file.content_type or ""
        async with self._slots:  # until now it lay in a file of its own, however long it took to come
            data = await file.read()
            try:
                media_type = await asyncio.to_thread(self._sniff, data)
            except Rejected as error:
                log.info("refused an upload: %s", error)
                return problem(415, "unsupported", self._context.say(_refusal(said), locale))
            blob = await self._store(data, media_type, visitor)
        self._remember(blob, len(data), name)
        made = Attachment(id=blob, blob=blob, media_type=media_type, size=len(data))
        return JSONResponse(
            {
                "id": blob,
                "kind": made.kind,
                "media_type": media_type,
                "size": len(data),
                "name": name,
                "href": self.link(made, visitor),
            },
            status_code=201,
        )

    async def _store(self, data: bytes, media_type: str, visitor: Visitor) -> str:
        """The blob's id. Nothing is kept of what the store does not know."""
        blob = await self._context.blobs.put(data)
        try:
            await self._context.store.attach(
                blob,
                channel="web",
                account=visitor.account,
                sender=visitor.id,
                media_type=media_type,
                size=len(data),
            )
        except StoreError:
            await self._context.blobs.delete(blob)
            raise
        return blob

    async def give(self, request: Request) -> Response:
        """`GET /web/uploads/{id}?token=`: the bytes, with headers that keep a browser from running any of it."""
        blob = request.path_params["blob"]
        try:
            visitor = self._tokens.opens(request.query_params.get("token", ""), blob)
            channel, _, sender, media_type = await self._context.store.owner(blob)
            if channel == "web" and sender != visitor:
                raise Unverified("another visitor's upload")
            data = await self._context.blobs.get(blob)
        except (Unverified, NotFound):
            return problem(404, "not_found", "there is no such upload, or the link is too old")
        known = self._recent.get(blob)
        shown = media_type.startswith(SHOWN) and "svg" not in media_type
        disposition = "inline" if shown else "attachment"
        if known and known[1]:
            disposition += f"; filename*=UTF-8''{quote(known[1], safe='')}"
        kind = media_type if shown else "application/octet-stream"
        return Response(data, media_type=kind, headers={**HEADERS, "Content-Disposition": disposition})

    async def attachment(self, blob: str, visitor: Visitor) -> Attachment:
        """An upload as part of a message. Rejected unless this visitor uploaded it."""
        try:
            channel, account, sender, media_type = await self._context.store.owner(blob)
            if (channel, account, sender) != ("web", visitor.account, visitor.id):
                raise NotFound("another visitor's upload")
            known = self._recent.get(blob) or (len(await self._context.blobs.get(blob)), "")
        except NotFound:
            raise Rejected("there is no such upload") from None
        size, name = known
        words = Words(text=name) if name else Words(ref="", text=None)
        return Attachment(blob=blob, media_type=media_type, size=size, name=words)

    def link(self, attachment: Attachment, visitor: Visitor) -> str:
        """Where this visitor finds an upload of their conversation."""
        return f"/web/uploads/{attachment.blob}?token={self._tokens.upload(attachment.blob, visitor)}"

    def _remember(self, blob: str, size: int, name: str) -> None:
        self._recent[blob] = (size, name)
        while len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)


def _refusal(said: str) -> str:
    """The response for what cannot be opened, by what it was said to be."""
    kind = {"image": "picture", "audio": "audio"}.get(said.partition("/")[0], "file")
    return f"utter_{kind}_unsupported"


async def _drain(request: Request) -> None:
    """Hear the sender out: one that is still sending would not read the answer."""
    with suppress(ClientDisconnect, RuntimeError, TimeoutError):  # RuntimeError: all was heard already
        async with asyncio.timeout(RECEIVE_SECONDS):
            async for _ in request.stream():
                pass
