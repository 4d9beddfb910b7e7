"""What the bot speaks of: what comes in and what goes out. (What is remembered of it: `bot.events`.)

Everything is frozen, checked and plain: it can be stored, queued and replayed. No class here knows a channel, a model
or a database.
"""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


def new_id() -> str:
    """A random id, 32 hex digits."""
    return uuid.uuid4().hex


def now() -> datetime:
    """The present moment, UTC, time zone aware."""
    return datetime.now(UTC)


class Plain(BaseModel):
    """Frozen plain data that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Plain):
    """Text that a person wrote or said, kept apart from the event that refers to it. `text` None: it was erased."""

    ref: str = Field(default_factory=new_id)
    text: str | None = None


# -- coming in ---------------------------------------------------------------------------------------------------------

SURROGATE = re.compile("[\ud800-\udfff]")


def whole(given: Any) -> Any:
    """The same data without halves of UTF-16 pairs, which JSON can carry (`"\\ud800"`) and no file or database can."""
    if isinstance(given, str):
        return SURROGATE.sub("\ufffd", given)
    if isinstance(given, dict):
        return {whole(key): whole(value) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [whole(item) for item in given]
    return given


class Attachment(Plain):
    """An upload that a message brought: its bytes lie in the blob store under `blob`.

    `media_type` is what the bytes are (sniffed), `name` what the sender called it (personal: erased with the blob). Of
    a file that its platform told of and did not give out, `blob` is "", `media_type` and `size` what the platform said.
    """

    id: str = Field(default_factory=new_id)
    blob: str
    media_type: str
    size: int
    name: Words = Words(ref="", text=None)

    @property
    def kind(self) -> Literal["image", "audio", "file"]:
        """What `media` does with it."""
        head = self.media_type.partition("/")[0]
        return "image" if head == "image" else "audio" if head == "audio" else "file"


class Message(Plain):
    """One message from outside, with nothing of its channel's own classes.

    `channel` is the platform's name in the table of channels, `account` the configured account on it, `sender` the
    platform's id of the person. `external_id` is the platform's id of this delivery: (channel, account, external_id) is
    stored once. `payload` is what a button carried, only when the channel knows that a button was pressed. `profile`
    holds what the platform tells about the sender (name, email, ...).
    """

    id: str = Field(default_factory=new_id)
    channel: str
    account: str = "default"
    sender: str
    external_id: str | None = None
    text: str = ""
    payload: str | None = None
    attachments: tuple[Attachment, ...] = ()
    locale: str | None = None
    profile: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    sent_at: datetime = Field(default_factory=now)

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        return whole(given)


class Trigger(Plain):
    """Why a turn begins. Not every turn begins with a message.

    `messages` holds a burst, in order, for kind "message"; other kinds carry what they need in `data`. Where the ids of
    messages or triggers stand in `data["unreadable"]`, what was stored of them could not be read again.
    """

    id: str = Field(default_factory=new_id)
    conversation: str
    kind: Literal["message", "silence", "reminder", "approval", "returned", "payload"] = "message"
    messages: tuple[Message, ...] = ()
    data: dict[str, Any] = Field(default_factory=dict)


# -- going out ---------------------------------------------------------------------------------------------------------


class Citation(Plain):
    """Where a claim stands: `text[start:end] == quote` in that version of the document's stored text.

    `past_review`: the document's review date had gone by when it was cited; left out where it had not.
    """

    collection: str
    document: str
    version: str
    title: str
    quote: str
    start: int
    end: int
    url: str | None = None
    past_review: bool = Field(default=False, exclude_if=lambda late: not late)


class Button(Plain):
    """A choice offered to the customer. `payload` comes back when it is pressed."""

    title: str
    payload: str


class Outcome(StrEnum):
    """What a turn came to."""

    ANSWERED = "answered"
    ASKED = "asked"
    DONE = "done"
    ABSTAINED = "abstained"
    HANDED_OVER = "handed_over"
    SMALLTALK = "smalltalk"
    BLOCKED = "blocked"
    SILENT = "silent"
    FAILED = "failed"


class Reply(Plain):
    """Something the bot, an agent or the system says. `text` is Markdown; channels render it as they can."""

    id: str = Field(default_factory=new_id)
    text: str
    buttons: tuple[Button, ...] = ()
    citations: tuple[Citation, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    language: str = "en"
    template: str | None = None


class Emission(Plain):
    """What is streamed before the commit: provisional, replaced by the committed reply with the same `reply_id`.

    kind "typing": the bot is at work. "heard": text made from a voice or picture (`text`). "sentence": the next checked
    sentence of the reply (`text`). "reset": what was streamed of this reply is void. A client forgets everything of an
    attempt when a higher one begins.
    """

    conversation: str
    kind: Literal["typing", "heard", "sentence", "reset"]
    reply_id: str = ""
    attempt: int = 1
    text: str = ""


class TurnResult(Plain):
    """What a turn did, for callers that wait for it (REST, `ask`) and for benchmarks."""

    conversation: str
    outcome: Outcome
    replies: tuple[Reply, ...] = ()
    confidence: float = 0.0
    timings_ms: dict[str, float] = Field(default_factory=dict)
    details: dict[str, Any] = Field(default_factory=dict)
