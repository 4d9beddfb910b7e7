"""What both Whispers share: was anything said, in which language, and what becomes of the pieces that they write.

Whisper invents text on silence, hum and music; the checks here stop it. No single one is enough: a voice detector lets
some music through, and Whisper is at times sure of what it invents. So a piece of text must come from samples in which
the detector hears a voice, be neither improbable nor repetitive, be sayable in the time that the voice lasts, and not
be one of the sentences that Whisper learned from subtitles unless it is sure of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines.base import Audio, Transcript
from bot.engines.loaded import Loaded
from bot.settings import Settings

RATE = 16_000
QUIETEST = 1e-3  # peak of the loudest sample, of 1.0: below it is a microphone that was off
SURE = -0.6
UNLIKELY = -1.2
REPETITIVE = 2.4  # gzip's ratio, Whisper's own limit (Radford et al. 2022, section 4.5)
PER_SECOND = 28.0  # letters; a fast speaker says about 20
PER_SECOND_CJK = 11.0  # characters; a fast speaker says about 7
FOREIGN = 0.97
"""From this probability on, a language that the bot does not speak is believed."""
PROMPTS = {"zh": "以下是普通话的句子。"}
"""What Whisper is told has been said before: it then writes simplified characters, with punctuation."""
CODES = {"yue": "zh", "jw": "jv"}
"""Whisper's codes that are not ISO 639-1, or that our texts know under another."""
UNSPACED = frozenset({"zh", "ja"})

_SUBTITLES = re.compile(
    r"(thank(s| you)( (so|very) much)?( for (watching|listening|your attention))?|(please )?(like and )?subscribe.*"
    r"|see you( (in the )?next (time|video))?|bye( ?bye)?|you|okay|oh|hmm*|uh|the end|music|applause|silence"
    r"|(sub)?titles? by.*|subtitl.*amara.*|.*amara\.org.*|transcri(bed|ption) by.*|www\..*|copyright.*"
    r"|(谢谢|感谢|多谢)(大家)?(观看|收看|收听)?|.*(字幕|点赞|订阅|转发|打赏|明镜).*|请不吝.*|以下是普通话的句子"
    r"|ご視聴.*|시청해.*|продолжение следует|субтитры.*|sous-titr.*|untertitel.*|ondertitel.*)",
    re.IGNORECASE,
)
_EDGES = " \t\n.,!?;:…-–—♪♫*()[]<>\"'。，！？、；：～~「」『』（）【】"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of recognised text. `logprob` is the mean over its tokens, `no_speech` 0 to 1, `compression` gzip's."""

    text: str
    logprob: float
    no_speech: float
    compression: float


Listen = Callable[[Any, NDArray[np.float32]], tuple[list[Piece], str]]
"""A model and samples to pieces of text, and Whisper's code of their language."""


def loaded(load: Callable[[], Any], listen: Listen, *, name: str, settings: Settings) -> Loaded[Any, Audio, Transcript]:
    """Recordings to transcripts behind a batcher, one by one. A long one may take as long as it lasts on top."""
    return Loaded(
        load,
        lambda model, batch: [transcript(audio, model, listen) for audio in batch],
        name=name,
        settings=settings,
        seconds=settings.limits.audio_seconds,
    )


def transcript(audio: Audio, model: Any, listen: Listen) -> Transcript:
    """What was said in a recording: `listen` is given the stretches with a voice, and what it writes is looked through.

    No text and no language where nothing was said.
    """
    nothing = Transcript("", None, 0.0, audio.seconds)
    stretches = voiced(audio.samples)
    if not stretches:
        return nothing
    samples = np.concatenate([audio.samples[start:end] for start, end in stretches])
    pieces, code = listen(model, samples)
    said = kept(pieces, len(samples) / RATE)
    if not said:
        return nothing
    language = CODES.get(code, code)
    text = ("" if language in UNSPACED else " ").join(piece.text.strip() for piece in said)
    return Transcript(text, language, confidence(said), audio.seconds)


def spoken(probabilities: Sequence[tuple[str, float]], languages: Sequence[str]) -> str:
    """Whisper's code of the language that was spoken: the likeliest of `languages`, unless it is surely another one.

    A short recording with an accent looks like a language nobody here speaks; what is in it then reads as nonsense.
    """
    likeliest, sure = max(probabilities, key=lambda each: each[1])
    ours = [each for each in probabilities if CODES.get(each[0], each[0]) in languages]
    return likeliest if sure > FOREIGN or not ours else max(ours, key=lambda each: each[1])[0]


def voiced(samples: NDArray[np.float32]) -> list[tuple[int, int]]:
    """The stretches (first, last sample) in which Silero's detector, which lies in faster-whisper, hears a voice."""
    if not len(samples) or float(np.abs(samples).max()) < QUIETEST:
        return []
    from faster_whisper.vad import VadOptions, get_speech_timestamps

    options = VadOptions(threshold=0.5, min_speech_duration_ms=150, min_silence_duration_ms=500, speech_pad_ms=250)
    return [(each["start"], each["end"]) for each in get_speech_timestamps(samples, options)]


def kept(pieces: Sequence[Piece], seconds: float) -> list[Piece]:
    """The pieces that were said. `seconds` is for how long a voice was heard."""
    found = [piece for piece in pieces if believable(piece)]
    if sum(map(_time_to_say, (piece.text for piece in found))) > seconds + 0.5 or _repeats([p.text for p in found]):
        return []
    return found


def believable(piece: Piece) -> bool:
    """Whether a piece on its own could have been said."""
    bare = piece.text.strip(_EDGES)
    if not bare or piece.compression > REPETITIVE or piece.logprob < UNLIKELY or _stutters(bare):
        return False
    if piece.no_speech > 0.6 and piece.logprob < -0.4:
        return False
    return not _SUBTITLES.fullmatch(bare) or (piece.logprob > SURE and piece.no_speech < 0.4)


def confidence(pieces: Sequence[Piece]) -> float:
    """0 to 1: the geometric mean of the tokens' probabilities, longer pieces counting more."""
    total = sum(len(piece.text) for piece in pieces)
    if not total:
        return 0.0
    return float(np.exp(sum(piece.logprob * len(piece.text) for piece in pieces) / total))


def _time_to_say(text: str) -> float:
    """The least number of seconds in which a person can say it."""
    wide = sum("\u3040" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3" for letter in text)
    return wide / PER_SECOND_CJK + (len(text.strip()) - wide) / PER_SECOND


def _stutters(text: str) -> bool:
    """One short phrase over and over: "no no no no", "嗯嗯嗯嗯嗯"."""
    if re.fullmatch(r"(.{1,12}?)\1{4,}.{0,12}", text):
        return True
    words = re.findall(r"\w+", text.lower())
    return len(words) >= 8 and Counter(words).most_common(1)[0][1] > 0.5 * len(words)


def _repeats(texts: Sequence[str]) -> bool:
    """The same sentence in every window of a recording."""
    bare = [text.strip(_EDGES).lower() for text in texts]
    return len(bare) >= 3 and Counter(bare).most_common(1)[0][1] > 0.6 * len(bare)
