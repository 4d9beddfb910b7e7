"""Which flow is meant: the encoder over names, descriptions and examples, with words of the name beside it.

English goes by the encoder; in Chinese, which the default encoder does not read, pairs of characters are compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bot import lexicon
from bot.engines.base import Encoder
from bot.flows.expecting import Startable
from bot.understanding import signals

START = 0.43
"""From this on a flow is meant: its likeness, and half of what it is ahead of the next one."""
INFORM = 0.78
"""A question that wants information ("how long does a return take?") starts a flow only from this likeness on, unless
it is about what is the customer's own ("where is my order?").
"""
BUSY = 0.10
"""So much more is asked while another flow waits for an answer."""
REQUEST, STATUS, STATEMENT, QUESTION, PHRASE = 0.50, 0.55, 0.70, 0.75, 0.90
"""Where documents answer questions, a flow is started from this likeness on by: a request, a question of how it stands
with what is the customer's own, a statement, another question, a few words without a verb.
"""
HAN_STATUS, HAN_STATEMENT = 0.4, 0.5
"""The same for Chinese, whose likeness is the share of the characters that are about the flow."""
CLOSE = 0.06
"""Two flows whose likeness differs by less are told apart by the customer."""
NAMED = 0.2
"""What is added when every content word of a flow's name is in the message; part of it for part of the words."""
EXACT = 0.999
OURS = re.compile(r"\b(?:my|mine|our)\b|我的?")
HAN = re.compile("[\u3400-\u9fff]")
_SMALL = """
a an the my your our of for to on in at with and or is are be do can i me you it this that some any new please
"""
SMALL = frozenset(_SMALL.split())


@dataclass(frozen=True, slots=True)
class Choice:
    """The flows that are meant, the likeliest first: one, or several that are as likely; none. `score` is 0 to 1."""

    flows: tuple[str, ...] = ()
    score: float = 0.0


class FlowChooser:
    """Keeps the vectors of what is said of flows: they are encoded once."""

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._known: dict[str, NDArray[np.float32]] = {}

    async def choose(
        self, texts: Sequence[str], flows: Sequence[Startable], *, busy: bool = False, documents: bool = False
    ) -> list[Choice]:
        """For each text the flows that it asks for. `busy`: another flow waits for an answer. `documents`: there are
        some, so that a question of how something goes is theirs to answer.

        Flows that are not allowed are compared too, so that theirs is not taken for another's; whoever starts them
        says that they must not be.
        """
        if not texts or not flows:
            return [Choice() for _ in texts]
        vectors = await self._vectors(texts, flows)
        return [
            _verb(text, flows) or _chosen(_scores(text, vector, flows, self._known), text, busy, documents)
            for text, vector in zip(texts, vectors, strict=True)
        ]

    async def _vectors(self, texts: Sequence[str], flows: Sequence[Startable]) -> Sequence[NDArray[np.float32] | None]:
        if self._encoder is None:
            return [None] * len(texts)
        missing = [said for flow in flows for said in told(flow) if said not in self._known]
        english = [text for text in texts if not HAN.search(text)]
        wanted = [*dict.fromkeys(missing), *english]
        if not wanted:
            return [None] * len(texts)
        found = await self._encoder.encode(wanted)
        new = len(wanted) - len(english)
        self._known.update(zip(wanted[:new], found[:new], strict=True))
        by_text = dict(zip(english, found[new:], strict=True))
        return [by_text.get(text) for text in texts]


def told(flow: Startable) -> tuple[str, ...]:
    """What is said of a flow, and for it."""
    return tuple(dict.fromkeys(text for text in (flow.name, flow.description, *flow.examples) if text.strip()))


def _scores(
    text: str, vector: NDArray[np.float32] | None, flows: Sequence[Startable], known: Mapping[str, NDArray[np.float32]]
) -> list[tuple[str, float]]:
    return sorted(((flow.id, _score(text, vector, flow, known)) for flow in flows), key=lambda pair: -pair[1])


