"""What a customer said or showed -> text, with a word for the customer where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bot import sandbox
from bot.decode import PICTURES, SOUNDS, sniff
from bot.engines.base import Captioner, Speech
from bot.errors import Rejected
from bot.settings import Limits
from bot.types import Attachment

__all__ = ["Understanding", "sniff", "understand_media"]


@dataclass(frozen=True, slots=True)
class Understanding:
    """The text made of one attachment. `search` is what of it to search with (without "or" and quotation marks).

    `note` is the key of the response that tells the customer what went wrong or was left out (`utter_audio_cut` comes
    with a text, the others without). `truncated`: only the first `seconds` were listened to.
    """

    text: str
    kind: Literal["transcript", "caption"]
    language: str | None = None
    note: str | None = None
    truncated: bool = False
    search: str = ""
    engine: str = ""
    confidence: float = 0.0
    seconds: float = 0.0


async def understand_media(
    attachment: Attachment,
    data: bytes,
    speech: Speech,
    captioner: Captioner,
    *,
    limits: Limits,
    language: str | None = None,
) -> Understanding:
    """Listen to or look at an attachment. `language` is the conversation's, for pictures without words.

    Files that cannot be opened, or hang their decoder, give a note, not an error. Raises EngineError when a model
    fails, hangs or is busy.
    """
    try:
        media_type = sniff(data)
    except Rejected:
        return _unsupported(attachment.kind)
    if media_type in SOUNDS:
        return await _listen(data, speech, limits)
    assert media_type in PICTURES  # noqa: S101 - sniff knows nothing else
    return await _look(data, captioner, limits, language)


async def _listen(data: bytes, speech: Speech, limits: Limits) -> Understanding:
    try:
        audio = await sandbox.audio(data, limits.audio_seconds)
    except Rejected:
        return _unsupported("audio")
    heard = await speech.transcribe(audio)
    if not heard.text.strip():
        return Understanding("", "transcript", note="utter_audio_empty", engine=speech.name, seconds=audio.seconds)
    return Understanding(
        heard.text.strip(),
        "transcript",
        heard.language,
        "utter_audio_cut" if audio.truncated else None,
        audio.truncated,
        search=heard.text.strip(),
        engine=speech.name,
        confidence=heard.confidence,
        seconds=audio.seconds,
    )


async def _look(data: bytes, captioner: Captioner, limits: Limits, language: str | None) -> Understanding:
    try:
        picture = await sandbox.picture(data, limits.picture_pixels)
    except Rejected:
        return _unsupported("image")
    seen = await captioner.caption(picture)
    text = seen.text.strip()
    if not text:
        return Understanding("", "caption", note="utter_picture_empty", engine=captioner.name)
    names = " ".join(name for name, _ in seen.objects)
    search = " ".join(f"{seen.screen_text} {names}".split()) or text
    return Understanding(
        text,
        "caption",
        _language_of(seen.screen_text) or language,
        search=search,
        engine=captioner.name,
        confidence=max((chance for _, chance in seen.objects), default=1.0 if seen.screen_text else 0.0),
    )


def _unsupported(kind: Literal["image", "audio", "file"]) -> Understanding:
    """What could not be opened. `kind` is what it was sent as."""
    note = {"audio": "utter_audio_unsupported", "image": "utter_picture_unsupported"}.get(
        kind, "utter_file_unsupported"
    )
    return Understanding("", "transcript" if kind == "audio" else "caption", note=note)


def _language_of(text: str) -> str | None:
    """ "zh" for words mostly in Chinese characters, "en" for enough Latin ones, None for too few to tell."""
    chinese = sum("\u4e00" <= letter <= "\u9fff" for letter in text)
    latin = sum(letter.isascii() and letter.isalpha() for letter in text)
    if chinese >= 4 and 3 * chinese >= latin:
        return "zh"
    return "en" if latin >= 12 else None
