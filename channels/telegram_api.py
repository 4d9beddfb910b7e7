"""Telegram's Bot API over HTTP, and replies in the HTML that it understands. https://core.telegram.org/bots/api"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from html import escape
from typing import Any

import httpx
import nh3

from bot.errors import DeliveryError, TooLarge
from bot.types import Citation, Reply
from channels.web.markdown import render

TEXT_LIMIT = 4096
"""UTF-16 units that one message may have, after entities are parsed."""

PIECE = 3_500
"""Characters of a piece when a reply must be split: leaves room for emoji, which count twice."""

POLL_SECONDS = 25
UPDATES = ["message", "edited_message", "callback_query"]
"""What we want to be told of."""
TAGS = {"b", "strong", "i", "em", "s", "a", "code", "pre", "blockquote"}


class TelegramApi:
    """Calls methods; every failure is a DeliveryError that says whether trying again can help. The token stands in
    every address, so no address is ever put into a message."""

    def __init__(self, base: str, token: str) -> None:
        self._methods = f"{base.rstrip('/')}/bot{token}/"
        self._files = f"{base.rstrip('/')}/file/bot{token}/"
        self._client = httpx.AsyncClient(timeout=httpx.Timeout(20.0, read=POLL_SECONDS + 15.0))

    async def close(self) -> None:
        await self._client.aclose()

    async def call(self, method: str, files: dict[str, Any] | None = None, **parameters: Any) -> Any:
        """The `result` of a method."""
        try:
            if files:
                answer = await self._client.post(self._methods + method, data=parameters, files=files)
            else:
                answer = await self._client.post(self._methods + method, json=parameters)
            body = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise DeliveryError(f"Telegram's {method} does not answer: {type(error).__name__}") from None
        if isinstance(body, dict) and body.get("ok"):
            return body.get("result")
        code = answer.status_code
        told = body if isinstance(body, dict) else {}
        after = (told.get("parameters") or {}).get("retry_after")
        permanent = 400 <= code < 500 and code not in {408, 409, 429}
        text = f"Telegram's {method} answered {code}: {str(told.get('description', ''))[:200]}"
        raise DeliveryError(text, permanent=permanent, retry_after=float(after) if after else None)

    async def download(self, file_id: str, limit: int) -> bytes:
        """The bytes of a file that somebody sent. TooLarge before more than `limit` of them are read."""
        try:
            found = await self.call("getFile", file_id=file_id)
        except DeliveryError as error:
            if error.permanent and "too big" in str(error):
                raise TooLarge("Telegram gives out files up to 20 MB only") from None
            raise
        if int(found.get("file_size") or 0) > limit:
            raise TooLarge(f"a file of {found['file_size']} bytes; at most {limit} are taken")
        chunks = bytearray()
        try:
            async with self._client.stream("GET", self._files + str(found["file_path"])) as answer:
                if answer.is_error:
                    gone = answer.status_code in {400, 403, 404, 410}
                    raise DeliveryError(f"Telegram answered {answer.status_code} for a file", permanent=gone)
                async for chunk in answer.aiter_bytes():
                    chunks += chunk
                    if len(chunks) > limit:
                        raise TooLarge(f"a file of more than {limit} bytes")
        except httpx.HTTPError as error:
            raise DeliveryError(f"a file cannot be fetched from Telegram: {type(error).__name__}") from None
        return bytes(chunks)


def callback_data(payload: str) -> str:
    """A button's payload as callback data, which may have 64 bytes only: a digest that is looked up again when it comes
    back, so that nothing but an offered payload can come."""
    return f"p:{hashlib.sha256(payload.encode()).hexdigest()[:32]}"


def messages_of(reply: Reply, address: Callable[[Citation], str | None]) -> list[dict[str, Any]]:
    """The parameters of sendMessage for a reply: pieces within the limit; buttons hang under the last one.

    `address` gives a citation's URL, None where there is none that a phone could open.
    """
    body = to_html(reply.text)
    sources = [_source(number, citation, address(citation)) for number, citation in enumerate(reply.citations, 1)]
    if sources:
        body = f"{body}\n\n" + "\n".join(sources)
    pieces = [body] if len(body) <= PIECE else [to_html(piece) for piece in _split(reply.text)]
    if len(body) > PIECE and sources:
        pieces.append("\n".join(sources))
    made: list[dict[str, Any]] = [
        {"text": piece, "parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        for piece in pieces
        if piece
    ]
    if reply.buttons and made:
        rows = [[{"text": button.title, "callback_data": callback_data(button.payload)}] for button in reply.buttons]
        made[-1]["reply_markup"] = {"inline_keyboard": rows}
    return made


def to_html(markdown: str) -> str:
    """Markdown in the few tags that Telegram knows; lists, headings and tables become lines."""
    html = render(markdown)
    html = re.sub(r"<h[1-6]>(.*?)</h[1-6]>", r"<b>\1</b>\n\n", html, flags=re.DOTALL)
    html = re.sub(r"\s*<li>\s*(?:<p>)?", "\n• ", html)
    html = re.sub(r"</t[hd]>\s*<t[hd][^>]*>", " | ", html)
    html = re.sub(r"</tr>", "\n", html)
    html = re.sub(r"<br ?/?>\n?", "\n", html)
    html = re.sub(r"</p>\s*", "\n\n", html)
    html = re.sub(r"<hr ?/?>", "—\n\n", html)
    cleaned = nh3.clean(html, tags=TAGS, attributes={"a": {"href"}}, link_rel=None)
    return re.sub(r"\n{3,}", "\n\n", cleaned).strip()


def _source(number: int, citation: Citation, url: str | None) -> str:
    title = escape(citation.title)
    return f'[{number}] <a href="{escape(url)}">{title}</a>' if url else f"[{number}] {title}"


def _split(text: str) -> list[str]:
    """Pieces of at most PIECE characters, parted at blank lines, else at line ends, else anywhere."""
    pieces, rest = [], text.strip()
    while len(rest) > PIECE:
        blank, line, space = (rest.rfind(mark, 1, PIECE) for mark in ("\n\n", "\n", " "))
        cut = next((place for place in (blank, line, space) if place > 0), PIECE)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces
