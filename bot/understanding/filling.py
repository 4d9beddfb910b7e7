"""Slots of an open flow from one message: the one that was asked for, others that it names too, and corrections.

A value goes to the slot whose words stand beside it ("from Monday to Friday"); without such words only the asked slot,
or one that alone takes such a value, gets it. What is said not to be meant ("not 50") goes nowhere.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot import lexicon
from bot.engines.base import Reader
from bot.flows.expecting import Wanted
from bot.understanding import signals
from bot.understanding.kinds import Kind, kind_of, words_of
from bot.understanding.reading import Message, bare, read
from bot.understanding.values.found import Found

LIKELY = 0.4
"""The least probability (of the reader) that words of a message fill a slot of free text that was not asked for."""
LONG = 6
"""In a reply of more words than these the reader looks for the value; a shorter one is the value."""
CUES: tuple[tuple[frozenset[str], re.Pattern[str]], ...] = (
    (
        frozenset({"start", "from", "begin", "departure", "origin", "source", "checkin", "pickup", "old", "since"}),
        re.compile(
            r"(?:\bfrom|\bstart(?:ing|s)?(?: on| at)?|\bbegin(?:ning)?(?: on| at)?|\bleaving|\bsince|从|自)\W*$"
        ),
    ),
    (
        frozenset(
            {
                "end",
                "to",
                "until",
                "return",
                "destination",
                "arrival",
                "checkout",
                "dropoff",
                "target",
                "new",
                "recipient",
            }
        ),
        re.compile(
            r"(?:\bto|\buntil|\btill|\bthrough|\bending(?: on)?|\breturning(?: on)?|\bback(?: on)?|到|至|直到)\W*$"
        ),
    ),
)
UNNAMED: frozenset[Kind] = frozenset({"email", "phone", "code", "date", "duration", "choice"})
"""Values of these kinds are known by their shape: a slot that alone takes such a one gets it without being named."""
COMMON = frozenset(
    {
        "the",
        "of",
        "a",
        "an",
        "for",
        "is",
        "to",
        "and",
        "or",
        "customer",
        "user",
        "your",
        "number",
        "id",
        "in",
        "that",
        "value",
    }
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A slot with its value. `words`: where in the text it was read. `correction`: it had another value before."""

    name: str
    value: Any
    words: tuple[int, int]
    correction: bool = False


def typed(
    message: Message, asking: Wanted | None, others: Sequence[Wanted], filled: Sequence[Wanted] = ()
) -> list[Filled]:
    """What can be told without a model: values by their shape. The asked slot comes first.

    `filled` slots are only changed where the message says that it puts something right.
    """
    words = lexicon.plain(message.text)
    plain = message.text if len(words) == len(message.text) else words
    correcting = signals.corrects(words)
    asks = words.endswith(("?", "？"))
    taken: list[Filled] = []
    if correcting:
        taken += _corrected(message, plain, asking, filled)
    if asking is not None and not any(each.correction for each in taken):
        found = [each for each in read(asking, message, asked=True) if not signals.negated(plain.lower(), each.start)]
        rivals = [slot for slot in others if kind_of(slot) == kind_of(asking)]
        shared = words_of(kind_of(asking)) | _named(asking)
        found = [each for each in found if not any(_cued(slot, plain, each, shared) for slot in rivals)]
        if found:
            chosen = found[-1] if correcting else _best(asking, plain, found)
            taken.append(Filled(asking.name, chosen.value, (chosen.start, chosen.end)))
    for slot in others:
        found = [each for each in read(slot, message, asked=False) if not signals.negated(plain.lower(), each.start)]
        found = [each for each in found if not _touches(taken, each)]
        twins = [each for each in (asking, *others) if each not in (None, slot) and kind_of(each) == kind_of(slot)]
        named = [each for each in found if _cued(slot, plain, each, words_of(kind_of(slot)) if twins else frozenset())]
        alone = sum(kind_of(slot) == kind_of(other) for other in others) == 1 and not (
            asking is not None and kind_of(asking) == kind_of(slot)
        )
        if not named and found and kind_of(slot) in UNNAMED and (alone or kind_of(slot) == "choice"):
            named = found
        if not named and found and kind_of(slot) == "free" and (asking is None or not asks):
            named = found  # it has a shape of its own (`nlu.yml`)
        if not named and found and kind_of(slot) == "money" and alone and _has_currency(plain, found[0]):
            named = found
        if named:
            taken.append(Filled(slot.name, named[0].value, (named[0].start, named[0].end)))
    return taken


MEANT = re.compile(
    r".*\b(?:i meant?|make (?:it|that)|should (?:be|have been)|it's|it is|actually|sorry|no)\b[ ,:]+", re.I
)


def resembling(message: Message, filled: Sequence[Wanted]) -> list[Filled]:
    """A slot of free text that is put right by something like its value: "I meant Kerkstraat 7"."""
    meant = bare(MEANT.sub("", message.text))
    words = {word for word in re.findall(r"\w+", meant.casefold()) if len(word) > 3}
    for slot in reversed([slot for slot in filled if kind_of(slot) == "free" and isinstance(slot.value, str)]):
        if words & set(re.findall(r"\w+", slot.value.casefold())) and meant != slot.value:
            return [Filled(slot.name, meant, (0, len(message.text)), correction=True)]
    return []


