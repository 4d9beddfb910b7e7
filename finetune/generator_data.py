"""What the generator learns to say: replies that people gave, as far as the evidence says the same.

Of a grounded turn (`finetune.encoder_data`) those sentences of the reply are kept that the rules of the check let
through, with the sentence or two of the passage that say them: what is learnt is to word evidence, never to add to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot import sentences
from bot.engines import check
from bot.engines.base import ChatMessage
from finetune.encoder_data import Pair

SENTENCES = 2
"""A reply is at most so long (`bot.answering.phrase`)."""
SHORTEST = 4
"""Words: "Yes, you can." says nothing without the question."""

Prompt = Callable[[str, str], list[ChatMessage]]
"""Question and evidence to the messages that the bot would send."""


@dataclass(frozen=True, slots=True)
class Example:
    """`evidence` answers `question`; `reply` is how a person worded it."""

    question: str
    evidence: str
    reply: str


def examples(pairs: Sequence[Pair]) -> list[Example]:
    """One for each turn whose reply has a sentence that its passage says; each question and reply once."""
    found: dict[tuple[str, str], Example] = {}
    for pair in pairs:
        example = _example(pair)
        if example is not None:
            found.setdefault((example.question, example.reply), example)
    return list(found.values())


def _example(pair: Pair) -> Example | None:
    places = check.places([pair.passage])
    kept: list[str] = []
    shown: list[str] = []
    for start, end in sentences.split(pair.reply):
        sentence = pair.reply[start:end].strip()
        place = check.supporting(sentence, places).place if len(sentence.split()) >= SHORTEST else None
        if place is None:
            continue
        kept.append(sentence[:1].upper() + sentence[1:])
        shown += [text for text in place.sentences if text not in shown]
        if len(kept) == SENTENCES:
            break
    return Example(pair.query, " ".join(shown), " ".join(kept)) if kept else None


def passes(reply: str, evidence: str) -> bool:
    """Whether the reply's first sentence says what the evidence says, by the rules of the check."""
    cut = sentences.split(reply)
    return bool(cut) and not check.supporting(reply[cut[0][0] : cut[0][1]], check.places([evidence])).kind
