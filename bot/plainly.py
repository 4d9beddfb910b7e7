"""Understanding without any model: names of processes, and answers to what was asked. Quick, and the same everywhere.

It serves where no model of understanding is at hand, and for tests of what follows from commands.
"""

from __future__ import annotations

import re
from typing import Any, Protocol

from bot import lexicon
from bot.commands import CancelFlow, Command, SetSlot, StartFlow
from bot.flows.expecting import Expecting, Wanted
from bot.state import State

NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
CANCEL = frozenset(["cancel", "stop", "never mind", "nevermind", "forget it", "取消", "算了", "不要了"])


class Understands(Protocol):
    """From a message to commands, given what may be said now.

    An empty list: nothing of the business processes is meant; then it is a question, small talk, or a wish for a
    person, which `bot.understand` tells apart. Never raises for what a customer wrote.
    """

    async def __call__(self, text: str, expecting: Expecting, state: State, language: str) -> list[Command]: ...


async def plainly(text: str, expecting: Expecting, state: State, language: str) -> list[Command]:
    """See the module's docstring."""
    words = lexicon.plain(text)
    if words.strip(" .!。！") in CANCEL and expecting.open_flow is not None:
        return [CancelFlow()]
    named = [flow for flow in expecting.flows if words and lexicon.plain(flow.name) in words]
    if named and not expecting.forced:
        return [StartFlow(max(named, key=lambda flow: len(flow.name)).id)]
    if expecting.asking is None:
        return []
    value = _value(expecting.asking, text, words, forced=expecting.forced)
    return [] if value is None else [SetSlot(expecting.asking.name, value)]


def _value(wanted: Wanted, text: str, words: str, *, forced: bool) -> Any:
    for title, value in wanted.choices:
        if lexicon.plain(title) == words:
            return value
    match wanted.slot.type:
        case "bool":
            return True if lexicon.says("yes", words) else False if lexicon.says("no", words) else None
        case "float":
            found = NUMBER.search(text)
            return None if found is None else float(found[0].replace(",", "."))
        case "categorical":
            return next((choice for choice in wanted.slot.values if choice.casefold() in words), None)
        case _:
            asks = text.rstrip().endswith(("?", "？")) and not forced
            return None if asks or not words else text.strip()
