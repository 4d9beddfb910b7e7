"""The generator's wording of an answer: cut into sentences as they come, each checked before anybody sees it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from bot import sentences
from bot.answering.units import Unit
from bot.engines import claims
from bot.engines.base import ChatMessage, Checker, Generator
from bot.errors import EngineError

SENTENCES = 2
"""So many sentences answer a question; the generator is stopped after them."""
MAX_TOKENS = 72
TRIED = 2
"""A sentence is checked against so many units, those that share most words with it."""
_PREFIX = re.compile(
    r"^(?:(?:the )?answer(?: to (?:this|the) question)?(?: is)?|a|assistant)\s*[:：]\s*|^(?:yes|no)[,.]\s+(?=\w)", re.I
)
_MARKER = re.compile(r"\s*\[\d+\]")


@dataclass(slots=True)
class Wording:
    """What passed, with the unit that says it and the check's support (0 to 1); what did not, with the reason; and how
    it ended."""

    said: list[tuple[str, Unit]] = field(default_factory=list)
    support: list[float] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)
    ended: str = "done"


async def phrase(
    generator: Generator,
    checker: Checker,
    messages: Sequence[ChatMessage],
    question: str,
    evidence: Sequence[Unit],
    *,
    first_within: float,
    passed: Callable[[str, Unit], None],
) -> Wording:
    """Let the generator speak until it has said `SENTENCES` sentences that pass.

    `evidence[0]` is what answers by the reader's word: the first sentence must say what it says. `passed` is told each
    sentence as soon as it was checked. Ends without an error whatever the generator does: when it fails, or has no
    sentence within `first_within` seconds, what was said until then stands.
    """
    wording = Wording()
    try:
        async with asyncio.timeout(first_within) as limit, aclosing(_sentences(generator, messages)) as stream:
            async for sentence in stream:
                unit, reason, support = await _support(
                    checker, question, sentence, evidence[:1] if not wording.said else evidence
                )
                if unit is None:
                    wording.dropped.append((sentence, reason))
                elif all(claims.read(sentence) != claims.read(said) for said, _ in wording.said):
                    wording.said.append((sentence, unit))
                    wording.support.append(support)
                    passed(sentence, unit)
                    limit.reschedule(asyncio.get_running_loop().time() + first_within)
                if len(wording.said) == SENTENCES or len(wording.dropped) == SENTENCES:
                    break
    except TimeoutError:
        wording.ended = "late"
    except EngineError as error:
        wording.ended = type(error).__name__
    return wording


async def _sentences(generator: Generator, messages: Sequence[ChatMessage]) -> AsyncGenerator[str]:
    """Whole sentences, as soon as the next one begins or the generator is done."""
    text = ""
    async with aclosing(_pieces(generator, messages)) as pieces:
        async for piece in pieces:
            text += piece
            found = sentences.split(text)
            if len(found) > 1:
                for start, end in found[:-1]:
                    yield _clean(text[start:end])
                text = text[found[-1][0] :]
    for start, end in sentences.split(text):
        yield _clean(text[start:end])


async def _pieces(generator: Generator, messages: Sequence[ChatMessage]) -> AsyncGenerator[str]:
    stream = generator.stream(messages, max_tokens=MAX_TOKENS)
    try:
        async for piece in stream:
            yield piece
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


async def _support(
    checker: Checker, question: str, sentence: str, evidence: Sequence[Unit]
) -> tuple[Unit | None, str, float]:
    """The unit that says this sentence, or why none does; and how well it is supported."""
    words = claims.read(sentence).words
    ranked = sorted(evidence, key=lambda unit: -len(words & claims.read(unit.evidence).words))
    reason = "there is no evidence"
    for unit in ranked[:TRIED]:
        [verdict] = await checker.check(question, [sentence], [f"{unit.heading}\n{unit.evidence}"])
        if verdict.supported:
            return unit, "", verdict.support
        reason = reason if reason != "there is no evidence" else verdict.reason
    return None, reason, 0.0


def _clean(sentence: str) -> str:
    """Without what a chat model puts around its sentences: "Answer:", "Yes,", citation numbers, line breaks.

    A "yes" or "no" cannot be checked by itself; what follows it says as much and can.
    """
    text = sentence.strip()
    while (shorter := _PREFIX.sub("", text)) != text:
        text = shorter
    text = " ".join(_MARKER.sub("", text).split())
    return text[:1].upper() + text[1:]
