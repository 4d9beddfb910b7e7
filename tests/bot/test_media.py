from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from bot import media
from bot.engines.base import Audio, Caption, Picture, Transcript
from bot.errors import Overloaded
from bot.media import Understanding, understand_media
from bot.settings import Limits
from bot.types import Attachment
from tests.bot import media_files as files


@dataclass
class Ears:
    """Hears what it is told to."""

    text: str = "Where is my parcel?"
    name: str = "ears"
    heard: list[Audio] = field(default_factory=list)

    async def start(self) -> None: ...
    async def close(self) -> None: ...
    def ready(self) -> bool:
        return True

    async def transcribe(self, audio: Audio) -> Transcript:
        self.heard.append(audio)
        return Transcript(self.text, "en" if self.text else None, 0.9, audio.seconds)


DISHWASHER = Caption("dishwasher: “Error E14”", "Error E14", (("dishwasher", 0.8),))


@dataclass
class Eyes:
    """Sees what it is told to."""

    seen: Caption = DISHWASHER
    name: str = "eyes"

    async def start(self) -> None: ...
    async def close(self) -> None: ...
    def ready(self) -> bool:
        return True

    async def caption(self, picture: Picture) -> Caption:
        return self.seen


def attachment(media_type: str = "audio/wav") -> Attachment:
    return Attachment(blob="b" * 32, media_type=media_type, size=1)


async def understood(
    data: bytes, ears: Ears | None = None, eyes: Eyes | None = None, kind: str = "audio/wav", **limits: float
) -> Understanding:
    chosen = Limits.model_validate(limits)
    return await understand_media(attachment(kind), data, ears or Ears(), eyes or Eyes(), limits=chosen, language="de")


async def test_a_voice_message_becomes_its_words() -> None:
    result = await understood(files.recording(files.tone(1.0), "webm"))
    assert (result.text, result.kind, result.language, result.note) == ("Where is my parcel?", "transcript", "en", None)
    assert result.search == result.text
    assert result.engine == "ears"


async def test_a_long_one_is_cut_and_the_customer_told() -> None:
    ears = Ears()
    result = await understood(files.recording(files.tone(3.0)), ears, audio_seconds=2.0)
    assert (result.note, result.truncated, result.seconds) == ("utter_audio_cut", True, 2.0)
    assert ears.heard[0].seconds == 2.0


async def test_nothing_heard_and_nothing_seen_is_said() -> None:
    assert (await understood(files.recording(files.tone(1.0)), Ears(""))).note == "utter_audio_empty"
    result = await understood(files.picture(), eyes=Eyes(Caption("")), kind="image/png")
    assert (result.text, result.note, result.kind) == ("", "utter_picture_empty", "caption")


async def test_a_picture_becomes_its_words_and_objects() -> None:
    result = await understood(files.picture(), kind="image/png")
    assert result.text == "dishwasher: “Error E14”"
    assert result.search == "Error E14 dishwasher"
    assert result.language == "de"


@pytest.mark.parametrize(
    ("words", "language"), [("请清洗排水泵过滤器", "zh"), ("Please clean the filter", "en"), ("E14", "de")]
)
async def test_the_language_of_a_picture_is_that_of_its_words(words: str, language: str) -> None:
    result = await understood(files.picture(), eyes=Eyes(Caption(words, words)), kind="image/png")
    assert result.language == language


@pytest.mark.parametrize(
    ("data", "kind", "note"),
    [
        (b"<svg onload='alert(1)'/>", "image/svg+xml", "utter_picture_unsupported"),
        (b"\x89PNG\r\n\x1a\nbroken", "image/png", "utter_picture_unsupported"),
        (b"RIFF\0\0\0\0WAVEbroken", "audio/wav", "utter_audio_unsupported"),
        (b"", "audio/ogg", "utter_audio_unsupported"),
        (b"%PDF-1.7", "application/pdf", "utter_file_unsupported"),
    ],
)
async def test_what_cannot_be_opened_is_said_in_the_words_for_its_kind(data: bytes, kind: str, note: str) -> None:
    result = await understood(data, kind=kind)
    assert (result.text, result.note) == ("", note)


async def test_an_mp4_that_calls_itself_a_png_is_not_opened() -> None:
    assert (await understood(files.video(), kind="image/png")).note == "utter_picture_unsupported"


async def test_a_recording_that_calls_itself_a_picture_is_heard() -> None:
    assert (await understood(files.recording(files.tone(1.0)), kind="image/png")).kind == "transcript"


async def test_a_busy_engine_is_the_callers_affair() -> None:
    class Busy(Ears):
        async def transcribe(self, audio: Audio) -> Transcript:
            raise Overloaded("speech has 64 jobs waiting")

    with pytest.raises(Overloaded):
        await understood(files.recording(files.tone(0.5)), Busy())


def test_every_note_is_a_response_of_the_demo_company() -> None:
    import re
    from pathlib import Path

    notes = set(re.findall(r"utter_\w+", Path(media.__file__).read_text(encoding="utf-8")))
    responses = Path(__file__).parents[2] / "data" / "domain" / "responses.yml"
    assert {note for note in notes if f"{note}:" not in responses.read_text(encoding="utf-8")} == set()
    assert len(notes) == 6
