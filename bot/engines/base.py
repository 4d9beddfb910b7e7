"""The engines' Protocols: what the bot asks of a model, and nothing more.

Every method is a coroutine that ends in time: it returns, or raises an `EngineError` (`Overloaded` when the queue is
full, `EngineTimeout` when the model hangs, `EngineUnready` when it is not there) or a `Rejected` for input that no
model could handle. Each Protocol has its fake in `fake.py`, its table in `tables.py` and one contract suite that runs
over the table. `name` tells which model and version answered, and goes into the audit trail.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Device = Literal["auto", "cuda", "cpu"]


@dataclass(frozen=True, slots=True)
class Audio:
    """Mono samples, float32 in -1..1, 16,000 a second. `truncated`: there was more than the limit lets through."""

    samples: NDArray[np.float32]
    truncated: bool = False

    @property
    def seconds(self) -> float:
        return len(self.samples) / 16_000


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said. `text` is empty for silence, noise and music. `language` is an ISO 639-1 code."""

    text: str
    language: str | None
    confidence: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Picture:
    """RGB pixels, uint8 [height, width, 3], upright (EXIF rotation applied), within the size limit."""

    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Caption:
    """What a picture shows. `screen_text` keeps the lines as they stand; `objects` are (label, confidence 0 to 1)."""

    text: str
    screen_text: str = ""
    objects: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """The best answer in one passage, as character offsets into it: `passage[start:end]`.

    `score` is the probability (0 to 1) that the question is answered here by this span, against "no answer".
    `start == end` when the model sees none.
    """

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class ChatMessage:
    role: Literal["system", "user", "assistant"]
    content: str


@runtime_checkable
class Engine(Protocol):
    """What all engines share."""

    name: str

    async def start(self) -> None:
        """Load the model. Idempotent. Raises WeightsError or EngineError with what to do about it."""
        ...

    async def close(self) -> None:
        """Give back threads and memory. Idempotent; nothing hangs on a model that does."""
        ...

    def ready(self) -> bool:
        """Loaded, and not turned away from after hanging."""
        ...


class Speech(Engine, Protocol):
    async def transcribe(self, audio: Audio) -> Transcript: ...


class Captioner(Engine, Protocol):
    async def caption(self, picture: Picture) -> Caption: ...


class Encoder(Engine, Protocol):
    dimensions: int

    async def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors of length 1, float32 [len(texts), dimensions]; an empty text gives a vector too."""
        ...


class Reader(Engine, Protocol):
    async def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        """One span a passage, in the passages' order. A passage over the model's length is read in windows."""
        ...


class Generator(Engine, Protocol):
    def stream(self, messages: Sequence[ChatMessage], *, max_tokens: int = 96, seed: int = 0) -> AsyncGenerator[str]:
        """The reply in pieces, as they are made. Greedy. Closing the iterator stops the model."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check thinks of one sentence. `support` is 0 to 1; `reason` says what blocked it ("" when it passed)."""

    supported: bool
    support: float
    reason: str = ""


class Checker(Engine, Protocol):
    async def check(self, question: str, sentences: Sequence[str], evidence: Sequence[str]) -> list[Verdict]:
        """One verdict a sentence: is it said by the evidence, and does it speak to the question?"""
        ...


@dataclass(frozen=True, slots=True)
class Classified:
    """What a sentence is taken for. `label` is None when it is out of scope; `ranking` are the best pairs of label and
    probability, the likeliest first, whatever the scope; `score` is the first one's probability.
    """

    label: str | None
    score: float
    ranking: tuple[tuple[str, float], ...] = ()


class Classifier(Engine, Protocol):
    labels: tuple[str, ...]

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        """One result a text. `labels` are known from `start` on."""
        ...


@dataclass(frozen=True, slots=True)
class Tagged:
    """Words of a text that fill a slot, or are an entity: `text[start:end]`. `score` is 0 to 1."""

    label: str
    start: int
    end: int
    score: float


class Tagger(Engine, Protocol):
    labels: tuple[str, ...]

    async def tag(self, text: str, asked: str = "") -> list[Tagged]:
        """What is found in a text, in its order, nothing overlapping. `asked` is the slot that was just asked for."""
        ...