async def free(message: Message, wanted: Sequence[Wanted], reader: Reader | None) -> list[Filled]:
    """Slots of free text that were not asked for: the reader is asked each one's description."""
    slots = [slot for slot in wanted if kind_of(slot) == "free" and (slot.description or slot.question)]
    if reader is None or not slots or len(message.text.split()) <= 2:
        return []
    answers = await asyncio.gather(*(reader.read(asked_as(slot), [message.text]) for slot in slots))
    spans = [(span.score, slot, span) for slot, [span] in zip(slots, answers, strict=True) if span.score >= LIKELY]
    found: list[Filled] = []
    for _, slot, span in sorted(spans, key=lambda each: -each[0]):
        if span.end > span.start and not any(span.start < each.words[1] and each.words[0] < span.end for each in found):
            value = message.text[span.start : span.end].strip(" .,!?")
            found.append(Filled(slot.name, value, (span.start, span.end)))
    return found


async def spoken(message: Message, asking: Wanted, beside: Sequence[Filled], reader: Reader | None) -> str:
    """The free text that was asked for: a short reply whole, of a longer one, or `beside` other values, what the reader
    finds; else what is left of the reply. "" where nothing is.
    """
    rest = bare(without(message.text, beside))
    if not re.search(r"\w\w", rest) or (beside and not FILLER.sub("", rest)):
        return ""
    if beside:
        rest = AROUND.sub("", rest).strip()
    if reader is None or not (beside or len(rest.split()) > LONG):
        return rest
    [span] = await reader.read(asked_as(asking), [message.text])
    found = message.text[span.start : span.end].strip(" .,!?") if span.score >= LIKELY else ""
    return found or rest


FILLER = re.compile(
    r"[\W_]+|\b(?:it|is|the|a|an|my|i|at|on|for|to|of|and|in|please|make|that|this|no|not|yes|by|from|want|"
    r"would|like|be|"
    r"s|d|m|about|with|around|send|meant|mean|actually|sorry|change)\b"
)
AROUND = re.compile(
    r"^(?:\W|\b(?:to|for|with|at|on|in|of|and|send|it|is|please)\b)+|(?:\W|\b(?:on|at|for|and|to)\b)+$", re.I
)


def without(text: str, values: Sequence[Filled]) -> str:
    """The text with blanks where values stand."""
    left = list(text)
    for each in values:
        left[each.words[0] : each.words[1]] = " " * (each.words[1] - each.words[0])
    return "".join(left)


def asked_as(slot: Wanted) -> str:
    """The slot as a question: the bot's own, else "What is the ...?"."""
    told = (slot.description or slot.name.replace("_", " ")).strip(" .")
    if slot.question.endswith(("?", "？")) and not slot.description:
        return slot.question
    return (
        told
        if told.endswith("?")
        else f"What is {'' if told.lower().startswith(('the ', 'a ', 'an ')) else 'the '}{told}?"
    )


def _corrected(message: Message, plain: str, asking: Wanted | None, filled: Sequence[Wanted]) -> list[Filled]:
    """Slots that have a value and get another: those that are named, or whose value is said not to be meant, else the
    last one that takes such a value; the asked slot comes before them all unless one is named.
    """
    low = plain.lower()
    offers: list[tuple[int, Wanted, Found[Any]]] = []
    for order, slot in enumerate(filled):
        if kind_of(slot) == "bool":
            continue
        found = read(slot, message, asked=kind_of(slot) not in ("date", "list", "free"))
        kept = [each for each in found if not signals.negated(low, each.start) and each.value != slot.value]
        denied = any(each.value == slot.value and signals.negated(low, each.start) for each in found)
        for each in kept:
            rank = 2 if denied or _cued(slot, plain, each) else 0
            offers.append((rank * 1000 + order, slot, each))
    asked = bool(asking is not None and kind_of(asking) != "bool" and read(asking, message, asked=True))
    taken: list[Filled] = []
    for rank, slot, each in sorted(offers, key=lambda offer: -offer[0]):
        if rank < 1000 and (asked or taken):
            continue
        if not _touches(taken, each) and all(slot.name != other.name for other in taken):
            taken.append(Filled(slot.name, each.value, (each.start, each.end), correction=True))
    return taken


def _touches(taken: Sequence[Filled], each: Found[Any]) -> bool:
    return any(each.start < other.words[1] and other.words[0] < each.end for other in taken)


def _best(slot: Wanted, plain: str, found: Sequence[Found[Any]]) -> Found[Any]:
    return next((each for each in found if _cued(slot, plain, each)), found[0])


def _cued(slot: Wanted, plain: str, each: Found[Any], shared: frozenset[str] = frozenset()) -> bool:
    """Whether the words beside a value name the slot; `shared` are words that could name another one as well."""
    low = plain.lower()
    before, after = low[: each.start], low[each.end :]
    named = _named(slot) - shared
    for words, pattern in CUES:
        if pattern.search(before):
            return bool(words & named)
    near = [*re.findall(r"[a-z]+", before[-40:])[-3:], *re.findall(r"[a-z]+", after[:24])[:2]]
    if any(_stem(word) in named for word in near if word not in COMMON):
        return True
    return any(len(word) > 1 and not word.isascii() and word in low for word in named)


def _named(slot: Wanted) -> frozenset[str]:
    """The slot's own words: of its name, and nouns of its description."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", slot.name).casefold()
    words = re.findall(r"[a-z]+", f"{spaced.replace('_', ' ')} {slot.description.casefold()}")
    return frozenset(_stem(word) for word in words if word not in COMMON and len(word) > 1)


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _has_currency(plain: str, each: Found[Any]) -> bool:
    around = plain[max(0, each.start - 1) : each.end + 1]
    return bool(re.search(r"[$€£¥￥₹]|[a-z元块]", around.lower()))
