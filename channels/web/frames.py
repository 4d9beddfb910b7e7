"""Events and emissions -> the frames that the widget reads. Pure; the wire is written down in WIRE.md."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from bot.events import (
    Deleted,
    Edited,
    Event,
    Feedback,
    HandedOver,
    Received,
    Reopened,
    Resolved,
    Returned,
    Sent,
    Understood,
)
from bot.types import Attachment, Citation, Emission, Message
from channels.web.markdown import plain, render

Frame = dict[str, Any]

SHOWN_ELSEWHERE = frozenset({"utter_heard", "utter_seen"})
"""What was heard or seen stands under the customer's own message, as a `heard` frame, and not as a reply as well."""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes frames for one visitor: `link` gives the address of an upload that only they can open, `heard` the words
    for what was understood of a voice or picture."""

    link: Callable[[Attachment], str]
    heard: Callable[[str, str], str]

    def frames(self, events: Iterable[Event]) -> list[Frame]:
        """One frame at most for each event, in order."""
        made: list[Frame] = []
        replies: dict[str, Frame] = {}
        for event in events:
            frame = self._feedback(event, replies) if isinstance(event.body, Feedback) else self.frame(event)
            if frame is None:
                continue
            if frame["type"] == "message":
                replies[frame["id"]] = frame
            made.append(frame)
        return made

    def waiting(self, message: Message) -> Frame:
        """A message that is stored and whose turn is not committed yet; its `message` frame takes the place."""
        return {
            "type": "waiting",
            "message_id": message.id,
            "client_id": (message.external_id or "").partition(":")[2],
            "text": message.text,
            "time": message.sent_at.isoformat(),
            "attachments": [self._attachment(item) for item in message.attachments],
        }

    def frame(self, event: Event) -> Frame | None:  # noqa: PLR0911 - one line a kind of event
        """The frame of one event; None where a customer sees nothing of it."""
        match event.body:
            case Received() as body:
                return self._received(event, body)
            case Sent() as body:
                return None if body.template in SHOWN_ELSEWHERE else self._sent(event, body)
            case Understood() as body if body.text.text:
                text = self.heard(body.kind, body.text.text)
                return {
                    "type": "heard",
                    "seq": event.sequence,
                    "message_id": body.message_id,
                    "attachment": body.attachment,
                    "kind": body.kind,
                    "text": text,
                }
            case HandedOver():
                return _status(event, "open", "people")
            case Returned():
                return _status(event, "pending", "bot")
            case Resolved():
                return _status(event, "resolved", "bot")
            case Reopened() as body:
                return _status(event, "open" if body.to == "people" else "pending", body.to)
            case Edited() as body:
                text = body.text.text or ""
                return {
                    "type": "edited",
                    "seq": event.sequence,
                    "id": body.message_id,
                    "html": plain(text),
                    "text": text,
                }
            case Deleted() as body:
                return {"type": "deleted", "seq": event.sequence, "id": body.message_id}
            case _:
                return None

    def _received(self, event: Event, body: Received) -> Frame:
        text = body.text.text or ""
        frame = self._message(event, body.message_id, "customer", plain(text), text)
        if body.external_id:
            frame["client_id"] = body.external_id.partition(":")[2]
        frame["attachments"] = [self._attachment(item) for item in body.attachments]
        return frame

    def _sent(self, event: Event, body: Sent) -> Frame:
        text = body.text.text or ""
        author = event.actor.kind if event.actor.kind in {"bot", "agent"} else "system"
        frame = self._message(event, body.reply_id, author, render(text), text)
        frame["buttons"] = [{"title": button.title, "payload": button.payload} for button in body.buttons]
        frame["citations"] = [cited(citation, number) for number, citation in enumerate(body.citations, 1)]
        frame["attachments"] = [self._attachment(item) for item in body.attachments]
        frame["language"] = body.language
        return frame

    def _message(self, event: Event, id: str, author: str, html: str, text: str) -> Frame:
        return {
            "type": "message",
            "seq": event.sequence,
            "id": id,
            "from": author,
            "html": html,
            "text": text,
            "time": event.time.isoformat(),
            "buttons": [],
            "citations": [],
            "attachments": [],
            "language": None,
        }

    def _attachment(self, item: Attachment) -> Frame:
        return {
            "id": item.id,
            "kind": item.kind,
            "media_type": item.media_type,
            "name": item.name.text or "",
            "href": self.link(item),
        }

    def _feedback(self, event: Event, replies: dict[str, Frame]) -> Frame | None:
        body = event.body
        assert isinstance(body, Feedback)  # noqa: S101 - the caller's match
        if body.reply_id in replies:
            replies[body.reply_id]["feedback"] = body.rating
        return {"type": "feedback", "seq": event.sequence, "reply_id": body.reply_id, "rating": body.rating}


def _status(event: Event, status: str, owner: str) -> Frame:
    return {"type": "status", "seq": event.sequence, "status": status, "owner": owner}


def cited(citation: Citation, number: int) -> Frame:
    """A citation with the address of its source page, opened at the quote. Relative to the server."""
    frame = {"n": number, "title": citation.title, "quote": citation.quote, "href": source_path(citation)}
    return frame | {"url": citation.url} if citation.url else frame


def source_path(citation: Citation) -> str:
    """`/source/COLLECTION/DOCUMENT?v=VERSION&start=S&end=E#cite`"""
    query = urlencode({"v": citation.version, "start": citation.start, "end": citation.end})
    return f"/source/{quote(citation.collection, safe='')}/{quote(citation.document)}?{query}#cite"


def provisional(emission: Emission) -> Frame:
    """What is being said, before it is committed."""
    return {
        "type": "provisional",
        "reply_id": emission.reply_id,
        "attempt": emission.attempt,
        "kind": emission.kind,
        "html": render(emission.text) if emission.text else "",
    }


def heard(message_id: str, text: str) -> Frame:
    """What was heard in a recording, or seen in a picture, before it is committed: without a sequence number."""
    return {"type": "heard", "message_id": message_id, "text": text}


def slow(text: str, status: str, owner: str) -> Frame:
    """It takes longer than usual: said once, not stored."""
    return {"type": "status", "status": status, "owner": owner, "text": text}


def nack(client_id: object, code: str, text: str, retry_after: float | None = None) -> Frame:
    """A client's frame was refused. `retry_after` seconds: the same may be sent again then."""
    frame: Frame = {"type": "nack", "client_id": client_id, "error": {"code": code, "text": text}}
    return frame | {"retry_after": round(retry_after, 1)} if retry_after is not None else frame
