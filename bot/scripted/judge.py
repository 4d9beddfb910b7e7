"""Scores of a reply made from documents, by the bot's own models: nothing leaves the machine."""

from __future__ import annotations

from bot.engines.base import Checker, Encoder
from bot.events import Sent
from bot.sentences import split


async def grounded(checker: Checker, question: str, reply: Sent, truth: str | None) -> float:
    """0 to 1: how well the evidence supports the least supported of the reply's sentences. The evidence is `truth`,
    else what the reply cites. 0 without any."""
    text = reply.text.text or ""
    evidence = [truth] if truth else [citation.quote for citation in reply.citations]
    sentences = [text[start:end] for start, end in split(text)]
    if not sentences or not evidence:
        return 0.0
    verdicts = await checker.check(question, sentences, evidence)
    return min(verdict.support for verdict in verdicts)


async def relevant(encoder: Encoder, question: str, reply: Sent) -> float:
    """0 to 1: the cosine of what the customer asked and what was said."""
    vectors = await encoder.encode([question, reply.text.text or ""])
    return max(0.0, min(1.0, float(vectors[0] @ vectors[1])))
