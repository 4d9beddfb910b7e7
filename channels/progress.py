"""How far a reply of several parts got, so that a try that broke off is gone on with and not begun again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TypeVar

P = TypeVar("P")

REMEMBERED = 1_000


class Progress:
    """Kept in memory only: after a crash a reply is sent from its beginning."""

    def __init__(self) -> None:
        self._out: OrderedDict[int, int] = OrderedDict()

    def left(self, outgoing: int, parts: Sequence[P]) -> Iterator[P]:
        """The parts that did not go out yet. One counts as out when the next is asked for."""
        for number, part in enumerate(parts[self._out.get(outgoing, 0) :], self._out.get(outgoing, 0) + 1):
            yield part
            self._out[outgoing] = number
            while len(self._out) > REMEMBERED:
                self._out.popitem(last=False)
        self._out.pop(outgoing, None)
