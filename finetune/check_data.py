"""What the check learns from and is measured on: people's grounded replies, and false ones made of them by code.

Read from grounded turns in JSON lines, `{"question", "passage", "reply"}`; replies that ask, that say that nothing was
found, or that are a bare "Yes", assert nothing by themselves and are left out. Passages are split, so what is held back
is about other things; what was learned from never says the same as what is held back (`encoder_data.alike`).
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot import sentences
from bot.engines import check_signs, claims
from bot.engines.check_model import asserted, is_opener
from finetune import encoder_data
from finetune.check_corrupt import KINDS, Pool, figure, found_figures, found_names, name, pool_of
from finetune.data import DataError

REAL = "real"
ELSEWHERE = "elsewhere"
_WORD = re.compile(r"[a-z0-9]{3,}")


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply and the passage that it is held against; `kind` is REAL, ELSEWHERE, or how it was made false."""

    reply: str
    passage: str
    grounded: bool
    kind: str


@dataclass(frozen=True, slots=True)
class Example:
    """What the model is shown: one sentence and the evidence; `group` is the number of the reply that it is of."""

    sentence: str
    evidence: str
    grounded: bool
    kind: str
    group: int = 0


@dataclass(frozen=True, slots=True)
class Parts:
    """Real replies to learn from, to choose on and to report on, by passage."""

    train: list[Reply]
    choose: list[Reply]
    report: list[Reply]

    def counts(self) -> dict[str, int]:
        return {"train": len(self.train), "choose": len(self.choose), "report": len(self.report)}


def read(file: Path, seed: int, shares: tuple[float, float, float] = encoder_data.SHARES) -> Parts:
    """The real replies of a file that assert something, each once, in three parts. Raises DataError.

    All passages of the file are split, whatever their replies say, so that what counts as asserting moves none of them.
    Nothing is learned from a reply with a figure that its passage does not have.
    """
    parts = encoder_data.split(encoder_data.read(file), seed, shares)
    train, choose, report = (_replies(part) for part in (parts.train, parts.choose, parts.report))
    if not train:
        raise DataError(f"{file} holds no replies that assert something")
    return Parts(_unlike([each for each in train if _sound(each)], [*choose, *report]), choose, report)


def _sound(reply: Reply) -> bool:
    return not any(check_signs.read(said, reply.passage).blocked for said in spoken(reply.reply))


def _replies(pairs: Sequence[encoder_data.Pair]) -> list[Reply]:
    said = [pair for pair in pairs if _asserts(pair.reply)]
    return list(dict.fromkeys(Reply(_ended(pair.reply), _plain(pair.passage), True, REAL) for pair in said))


def _asserts(reply: str) -> bool:
    """Not a question, not "nothing was found" (which is read as ""), and more than a "Yes" to what was asked."""
    said = [sentence for sentence in _sentences(reply) if not is_opener(sentence)]
    told = claims.read(" ".join(said))
    return not re.search("[?？]", reply) and bool(told.words or told.facts)


def _ended(reply: str) -> str:
    """A reply as a bot would end it: people leave the full stop out, and the check takes that for a cut."""
    text = _plain(reply)
    return text if sentences.complete(text) else f"{text.rstrip(' ,;:')}."


def _plain(text: str) -> str:
    """With single spaces, and words whole that the data have in pieces ("toll - free", "1 - 800 - 772")."""
    return re.sub(r"(?<=\w) - (?=\w)", "-", " ".join(text.split()))


def _unlike(train: list[Reply], held: list[Reply]) -> list[Reply]:
    """Those whose passage does not say the same as a held one."""
    passages = list(dict.fromkeys(reply.passage for reply in (*train, *held)))
    kept = {reply.passage for reply in held}
    same = encoder_data.alike(passages)
    leaks = {text for text, others in zip(passages, same, strict=True) if any(passages[at] in kept for at in others)}
    return [reply for reply in train if reply.passage not in leaks or reply.passage in kept]


def with_false(real: Sequence[Reply], seed: int) -> list[Reply]:
    """Each real reply, followed by one false reply of every kind that it can be made into. Figures and names that its
    own passage does not lend come from the passages of the others.
    """
    chance = random.Random(seed)  # noqa: S311 - a choice, not a secret
    lent = pool_of(dict.fromkeys(reply.passage for reply in real))
    found: list[Reply] = []
    for reply in real:
        found += [reply, *false(reply, lent, real, chance)]
    return found


def false(reply: Reply, lent: Pool, others: Sequence[Reply], chance: random.Random) -> Iterator[Reply]:
    """The false replies to one passage, at most one of each kind."""
    for kind, change in KINDS.items():
        made = change(reply.reply, reply.passage, lent, chance)
        if made and _plain(made).lower() not in (reply.reply.lower(), reply.passage.lower()):
            yield Reply(made, reply.passage, False, kind)
    other = _from_elsewhere(reply, others, chance)
    if other:
        yield Reply(other, reply.passage, False, ELSEWHERE)


def _from_elsewhere(reply: Reply, others: Sequence[Reply], chance: random.Random) -> str | None:
    """The reply to another passage: of a dozen the one that shares most words with this passage, but not most of its
    own: it could be true of it.
    """
    here = set(_WORD.findall(reply.passage.lower()))
    best, most = None, -1.0
    for other in chance.sample(others, min(12, len(others))):
        words = set(_WORD.findall(other.reply.lower()))
        share = len(words & here) / len(words) if words else 1.0
        if other.passage != reply.passage and most < share < 0.6 and len(words) > 3:
            best, most = other.reply, share
    return best


def rows(replies: Iterable[Reply]) -> str:
    """As `frontdesk eval check --data` takes them: a JSON object a line."""
    lines = [
        {"reply": each.reply, "passages": [each.passage], "grounded": each.grounded, "kind": each.kind}
        for each in replies
    ]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def examples(replies: Sequence[Reply], real: Sequence[Reply] = ()) -> list[Example]:
    """The sentences of replies, as the check judges them. Of a false reply those that a true one has too are true."""
    true = {(each.passage, said) for each in (*real, *replies) if each.grounded for said in spoken(each.reply)}
    found = []
    for number, each in enumerate(replies):
        for said in spoken(each.reply):
            grounded = each.grounded or (each.kind != ELSEWHERE and (each.passage, said) in true)
            found.append(Example(said, each.passage, grounded, each.kind, number))
    return found


def spoken(reply: str) -> list[str]:
    """The assertions of a reply: its sentences, openers such as "Yes." with what follows them."""
    return [text for text in dict.fromkeys(asserted(_sentences(reply))) if text]


def _sentences(reply: str) -> list[str]:
    return [reply[start:end] for start, end in sentences.split(reply)]


def lesson(parts: Parts, texts: Sequence[str], seed: int, *, each: int) -> list[Example]:
    """One pass's examples: every real reply with `each` false ones, the same with passage and reply changed together,
    and sentences of the passages and of `texts`, true and false. Another seed gives other ones.
    """
    chance = random.Random(seed)  # noqa: S311
    lent = pool_of(dict.fromkeys(reply.passage for reply in parts.train))
    replies: list[Reply] = []
    for reply in parts.train:
        made = list(false(reply, lent, parts.train, chance))
        replies += [reply, *chance.sample(made, min(each, len(made)))]
        replies += _moved(reply, lent, chance)
    found = examples(replies)
    passages = list(dict.fromkeys(reply.passage for reply in parts.train))
    known = pool_of([*passages, *texts])
    for text in (*passages, *texts):
        found += _own(text, known, chance)
    chance.shuffle(found)
    return found


def _moved(reply: Reply, lent: Pool, chance: random.Random) -> list[Reply]:
    """A figure or name that passage and reply share is another one in the passage: the reply is false then, and true
    again when it is changed too. So it must be read in the passage whether a value is right.
    """
    change, found = chance.choice(((figure, _values), (name, _names)))
    shared = [value for value in found(reply.reply) if _whole(value).search(reply.passage)]
    if not shared:
        return []
    value = chance.choice(shared)
    made = change(f"a {value}", "", lent, chance)  # the function wants a name behind a word
    other = made.removeprefix("a ") if made else value
    if other in reply.passage or other in reply.reply:
        return []
    passage, changed = (_whole(value).sub(lambda _: other, text) for text in (reply.passage, reply.reply))
    return [Reply(changed, passage, True, "moved"), Reply(reply.reply, passage, False, "moved")]


def _whole(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")


def _values(text: str) -> list[str]:
    return [match.group() for _, match in found_figures(text)]


def _names(text: str) -> list[str]:
    return [match.group() for match in found_names(text)]


def _own(text: str, lent: Pool, chance: random.Random) -> list[Example]:
    """A sentence of a text, and the same made false, each held against the text as it is or as it would be."""
    said = [text[start:end] for start, end in sentences.split(text)]
    long = [at for at, sentence in enumerate(said) if len(sentence.split()) > 4 and sentence[-1] not in "?？:"]
    if not long:
        return []
    at = chance.choice(long)
    first = max(0, at - chance.randrange(3))
    kinds = list(KINDS)
    chance.shuffle(kinds)
    for kind in kinds:
        made = KINDS[kind](said[at], text, lent, chance)
        if made and made != said[at]:
            break
    else:
        return []
    pair = (said[at], made)
    shown, other = pair if chance.random() < 0.5 else pair[::-1]
    evidence = " ".join([*said[first:at], shown, *said[at + 1 : at + 1 + chance.randrange(3)]])
    return [Example(shown, evidence, True, "own"), Example(other, evidence, False, kind)]
