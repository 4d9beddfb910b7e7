"""Which steps of a bot's flows a run of test cases has taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.flows.model import Flow


@dataclass(frozen=True, slots=True)
class Covered:
    """One flow. `missing` are its steps that no case took, in the order of the file."""

    flow: str
    steps: int
    missing: tuple[str, ...]

    @property
    def share(self) -> float:
        return (self.steps - len(self.missing)) / self.steps if self.steps else 1.0


def coverage(flows: Mapping[str, Flow], taken: Iterable[tuple[str, str]]) -> list[Covered]:
    """Flow by flow, those least covered first."""
    known = frozenset(taken)
    found = [
        Covered(id, len(flow.steps), tuple(step for step in flow.steps if (id, step) not in known))
        for id, flow in flows.items()
    ]
    return sorted(found, key=lambda each: (each.share, each.flow))


def total(covered: Iterable[Covered]) -> float:
    """The share of all steps that was taken, 0 to 1."""
    each = list(covered)
    steps = sum(item.steps for item in each)
    return sum(item.steps - len(item.missing) for item in each) / steps if steps else 1.0
