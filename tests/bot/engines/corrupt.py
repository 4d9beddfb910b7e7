"""True sentences made false, one small change at a time, for measuring the checker."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator

Change = Callable[[str, random.Random, list[str]], str | None]

_VERBS = r"can|must|may|will|should|is|are|was|were|do|does|has|have"
_SWAPS = {
    "quantifier": "all:some every:no at least:at most up to:at least any:some",
    "condition": "if:unless unless:if before:after after:before until:after within:after only:also when:unless",
    "duty": "can:must must:can may:must need to:can should:must",
    "opposite": "free:paid new:used opened:unopened open:closed we:you you:we minimum:maximum first:last",
}
_CHINESE = {
    "negation": "可以:不可以 不能:能 不会:会 需要:不需要 无法:能够 是:不是",
    "quantifier": "所有:部分 至少:最多 最多:至少 不超过:至少 以上:以下",
    "condition": "如果:除非 之前:之后 前:后 内:后 只:",
    "duty": "可以:必须 必须:可以 需要:可以",
}


def corruptions(sentence: str, others: list[str], seed: int = 0) -> Iterator[tuple[str, str]]:
    """(kind, false sentence) pairs: at most one of each kind. `others` are sentences that lend numbers and names."""
    chance = random.Random(f"{seed}{sentence}")
    for kind, change in CHANGES.items():
        made = change(sentence, chance, others)
        if made and made.strip() != sentence.strip():
            yield kind, made


def _negate(sentence: str, _: random.Random, __: list[str]) -> str | None:
    if re.search(r"\b(?:not|cannot|never|no)\b|n't\b", sentence):
        return re.sub(
            r"\b(can)not\b|\b(do|does|is|are|will)(?:n't| not)\b|\b(?:never|not|no) ", r"\1\2", sentence, count=1
        )
    return re.sub(rf"\b({_VERBS})\b", r"\1 not", sentence, count=1)


def _number(sentence: str, chance: random.Random, _: list[str]) -> str | None:
    found = list(re.finditer(r"\d+", sentence))
    if not found:
        return None
    chosen = chance.choice(found)
    value = int(chosen.group()) + chance.choice([1, 2, 5, 10])
    return sentence[: chosen.start()] + str(value) + sentence[chosen.end() :]


def _borrowed_number(sentence: str, chance: random.Random, others: list[str]) -> str | None:
    """A number that stands elsewhere in the same evidence, which is how a small model errs."""
    here = re.findall(r"\d+(?:[.,]\d+)*", sentence)
    there = [number for other in others for number in re.findall(r"\d+(?:[.,]\d+)*", other) if number not in here]
    return sentence.replace(chance.choice(here), chance.choice(there), 1) if here and there else None


def _unit(sentence: str, _: random.Random, __: list[str]) -> str | None:
    swaps = dict(
        _pairs("days:weeks day:week hours:days weeks:months months:years years:months minutes:hours €:$ $:€ %:kg")
    )
    swaps |= {"天": "周", "小时": "天", "年": "个月"}
    for old, new in swaps.items():
        if re.search(rf"\d[\d.,]*[ -]?(?:working |business )?{re.escape(old)}|{re.escape(old)}\d", sentence):
            return sentence.replace(old, new, 1)
    return None


def _name(sentence: str, chance: random.Random, others: list[str]) -> str | None:
    pattern = r"(?<=[a-z,] )[A-Z][a-z]{2,}(?: [A-Z][a-z]+)*"
    here = re.findall(pattern, sentence)
    there = [name for other in others for name in re.findall(pattern, other) if name not in here]
    return sentence.replace(chance.choice(here), chance.choice(there), 1) if here and there else None


def _drop_condition(sentence: str, _: random.Random, __: list[str]) -> str | None:
    made = re.sub(r",? \b(?:if|unless|except|until|only if)\b [^.,;]*", "", sentence, count=1)
    made = re.sub(r"^(?:If|Unless|When) [^,]*, (\w)", lambda found: found.group(1).upper(), made)
    return made if made != sentence and len(made.split()) > 3 else None


def _swap(kind: str) -> Change:
    def change(sentence: str, _: random.Random, __: list[str]) -> str | None:
        for old, new in _pairs(_SWAPS.get(kind, "")):
            made = re.sub(rf"\b{old}\b", new, sentence, count=1)
            if made != sentence:
                return made
        for old, new in _pairs(_CHINESE.get(kind, "")):
            if old in sentence:
                return sentence.replace(old, new, 1)
        return None

    return change


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(old.strip(), new) for old, new in re.findall(r"([^:]+?):((?:at least|at most|\S*))(?: |$)", text)]


CHANGES: dict[str, Change] = {
    "negation": _negate,
    "negation (zh)": _swap("negation"),
    "number": _number,
    "borrowed number": _borrowed_number,
    "unit": _unit,
    "name": _name,
    "dropped condition": _drop_condition,
    "condition": _swap("condition"),
    "quantifier": _swap("quantifier"),
    "duty": _swap("duty"),
    "opposite": _swap("opposite"),
}
