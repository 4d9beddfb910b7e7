"""Fakes of every engine: no weights, no threads, the same answer for the same input. For tests and for trying out.

They do what the real ones do in the simplest way that makes whole turns meaningful: the encoder counts words, the
reader takes the sentence that shares most words with the question, the generator repeats the evidence.
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncGenerator, Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bot.engines.base import (
    Audio,
    Caption,
    ChatMessage,
    Classified,
    Encoder,
    Picture,
    Span,
    Tagged,
    Transcript,
    Verdict,
)
from bot.engines.weights import Weights
from bot.errors import EngineUnready
from bot.settings import Settings

WORD = re.compile(r"[a-z0-9]+|[\u3400-\u9fff]")
SENTENCE = re.compile("[^.!?。\uff01\uff1f\n]+[.!?。\uff01\uff1f]*")
COMMON = frozenset(
    word
    for line in (
        "a an and are as at be by can do does for from how i if in is it me my of on or that the this to we what when",
        "where which who will with you your 的 了 吗 我 你 是 在",
    )
    for word in line.split()
)


def words(text: str) -> list[str]:
    """Content words in lower case, without a plural's s; each Chinese character is a word."""
    found = WORD.findall(text.lower())
    return [word.removesuffix("s") if len(word) > 3 else word for word in found if word not in COMMON]


class _Fake:
    """Starting and closing, and an `error` that a test may set to make every call fail."""

    def __init__(self, settings: Settings | None = None, weights: Weights | None = None) -> None:
        del settings, weights  # made like every engine
        self.name = f"fake-{type(self).__name__.removeprefix('Fake').lower()}"
        self.error: Exception | None = None
        self.delay = 0.0
        self._started = False

    async def start(self) -> None:
        self._started = True

    async def close(self) -> None:
        self._started = False

    def ready(self) -> bool:
        return self._started

    async def _begin(self) -> None:
        if not self._started:
            raise EngineUnready(f"{self.name} is not started")
        await asyncio.sleep(self.delay)
        if self.error is not None:
            raise self.error


class FakeSpeech(_Fake):
    """Hears `text` in any sound that is not silence."""

    text = "Where is my parcel?"

    def __init__(
        self, settings: Settings | None = None, weights: Weights | None = None, *, languages: Sequence[str] = ("en",)
    ) -> None:
        super().__init__(settings, weights)
        self.languages = tuple(languages)

    async def transcribe(self, audio: Audio) -> Transcript:
        await self._begin()
        silent = not audio.samples.size or float(np.abs(audio.samples).max()) < 0.01
        return Transcript("", None, 0.0, audio.seconds) if silent else Transcript(self.text, "en", 0.9, audio.seconds)


class FakeCaptioner(_Fake):
    """Sees a picture's size and its brightness; a test may set `screen_text`."""

    screen_text = ""

    async def caption(self, picture: Picture) -> Caption:
        await self._begin()
        height, width = picture.pixels.shape[:2]
        kind = "bright" if float(picture.pixels.mean()) > 127 else "dark"
        text = self.screen_text or f"a {kind} picture, {width} by {height}"
        return Caption(text, self.screen_text, ((kind, 1.0),))


class FakeEncoder(_Fake):
    """Counts words and pairs of neighbours in `dimensions` buckets."""

    dimensions = 256

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        await self._begin()
        return np.stack([self.vector(text) for text in texts]) if texts else np.zeros((0, self.dimensions), np.float32)

    def vector(self, text: str) -> NDArray[np.float32]:
        """One text's vector, of length 1."""
        found = words(text) or ["\0"]
        vector = np.zeros(self.dimensions, np.float32)
        for term in [*found, *(f"{one} {two}" for one, two in pairwise(found))]:
            vector[zlib.crc32(term.encode()) % self.dimensions] += 1
        return vector / np.float32(np.linalg.norm(vector))


