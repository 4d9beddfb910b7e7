"""Figures with their uncertainty: from 0 to 100, with a 95 % interval. Pure functions.

Shares have Wilson's interval (Wilson 1927), which holds for few rows and near 0 and 100 too; means and quotients have
the percentile bootstrap's (Efron 1979) with a fixed seed, so that the same rows always give the same interval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Z = 1.959964
"""Of the normal distribution, 95 in 100 lie within so many standard deviations."""
DRAWS = 2_000
SEED = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """`value` over `n` rows, 0 to 100 where it is a share, and its 95 % interval. All are NaN over no rows."""

    value: float
    low: float
    high: float
    n: int

    @property
    def interval(self) -> list[float] | None:
        """[low, high] as it is printed; None over no rows."""
        return None if self.n == 0 else [rounded(self.low), rounded(self.high)]

    @property
    def shown(self) -> float | None:
        """The value as it is printed; None over no rows."""
        return None if self.n == 0 else rounded(self.value)


NOTHING = Measure(math.nan, math.nan, math.nan, 0)


def share(hits: Iterable[bool]) -> Measure:
    """How many of 100 are true, with Wilson's interval."""
    all_hits = list(hits)
    return of(sum(all_hits), len(all_hits))


def of(hits: int, n: int) -> Measure:
    """`hits` of `n` as a share, with Wilson's interval."""
    if n == 0:
        return NOTHING
    rate, spread = hits / n, Z * Z / n
    middle = (rate + spread / 2) / (1 + spread)
    half = Z * math.sqrt(rate * (1 - rate) / n + spread / (4 * n)) / (1 + spread)
    # Rounding must not push the ends past the value, which is the end itself at 0 and 100.
    return Measure(100 * rate, 100 * max(0.0, min(middle - half, rate)), 100 * min(1.0, max(middle + half, rate)), n)


def average(values: Sequence[float]) -> Measure:
    """The mean of figures from 0 to 1, as 0 to 100. Figures that are only 0 or 1 are a share."""
    if all(value in (0.0, 1.0) for value in values):
        return share(value == 1.0 for value in values)
    return quotient(values, [1.0] * len(values))


def quotient(parts: Sequence[float], wholes: Sequence[float]) -> Measure:
    """100 times the sum of `parts` by the sum of `wholes`, a row each: rows are drawn again for the interval."""
    if not parts or sum(wholes) == 0:
        return NOTHING
    above, below = np.asarray(parts, float), np.asarray(wholes, float)
    value = float(above.sum() / below.sum())
    if not above.any() or (above == below).all():
        return of(round(value * len(above)), len(above))  # drawing again would always give the same
    chance = np.random.default_rng(SEED)
    drawn = []
    for _ in range(DRAWS):
        rows = chance.integers(0, len(above), len(above))
        total = below[rows].sum()
        drawn.append(above[rows].sum() / total if total else np.nan)
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Measure(100 * value, 100 * float(low), 100 * float(high), len(above))


def difference(gains: Sequence[float]) -> Measure:
    """The mean of gains from -1 to 1, as -100 to 100. Where no row gains or loses, few rows still say little."""
    if any(gains):
        return quotient(gains, [1.0] * len(gains))
    most = of(0, len(gains)).high
    return Measure(0.0, -most, most, len(gains))


def rounded(value: float) -> float:
    """To two places, as figures are printed."""
    return round(float(value), 2)


def printed(measures: Mapping[str, Measure]) -> dict[str, Any]:
    """{"name": value, ..., "intervals": {"name": [low, high], ...}}."""
    return {
        **{name: measure.shown for name, measure in measures.items()},
        "intervals": {name: measure.interval for name, measure in measures.items()},
    }


def by_kind(kinds: Sequence[str], measured: Mapping[str, Mapping[str, Measure]]) -> dict[str, Any]:
    """{kind: {"name": value, ..., "n": rows, "intervals": {...}}} in the order of `kinds`, without what has no rows."""
    found = {}
    for kind in dict.fromkeys(kinds):
        measures = {name: measure for name, measure in measured[kind].items() if measure.n}
        found[kind] = {**printed(measures), "n": kinds.count(kind)}
    return found
