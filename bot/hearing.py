"""A turn's voices and pictures: from the attachments of its messages to text, or to a word why there is none."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from bot.errors import EngineError, NotFound, Rejected
from bot.events import Understood
from bot.record import Record, Stream
from bot.store.base import Blobs
from bot.types import Attachment, Message, Reply, Words

log = logging.getLogger(__name__)

UNSUPPORTED = {
    "audio": "utter_audio_unsupported",
    "image": "utter_picture_unsupported",
    "file": "utter_file_unsupported",
}
FAILED = {"audio": "utter_audio_failed", "image": "utter_picture_failed"}
SHOWN = {"transcript": "utter_heard", "caption": "utter_seen"}
NOTES = frozenset({"utter_audio_cut", "utter_audio_empty", "utter_picture_empty"})
UNFETCHED = "utter_file_unfetched"

TEMPLATES = frozenset([*UNSUPPORTED.values(), *FAILED.values(), *SHOWN.values(), *NOTES, UNFETCHED])
"""The responses that a domain must have for what is done here."""


class Understanding(Protocol):
    """What `bot.media` makes of an attachment: the text that is shown, and what of it is asked.

    `note` is the response that says why there is no text, or not all of it. `engine` made it.
    """

    @property
    def text(self) -> str: ...
    @property
    def search(self) -> str: ...
    @property
    def engine(self) -> str: ...
    @property
    def language(self) -> str | None: ...
    @property
    def kind(self) -> Literal["transcript", "caption"]: ...
    @property
    def note(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Nothing:
    """No text, and the response that says why."""

    kind: Literal["transcript", "caption"]
    note: str
    text: str = ""
    search: str = ""
    engine: str = ""
    language: str | None = None


Media = Callable[[Attachment, bytes, str], Awaitable[Understanding]]
"""Attachment, its bytes and the customer's language, to text. Raises Rejected or EngineError."""

Say = Callable[..., Reply]
"""The domain, as far as it is needed here: key, and values by name."""


@dataclass(slots=True)
class Heard:
    """What became of a turn's attachments. `texts` to ask with, by message id, those of pictures in `shown` too;
    `failed`: an engine was at fault.
    """

    texts: dict[str, list[str]] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    notes: int = 0
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Ears:
    """Hears a turn's attachments. What was made of one is remembered in `known`, for a turn done again."""

    blobs: Blobs
    media: Media
    seconds: float

    async def hear(
        self, record: Record, messages: tuple[Message, ...], say: Say, stream: Stream, known: dict[str, Understanding]
    ) -> Heard:
        """Write `Understood` events, and say what was heard, or why not, while the bot owns the conversation.

        A conversation that people own gets the text, for them to read, and no word from the bot, except that a file
        never came: nobody else could tell.
        """
        heard = Heard()
        silent = record.state.owner == "people"
        for message in messages:
            for attachment in message.attachments:
                key = attachment.blob or attachment.id
                if key not in known:
                    known[key] = await self._understand(attachment, record.language)
                made = known[key]
                record.add(_understood(message, attachment, made), cause=message.id)
                heard.failed = heard.failed or made.note in FAILED.values()
                if made.text:
                    heard.texts.setdefault(message.id, []).append(made.search or made.text)
                    heard.shown += [made.search or made.text] if made.kind == "caption" else []
                if made.note:
                    heard.notes += 1
                if not silent or made.note == UNFETCHED:
                    self._tell(record, made, say, stream)
        return heard

    def _tell(self, record: Record, made: Understanding, say: Say, stream: Stream) -> None:
        if made.text:
            stream("heard", made.text)
            record.say(say(SHOWN[made.kind], text=made.text))
        if made.note:
            record.say(say(made.note, seconds=f"{self.seconds:g}"))

    async def _understand(self, attachment: Attachment, language: str) -> Understanding:
        kind: Literal["transcript", "caption"] = "transcript" if attachment.kind == "audio" else "caption"
        if not attachment.blob:
            return Nothing(kind, UNFETCHED)
        try:
            data = await self.blobs.get(attachment.blob)
            return await self.media(attachment, data, language)
        except (Rejected, NotFound) as error:
            log.info("attachment %s refused: %s", attachment.id, type(error).__name__)
            return Nothing(kind, UNSUPPORTED[attachment.kind])
        except EngineError as error:
            log.warning("attachment %s not understood: %s", attachment.id, type(error).__name__)
            return Nothing(kind, FAILED.get(attachment.kind, UNSUPPORTED[attachment.kind]))


def _understood(message: Message, attachment: Attachment, made: Understanding) -> Understood:
    return Understood(
        message_id=message.id,
        attachment=attachment.id,
        kind=made.kind,
        text=Words(text=made.text),
        language=made.language,
        engine=made.engine,
        note=made.note,
    )
