"""Replies as Rasa's objects, as its channels' clients know them."""

from __future__ import annotations

from typing import Any

from bot.types import Reply
from channels.links import Links, described


def parts(reply: Reply, recipient: str, links: Links, base: str) -> list[dict[str, Any]]:
    """A reply as Rasa's objects: the text split at blank lines, the buttons with its last piece, pictures and files by
    their address, what Rasa has no word for under `custom`. `base` is where this server is reached."""
    to = {"recipient_id": recipient}
    made: list[dict[str, Any]] = [{**to, "text": piece} for piece in _pieces(reply.text)]
    if reply.buttons:
        buttons = [{"title": button.title, "payload": button.payload} for button in reply.buttons]
        if not made:
            made.append({**to, "text": ""})
        made[-1]["buttons"] = buttons
    for attachment in reply.attachments:
        address = links.file(base, attachment, recipient)
        if attachment.kind == "image":
            made.append({**to, "image": address})
        else:
            made.append({**to, "attachment": {"type": attachment.kind, "payload": described(attachment, address)}})
    if reply.citations:
        cited = [{**citation.model_dump(), "href": links.source(base, citation)} for citation in reply.citations]
        made.append({**to, "custom": {"citations": cited}})
    return made


def _pieces(text: str) -> list[str]:
    stripped = (piece.strip() for piece in text.replace("\r\n", "\n").split("\n\n"))
    return [piece for piece in stripped if piece]