class FakeReader(_Fake):
    """The sentence with most of the question's words; the score is the share of them that it has."""

    threshold = 0.5

    async def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        await self._begin()
        return [self._span(set(words(question)), passage) for passage in passages]

    def _span(self, asked: set[str], passage: str) -> Span:
        best = Span(0, 0, 0.0)
        for match in SENTENCE.finditer(passage):
            share = len(asked & set(words(match[0]))) / max(len(asked), 1)
            if share > best.score:
                lead = len(match[0]) - len(match[0].lstrip())
                best = Span(match.start() + lead, match.end() - (len(match[0]) - len(match[0].rstrip())), share)
        return best


class FakeGenerator(_Fake):
    """Says what `script` makes of the messages; without one it repeats the last message's longest sentence."""

    def __init__(
        self,
        settings: Settings | None = None,
        weights: Weights | None = None,
        *,
        script: str | Callable[[Sequence[ChatMessage]], str] | None = None,
    ) -> None:
        super().__init__(settings, weights)
        self.script = script
        self.closed_early = 0

    async def stream(
        self, messages: Sequence[ChatMessage], *, max_tokens: int = 96, seed: int = 0
    ) -> AsyncGenerator[str]:
        """One word a piece, `delay` seconds before each."""
        del seed
        pieces = re.findall(r"\s*\S+", self._reply(messages))[:max_tokens]
        for number, piece in enumerate(pieces):
            await self._begin()
            try:
                yield piece
            except GeneratorExit:
                self.closed_early += number + 1 < len(pieces)
                raise

    def _reply(self, messages: Sequence[ChatMessage]) -> str:
        if isinstance(self.script, str):
            return self.script
        if self.script is not None:
            return self.script(messages)
        found = [match[0].strip() for match in SENTENCE.finditer(messages[-1].content)] if messages else []
        return max(found, key=len, default="")


class FakeChecker(_Fake):
    """A sentence is supported when one piece of evidence has most of its words and all of its numbers."""

    def __init__(
        self, settings: Settings | None = None, weights: Weights | None = None, *, encoder: Encoder | None = None
    ) -> None:
        super().__init__(settings, weights)
        del encoder  # the real ones use it

    async def check(self, question: str, sentences: Sequence[str], evidence: Sequence[str]) -> list[Verdict]:
        await self._begin()
        return [self._verdict(sentence, evidence) for sentence in sentences]

    def _verdict(self, sentence: str, evidence: Sequence[str]) -> Verdict:
        said = set(words(sentence))
        if not said:
            return Verdict(False, 0.0, "nothing is said")
        known = [set(words(text)) for text in evidence]
        support = max((len(said & text) / len(said) for text in known), default=0.0)
        numbers = {word for word in said if word[0].isdigit()}
        if not numbers <= set().union(*known):
            return Verdict(False, support, "a number is not in the evidence")
        return Verdict(True, support) if support >= 0.6 else Verdict(False, support, "not in the evidence")


class FakeClassifier(_Fake):
    """The label that shares most words with a text, its underscores read as blanks; none when no label shares any."""

    labels: tuple[str, ...] = ("return_item", "cancel_subscription", "track_order")

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        await self._begin()
        return [self._classified(set(words(text))) for text in texts]

    def _classified(self, said: set[str]) -> Classified:
        shares = [(label, len(said & (has := set(words(label.replace("_", " "))))) / len(has)) for label in self.labels]
        ranking = tuple(sorted(shares, key=lambda pair: -pair[1]))
        return Classified(ranking[0][0] if ranking[0][1] else None, ranking[0][1], ranking)


class FakeTagger(_Fake):
    """Every run of digits is the slot that was asked for; without one it is a "number"."""

    labels: tuple[str, ...] = ("number",)

    async def tag(self, text: str, asked: str = "") -> list[Tagged]:
        await self._begin()
        label = asked or self.labels[0]
        return [Tagged(label, match.start(), match.end(), 1.0) for match in re.finditer(r"[0-9]+", text)]
