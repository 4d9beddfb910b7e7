"""Grounded replies made false, one small change at a time: what the check is to find.

Each kind is a plain function `change(reply, passage, pool, chance)` that gives the false reply, or None where the reply
has nothing of the kind. What it puts in is of the same type as what it takes out, from the reply's own passage where
that has one, else from the other passages (`Pool`): the false reply then differs in what it says, not in how it reads.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from bot.engines import wording

MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_COUNTED = "|".join(word for word in wording.NUMBER_WORDS if word not in ("zero", "one", "half", "double", "twice"))
_UNIT = "days?|weeks?|months?|years?|hours?|minutes?"
FIGURES: dict[str, re.Pattern[str]] = {
    "date": re.compile(rf"\b(?:{MONTHS}) \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b|\b(?:{MONTHS}),? \d{{4}}\b"),
    "amount": re.compile(r"[$€£] ?\d[\d,]*(?:\.\d+)?|\b\d[\d,]*(?:\.\d+)? (?:dollars|euros|EUR|USD)\b"),
    "percent": re.compile(r"\b\d+(?:\.\d+)? ?(?:%|percent\b)"),
    "time": re.compile(r"\b\d{1,2}:\d{2}\b|\b\d{1,2} ?(?:am|pm|a\.m\.|p\.m\.)(?!\w)", re.I),
    "year": re.compile(r"\b(?:19|20)\d\d\b"),
    "month": re.compile(rf"\b(?:{MONTHS.replace('|May', '')})\b"),
    "duration": re.compile(rf"\b(?:\d+|{_COUNTED})(?= (?:\w+ )?(?:{_UNIT})\b)", re.I),
    "number": re.compile(r"(?<![\w/-])\d+(?:[.,]\d+)*(?![\w/-])"),
    "counted": re.compile(rf"\b(?:{_COUNTED})\b", re.I),
}
"""Figures by type, the most telling first: what one has taken is not looked at again."""
TRIED = 40
"""Of a long list of values so many are looked at."""
_NAME = re.compile(r"(?<=[a-z,;:] )[A-Z][\w&/-]+(?: (?:(?:of|and|for|the|in) (?:the )?)?[A-Z][\w&/-]*)*")
_NO_NAMES = frozenset(f"{MONTHS}|I|You|Your|Yes|No|If|We|They|The|This|Please|To".split("|"))
_JOINTS = "if|unless|until|provided(?: that)?|as long as|so long as|when|once|after|before|except(?: for)?|while"
_CLAUSE = rf"(?:only )?(?:{_JOINTS})"
_TRAILING = re.compile(rf",? \b{_CLAUSE}\b [^.;!?]*", re.I)
_LEADING = re.compile(rf"^(?:(?:yes|no|ok|okay|well|then|and),? )?{_CLAUSE}\b [^,.;]*,\s*(?=\w)", re.I)


@dataclass(frozen=True, slots=True)
class Pool:
    """What other passages lend: figures of each type, and names."""

    figures: Mapping[str, Sequence[str]]
    names: Sequence[str]


Change = Callable[[str, str, Pool, random.Random], str | None]


def pool_of(texts: Iterable[str]) -> Pool:
    """Everything that these texts can lend, each once."""
    figures: dict[str, dict[str, None]] = {kind: {} for kind in FIGURES}
    names: dict[str, None] = {}
    for text in texts:
        for kind, match in found_figures(text):
            figures[kind][match.group()] = None
        names |= dict.fromkeys(match.group() for match in found_names(text))
    return Pool({kind: tuple(each) for kind, each in figures.items()}, tuple(names))


def found_figures(text: str) -> Iterator[tuple[str, re.Match[str]]]:
    """The figures of a text with their types; none overlaps another."""
    taken: list[tuple[int, int]] = []
    for kind, pattern in FIGURES.items():
        for match in pattern.finditer(text):
            if all(match.end() <= start or end <= match.start() for start, end in taken):
                taken.append(match.span())
                yield kind, match


def found_names(text: str) -> Iterator[re.Match[str]]:
    """Capitalised words that begin no sentence."""
    return (match for match in _NAME.finditer(text) if match.group().split()[0] not in _NO_NAMES)


def figure(reply: str, passage: str, pool: Pool, chance: random.Random) -> str | None:
    """Another number, amount, date or time in the place of one; or, now and then, the same number of another unit."""
    here = list(found_figures(reply))
    if not here:
        return None
    kind, match = chance.choice(here)
    if kind == "duration" and chance.random() < 0.25:
        return _other_unit(reply, match.end(), chance)
    there = [found.group() for other, found in found_figures(passage) if other == kind]
    value = _another(match.group(), there, passage, chance) or _another(match.group(), pool.figures[kind], "", chance)
    return _put(reply, match, value) if value else None


def name(reply: str, passage: str, pool: Pool, chance: random.Random) -> str | None:
    """Another name in the place of one."""
    here = list(found_names(reply))
    if not here:
        return None
    match = chance.choice(here)
    there = [found.group() for found in found_names(passage)]
    value = _another(match.group(), there, passage, chance) or _another(match.group(), pool.names, "", chance)
    return _put(reply, match, value) if value else None


def negation(reply: str, passage: str, pool: Pool, chance: random.Random) -> str | None:
    """A negation taken out where there is one, else put in."""
    del passage, pool
    for changes in (_TAKEN_OUT, _PUT_IN):
        made = _some_change(reply, changes, chance)
        if made:
            return made
    return None


def condition(reply: str, passage: str, pool: Pool, chance: random.Random) -> str | None:
    """A condition left out that the passage has too, or turned round."""
    del pool
    dropped = [made for made in _without_clause(reply, passage) if made]
    if dropped and chance.random() < 0.6:
        return chance.choice(dropped)
    return _some_change(reply, _TURNED, chance) or (chance.choice(dropped) if dropped else None)


def quantifier(reply: str, passage: str, pool: Pool, chance: random.Random) -> str | None:
    """All for some, at least for at most, must for may, "only" left out, and the like."""
    del passage, pool
    return _some_change(reply, _AMOUNTS, chance)


KINDS: dict[str, Change] = {
    "figure": figure,
    "name": name,
    "negation": negation,
    "condition": condition,
    "quantifier": quantifier,
}
"""The kinds that change a reply. "elsewhere", the reply to another passage, needs no change."""

_Swap = tuple[re.Pattern[str], str]


def _swaps(table: str) -> list[_Swap]:
    """`pattern => replacement` a line; patterns are of whole words, in any case."""
    lines = [line.partition("=>") for line in table.strip().splitlines()]
    return [(re.compile(rf"\b(?:{old.strip()})(?!\w)", re.I), new.strip()) for old, _, new in lines]


_TAKEN_OUT = _swaps(r"""
    cannot|can not|can['’ ]t => can
    (do|does|did) (?:not|n['’ ]?t) (need|have|want|qualify|apply|require|count|get|receive|affect|include) => \2
    (is|are|was|were|will|would|should|could|may|might|must|do|does|did|has|have)(?: not|n['’ ]?t| n t) => \1
    (isn|aren|wasn|weren|wouldn|shouldn|couldn|mustn|hasn|haven|doesn|didn|don) t => \1
    not (?=\w) =>
    never => always
    no longer => still
    without => with
    ineligible => eligible
    unable => able
    no, => yes,
    no (?=\w+) => a
    neither => both
    nor => and
    none => all
""")
_PUT_IN = _swaps(r"""
    (is|are|was|were|will|would|should|could|may|might|must)(?! no\b) => \1 not
    can => cannot
    (has|have) been => \1 not been
    (you|we|they|i) (need|have) to => \1 do not \2 to
    (you|we|they) (need|qualify|get|receive|want|pay|have) => \1 don't \2
    (he|she|it) (needs|requires|gets|receives|pays) => \1 never \2
    to be able => to be unable
    eligible => ineligible
    allowed|permitted|required|covered|included|available => not \g<0>
    with => without
    yes => no
    always => never
    (?<![a-z] )(please )?(bring|use|call|contact|apply|check|visit|complete) => \1do not \2
    (?<![a-z] )(please )?(submit|fill|keep|send|provide|tell|make|learn|see) => \1do not \2
    to (?=get|receive|apply|change|use|renew|pay) => not to
""")
_TURNED = _swaps(r"""
    only if => even if
    if => unless
    if => even if
    unless => if
    before => after
    after => before
    until => after
    within => after
    (?:as|so) long as => even if
    except(?: for)? => including
    including => except
    once => before
    when => unless
    while => before
    during => after
    prior to => after
""")
_AMOUNTS = _swaps(r"""
    all(?: of)? => some of
    all => only some
    every|each => some
    any => every
    some => all
    most => few
    many => few
    several => all
    both => only one
    either => both
    at least => at most
    at most => at least
    up to => at least
    under(?= (?:age )?\d) => over
    over(?= (?:age )?\d) => under
    no more than => at least
    more than => less than
    less than => more than
    more => less
    less => more
    or more => or less
    (?:or )?older => or younger
    maximum => minimum
    minimum => maximum
    only =>
    only => also
    always => sometimes
    usually|generally|often => always
    sometimes => always
    must|(?:have|need) to => may
    must => may
    should => must
    may be => are always
    may|might|could => will
    can => must
    required => optional
    optional => required
    first => last
    last => first
    full => partial
    early|earlier => late
    late|later => early
    higher => lower
    lower => higher
    increase => decrease
    decrease => increase
""")


def _some_change(reply: str, changes: Sequence[_Swap], chance: random.Random) -> str | None:
    """One of the changes that can be made, at one of its places."""
    places = [(match, new) for old, new in changes for match in old.finditer(reply)]
    if not places:
        return None
    match, new = chance.choice(places)
    return _put(reply, match, _cased(match.expand(new).replace("\\", ""), match.group()))


def _without_clause(reply: str, passage: str) -> Iterator[str]:
    """The reply without one of its conditions. What the passage does not know as one is no condition of its own."""
    known = set(re.findall(r"\w+", passage.lower()))
    for pattern in (_LEADING, _TRAILING):
        for match in pattern.finditer(reply):
            words = re.findall(r"\w+", match.group().lower())
            made = reply[: match.start()] + reply[match.end() :]
            if len(made.split()) > 3 and sum(word in known for word in words) >= 0.7 * len(words):
                yield made[:1].upper() + made[1:]


def _other_unit(reply: str, at: int, chance: random.Random) -> str | None:
    match = re.compile(rf"\b(?:{_UNIT})\b", re.I).search(reply, at)
    if match is None:
        return None
    plural = match.group().endswith("s")
    others = [unit for unit in ("day", "week", "month", "year", "hour") if not match.group().lower().startswith(unit)]
    return _put(reply, match, chance.choice(others) + ("s" if plural else ""))


def _another(value: str, values: Sequence[str], passage: str, chance: random.Random) -> str | None:
    """One of the values that says something else. What the passage names in one breath with it ("a phone or a gas
    bill") may be said in its place, so that is none.
    """
    ours = _plain(value)
    others = [
        other
        for other in (values if len(values) <= TRIED else chance.sample(values, TRIED))
        if not (theirs := _plain(other)) & ours and not _initials(theirs, ours) and not _listed(value, other, passage)
    ]
    return chance.choice(others) if others else None


def _plain(value: str) -> frozenset[str]:
    words = re.findall(r"\w+", value.lower().replace(",", ""))
    return frozenset(
        wording.NUMBER_WORDS.get(word, word.removesuffix("s") or word) for word in words if word not in _SMALL
    )


_SMALL = frozenset(["of", "and", "for", "the", "in"])


def _initials(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether one may be short for the other: "DMV" for "Department of Motor Vehicles"."""
    short, long = sorted((one, other), key=len)
    return len(short) == 1 and len(long) > 1 and {word[0] for word in long} <= set("".join(short))


def _listed(one: str, other: str, passage: str) -> bool:
    between = r"[^.;!?]{0,12}(?:,|/|\bor\b|\band\b)[^.;!?]{0,12}"
    first, second = re.escape(one), re.escape(other)
    return bool(passage) and bool(re.search(f"{first}{between}{second}|{second}{between}{first}", passage))


def _put(text: str, match: re.Match[str], value: str) -> str:
    return re.sub(r"  +", " ", text[: match.start()] + value + text[match.end() :]).strip()


def _cased(new: str, old: str) -> str:
    return new[:1].upper() + new[1:] if old[:1].isupper() else new
