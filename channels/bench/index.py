"""`frontdesk bench index`: each kind of FAISS index on the same vectors, beside exact search.

The vectors are made up, so that anybody can have a million: clusters of unequal size, and within a cluster a few
directions in which things differ, as with sentences about one matter. Questions come from the same clusters.
"""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor, wait
from dataclasses import dataclass
from multiprocessing import get_context
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

from channels import terminal
from channels.bench import machine
from retrieval.grow import Growth, K, Kind, choose

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from retrieval.dense import DenseIndex

KINDS: tuple[Kind, ...] = ("flat", "hnsw", "ivfpq")
DIRECTIONS = 32
PUBLIC = 0.9
"""The share of passages that the searches with a filter may see."""
_BLOCK = 50_000


@dataclass(frozen=True, slots=True)
class Plan:
    """`passages` vectors of `dimensions`, `queries` questions to each kind."""

    passages: int
    dimensions: int
    queries: int


def measure(plan: Plan, growth: Growth) -> dict[str, Any]:
    """Build time, memory, p50 and recall@10 of every kind, and what each is of exact search's time.

    Each in a process of its own: what one leaves in memory would hide what the next one takes.
    """
    terminal.say(f"{plan.passages:,} vectors of {plan.dimensions} dimensions")
    chosen, why = choose(plan.passages, plan.dimensions, growth)
    found: dict[str, Any] = {
        "machine": machine.describe(),
        "passages": plan.passages,
        "dimensions": plan.dimensions,
        "queries": plan.queries,
        "chosen": chosen,
        "why": why,
        "kinds": {},
    }
    truth: list[list[int]] = []
    for kind in KINDS:
        figures, rows = _alone(plan, kind, growth.recall)
        truth = truth or rows  # the first kind is exact
        exact = found["kinds"]["flat"]["p50_ms"] if found["kinds"] else figures["p50_ms"]
        figures |= {
            "recall_at_10": round(100 * _recall(rows, truth), 2),
            "times_faster_than_exact": round(exact / figures["p50_ms"], 2),
        }
        found["kinds"][figures.pop("kind")] = figures
        terminal.say(line(kind, figures))
    return found


def _alone(plan: Plan, kind: Kind, recall: float) -> tuple[dict[str, Any], list[list[int]]]:
    """`_of_kind` in a process of its own, with a bar of what is built."""
    context = get_context("spawn")
    added = context.Value("q", 0)
    with (
        terminal.progress(f"building {kind}", plan.passages) as advance,
        ProcessPoolExecutor(1, mp_context=context, initializer=_share, initargs=(added,)) as alone,
    ):
        working, shown = alone.submit(_of_kind, plan, kind, recall), 0
        while not wait([working], timeout=0.5).done:
            now = int(added.value)
            advance(now - shown)
            shown = now
        return working.result()


_added: Any = None


def _share(added: Any) -> None:
    """How many vectors are in the index, for the process that shows it."""
    global _added  # noqa: PLW0603 - a pool's process gets it when it begins
    _added = added


def _tell(count: int) -> None:
    if _added is not None:
        _added.value = count


def _of_kind(plan: Plan, kind: Kind, recall: float) -> tuple[dict[str, Any], list[list[int]]]:
    """One kind's figures, and what it found for each question."""
    import numpy as np

    from retrieval.dense import DenseIndex

    vectors, asked = clustered(plan.passages, plan.dimensions, plan.queries)
    before = machine.resident_mib()
    began = time.perf_counter()
    index = DenseIndex.build(vectors, Growth(kind=kind, recall=recall), _tell)
    built = time.perf_counter() - began
    memory = machine.resident_mib() - before
    times, rows = _asked(index, asked, np.ones(plan.passages, np.bool_))
    filtered, _ = _asked(index, asked, np.random.default_rng(7).random(plan.passages) < PUBLIC)
    made = index.made
    figures = {
        "kind": index.kind,
        "build_seconds": round(built, 1),
        "memory_mib": made.memory_mib if made else 0.0,
        "resident_mib": round(memory, 1),
        "p50_ms": round(median(times), 3),
        "p95_ms": round(quantiles(times, n=20)[-1], 3),
        "filtered_p50_ms": round(median(filtered), 3),
        "recall_at_build": round(100 * made.recall, 2) if made else 0.0,
        "width": made.width if made else 0,
    }
    return figures, rows


def clustered(passages: int, dimensions: int, queries: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vectors of length 1, float32 [passages, dimensions] and [queries, dimensions], the same every time."""
    import numpy as np

    random = np.random.default_rng(0)
    clusters = max(4, int(passages**0.5))
    places = random.standard_normal((clusters, dimensions), np.float32)
    directions = random.standard_normal((DIRECTIONS, dimensions), np.float32) / DIRECTIONS**0.5
    sizes = random.pareto(1.5, clusters) + 0.2
    total = passages + queries
    made = np.empty((total, dimensions), np.float32)
    for start in range(0, total, _BLOCK):
        end = min(start + _BLOCK, total)
        of = random.choice(clusters, end - start, p=sizes / sizes.sum())
        within = random.standard_normal((end - start, DIRECTIONS), np.float32) @ directions
        made[start:end] = places[of] + within + 0.2 * random.standard_normal((end - start, dimensions), np.float32)
        made[start:end] /= np.linalg.norm(made[start:end], axis=1, keepdims=True)
    return made[:passages], made[passages:]


def _asked(
    index: DenseIndex, asked: NDArray[np.float32], allowed: NDArray[np.bool_]
) -> tuple[list[float], list[list[int]]]:
    """Milliseconds for each question, one after another, and what was found."""
    times, rows = [], []
    for query in asked:
        began = time.perf_counter()
        near, _ = index.search(query, K, allowed)
        times.append((time.perf_counter() - began) * 1000)
        rows.append(near.tolist())
    return times, rows


def _recall(found: list[list[int]], truth: list[list[int]]) -> float:
    shares = [len(set(here) & set(there)) / len(there) for here, there in zip(found, truth, strict=True)]
    return sum(shares) / len(shares)


def show(found: dict[str, Any]) -> None:
    """The machine and the settings' choice; the kinds were told when they were measured."""
    host = found["machine"]
    terminal.say(f"{host['processor']}, {host['cores']} cores, {host['memory_gib']} GiB")
    terminal.say(f"the settings choose {found['chosen']}: {found['why']}")


def line(kind: str, figures: dict[str, Any]) -> str:
    """One kind's figures; they are told as soon as it is measured, since a million take long."""
    return (
        f"{kind:6} built in {figures['build_seconds']:.1f} s, {figures['memory_mib']:.0f} MiB, "
        f"p50 {figures['p50_ms']:.2f} ms (of 9 in 10 passages {figures['filtered_p50_ms']:.2f}), "
        f"recall@10 {figures['recall_at_10']:.1f}, {figures['times_faster_than_exact']:.1f} times exact's speed"
    )
