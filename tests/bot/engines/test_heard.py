"""What Whisper wrote is looked through, and becomes a transcript: no model is needed for that."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.engines import heard
from bot.engines.base import Audio
from bot.engines.heard import Piece

TWO_SECONDS = Audio(np.zeros(32_000, np.float32))


def piece(text: str, logprob: float = -0.2, no_speech: float = 0.05, compression: float = 1.0) -> Piece:
    return Piece(text, logprob, no_speech, compression)


@pytest.mark.parametrize(
    "said",
    [
        piece(" How long do I have to return an item?"),
        piece("Thank you.", -0.25),
        piece("你们送货到瑞士吗？"),
        piece("No, no, no, that is not what I ordered."),
        piece("E14"),
    ],
)
async def test_what_people_say_is_kept(said: Piece) -> None:
    assert heard.kept([said], 4.0) == [said]


@pytest.mark.parametrize(
    ("invented", "why"),
    [
        (piece("Thanks for watching!", -0.8, 0.5), "learned from subtitles"),
        (piece("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", -0.7), "learned from subtitles"),
        (piece("字幕由 Amara.org 社区提供", -0.7), "learned from subtitles"),
        (piece("The bus is in the water", -1.5), "improbable"),
        (piece("hello there", -0.5, 0.9), "no speech"),
        (piece("M-M-M-M-M-M-M-M-M-M-M"), "one letter over and over"),
        (piece("嗯嗯嗯嗯嗯嗯嗯嗯"), "one character over and over"),
        (piece("go on and go on and go on and go on", compression=3.0), "repetitive"),
        (piece("♪ ♪"), "no words"),
    ],
)
async def test_what_whisper_invents_is_dropped(invented: Piece, why: str) -> None:
    assert heard.kept([invented], 10.0) == [], why


async def test_more_words_than_can_be_said_in_the_time_are_dropped() -> None:
    text = piece("I would like to know whether you could possibly send me another one of those very nice cups")
    assert heard.kept([text], 6.0) == [text]
    assert heard.kept([text], 1.0) == []


async def test_the_same_sentence_in_every_window_is_dropped() -> None:
    assert heard.kept([piece("I'll be right back.", -0.5)] * 4, 100.0) == []


async def test_the_language_is_one_of_the_bots_unless_it_is_surely_another() -> None:
    assert heard.spoken([("th", 0.77), ("zh", 0.08), ("en", 0.03)], ("en", "zh")) == "zh"
    assert heard.spoken([("fr", 0.99), ("en", 0.005)], ("en", "zh")) == "fr"
    assert heard.spoken([("yue", 0.6), ("en", 0.2)], ("en", "zh")) == "yue"
    assert heard.spoken([("fr", 0.5), ("de", 0.4)], ("sw",)) == "fr"


async def test_confidence_is_between_nothing_and_one() -> None:
    assert heard.confidence([]) == 0.0
    assert 0.0 < heard.confidence([piece("a", -0.5), piece("bc", -0.1)]) < 1.0


@pytest.fixture
def voice(monkeypatch: pytest.MonkeyPatch) -> None:
    """A voice from the first half second to the last."""
    monkeypatch.setattr(heard, "voiced", lambda samples: [(0, 8_000), (24_000, len(samples))])


@pytest.mark.usefixtures("voice")
@pytest.mark.parametrize(
    ("said", "code", "text", "language"),
    [
        ([" Where is", " my parcel?"], "en", "Where is my parcel?", "en"),
        (["你们送货", "到瑞士吗？"], "zh", "你们送货到瑞士吗？", "zh"),
        (["你哋送貨", "去邊度？"], "yue", "你哋送貨去邊度？", "zh"),
    ],
)
def test_pieces_are_joined_as_their_language_is_written(said: list[str], code: str, text: str, language: str) -> None:
    found = heard.transcript(TWO_SECONDS, None, lambda model, samples: ([piece(each) for each in said], code))
    assert (found.text, found.language, found.seconds) == (text, language, 2.0)
    assert found.confidence == pytest.approx(np.exp(-0.2))


@pytest.mark.usefixtures("voice")
def test_only_the_stretches_with_a_voice_are_listened_to() -> None:
    lengths = []

    def listen(model: Any, samples: NDArray[np.float32]) -> tuple[list[Piece], str]:
        lengths.append(len(samples))
        return [piece("Thanks for watching!", -0.8, 0.5), piece("", -0.1)], "en"

    found = heard.transcript(TWO_SECONDS, None, listen)
    assert lengths == [16_000]
    assert (found.text, found.language, found.confidence) == ("", None, 0.0)


def test_a_recording_without_a_voice_is_not_listened_to() -> None:
    def listen(model: Any, samples: NDArray[np.float32]) -> tuple[list[Piece], str]:
        raise AssertionError("listened")

    assert heard.transcript(TWO_SECONDS, None, listen).text == ""
