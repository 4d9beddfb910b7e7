"""How good a ranking is. Pure functions of one query's ranking, best first, and what is relevant to it; 0 to 1 each.

The definitions are those of Manning, Raghavan and Schütze, "Introduction to Information Retrieval" (2008), chapter 8,
and Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002). Average over queries with
`mean`. A query to which nothing is relevant has no score: leave it out.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from math import log2


def recall_at(k: int, ranking: Sequence[Hashable], relevant: Collection[Hashable]) -> float:
    """The share of what is relevant among the first `k`. Raises ValueError when nothing is relevant."""
    wanted = _some(relevant)
    return len(wanted & set(ranking[:k])) / len(wanted)


def reciprocal_rank(ranking: Sequence[Hashable], relevant: Collection[Hashable], k: int | None = None) -> float:
    """1 / the place of the first relevant one among the first `k` (all of them when not told); 0 when none is there."""
    wanted = _some(relevant)
    return next((1 / place for place, item in enumerate(ranking[:k], start=1) if item in wanted), 0.0)


def ndcg_at(k: int, ranking: Sequence[Hashable], gains: Mapping[Hashable, float]) -> float:
    """Discounted gain of the first `k`, by that of the best order of `gains`; what comes twice counts once."""
    _some(item for item, gain in gains.items() if gain > 0)
    unique = dict.fromkeys(ranking)
    found = _discounted([gains.get(item, 0.0) for item in unique][:k])
    return found / _discounted(sorted(gains.values(), reverse=True)[:k])


def mean(values: Iterable[float]) -> float:
    """The average; 0 of none."""
    all_values = list(values)
    return sum(all_values) / len(all_values) if all_values else 0.0


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(place + 1) for place, gain in enumerate(gains, start=1))


def _some(relevant: Iterable[Hashable]) -> set[Hashable]:
    wanted = set(relevant)
    if not wanted:
        raise ValueError("nothing is relevant to this query: it cannot be scored")
    return wanted