def _score(
    text: str, vector: NDArray[np.float32] | None, flow: Startable, known: Mapping[str, NDArray[np.float32]]
) -> float:
    words = lexicon.plain(text).strip(" .,!?。？！")
    if any(
        lexicon.plain(said).strip(" .,!?。？！") == words
        for said in (flow.name, flow.id.replace("_", " "), *flow.examples)
    ):
        return 1.0
    if vector is None:
        said = [flow.name, flow.description, *flow.examples]
        return max((_overlap(words, lexicon.plain(each)) for each in said if each), default=0.0)
    likeness = max((float(vector @ known[said]) for said in told(flow)), default=0.0)
    return min(0.99, likeness + NAMED * _named(words, flow))


def _named(words: str, flow: Startable) -> float:
    """The share of the content words of the flow's name (or id) that are in the message."""
    said = {_stem(word) for word in re.findall(r"[a-z]+", words)}
    shares = []
    for name in (flow.name, flow.id.replace("_", " ")):
        words_of_name = content(name)
        shares.append(len(words_of_name & said) / len(words_of_name) if words_of_name else 0.0)
    return max(shares) ** 2


def content(text: str) -> frozenset[str]:
    """The stems of the words of an English text that mean something."""
    return frozenset(_stem(word) for word in re.findall(r"[a-z]+", text.lower()) if word not in SMALL)


def _verb(text: str, flows: Sequence[Startable]) -> Choice | None:
    """The flows that a message of one word means ("cancel"): those whose name begins with it."""
    word = lexicon.plain(text).strip(" .!")
    found = tuple(flow.id for flow in flows if flow.name.lower().split()[0] == word) if word.isalpha() else ()
    return Choice(found[:4], 1.0) if found else None


def _overlap(words: str, said: str) -> float:
    """The share of the smaller text's pairs of neighbouring characters that the other has (words, in English)."""
    if bool(HAN.search(said)) != bool(HAN.search(words)):
        return 0.0
    if not HAN.search(said):
        first, second = (set(re.findall(r"[a-z]+", each)) - SMALL for each in (words, said))
    else:
        first, second = ({each[at : at + 2] for at in range(len(each) - 1)} for each in map(_han, (words, said)))
        if not signals.wants(words):  # then all of it must be about the flow
            return min(0.99, len(first & second) / len(first)) if first else 0.0
    return min(0.99, len(first & second) / min(len(first), len(second))) if first and second else 0.0


def _han(text: str) -> str:
    return "".join(HAN.findall(re.sub(r"我想要?|我要|请问?|帮我|可以|一下|怎么|如何|的|了|吗|呢", "", text)))


def _stem(word: str) -> str:
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 3:
            return word[: -len(ending)]
    return word.removesuffix("e")


def _chosen(scores: Sequence[tuple[str, float]], text: str, busy: bool, documents: bool) -> Choice:
    best, score = scores[0]
    ahead = score - scores[1][1] if len(scores) > 1 else score
    near = [flow for flow, each in scores if score - each < CLOSE]
    words = lexicon.plain(text)
    if documents:
        meant = score >= min(EXACT, _least(words) + (BUSY / 2 if busy else 0.0))
    elif signals.informs(words) and not OURS.search(words):
        meant = score >= INFORM
    else:
        meant = score + (ahead / 2 if len(near) == 1 else 0.0) >= START + (BUSY if busy else 0.0)
    if not meant:
        return Choice(score=score)
    return Choice(tuple(near[:4]) if score < EXACT else (best,), score)


def _least(words: str) -> float:
    """How like a flow a `plain` text must be to start it where documents answer questions."""
    chinese = HAN.search(words) is not None
    if signals.asks_status(words):
        return HAN_STATUS if chinese else STATUS
    if signals.asks_how(words):
        return EXACT
    if signals.wants(words):
        return REQUEST
    if words.endswith(("?", "？")) or signals.informs(words):
        return QUESTION
    if chinese:
        return HAN_STATEMENT
    return PHRASE if len(words.split()) < 3 else STATEMENT
