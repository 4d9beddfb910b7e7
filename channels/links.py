"""Addresses of what a reply carries, for those who have no session here: pictures and other files, source pages."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from bot.errors import NotFound, Unverified
from bot.types import Attachment, Citation
from channels.base import Context
from channels.limits import problem
from channels.tokens import Tokens, Visitor, key_of
from channels.web.frames import source_path
from channels.web.uploads import HEADERS, SHOWN


class Links:
    """A file's link is signed for one recipient on one channel and good for 7 days; whoever has it can open it, as a
    messenger's servers and a browser's `img` must. `path` is where this channel gives files out."""

    def __init__(self, context: Context, channel: str, path: str) -> None:
        self._context = context
        self._channel = channel
        self._path = path
        self._tokens = Tokens(key_of(context.settings.home))

    def base(self, request: Request | None = None) -> str:
        """Where this server is reached: `public_url`, else as the caller of this `request` reached it, else where it
        listens."""
        settings = self._context.settings
        if settings.public_url:
            return settings.public_url.rstrip("/")
        return str(request.base_url).rstrip("/") if request else f"http://{settings.host}:{settings.port}"

    def file(self, base: str, attachment: Attachment, recipient: str) -> str:
        """The address of a file of a reply to this recipient."""
        token = self._tokens.upload(attachment.blob, self._reader(recipient))
        return f"{base}{self._path}/{attachment.blob}?token={token}"

    def source(self, base: str, citation: Citation) -> str:
        """The address of our rendering of the source, at the cited place."""
        return base + source_path(citation)

    async def give(self, request: Request) -> Response:
        """`GET {path}/{blob}?token=`: the bytes, with headers that keep a browser from running any of it."""
        blob = request.path_params["blob"]
        try:
            reader = self._tokens.opens(request.query_params.get("token", ""), blob)
            if not reader.startswith(self._reader("").id):
                raise Unverified("another channel's link")
            _, _, _, media_type = await self._context.store.owner(blob)
            data = await self._context.blobs.get(blob)
        except (Unverified, NotFound):
            return problem(404, "not_found", "there is no such file, or the link is too old")
        shown = media_type.startswith(SHOWN) and "svg" not in media_type
        headers = {**HEADERS, "Content-Disposition": "inline" if shown else "attachment"}
        return Response(data, media_type=media_type if shown else "application/octet-stream", headers=headers)

    def _reader(self, recipient: str) -> Visitor:
        """Whom a link is for; never the id of a widget's visitor."""
        return Visitor(f"{self._channel}:{recipient}", "default")


def described(attachment: Attachment, address: str) -> dict[str, Any]:
    """A file in JSON, by its address."""
    name = attachment.name.text or ""
    return {"src": address, "media_type": attachment.media_type, "size": attachment.size, "name": name}
