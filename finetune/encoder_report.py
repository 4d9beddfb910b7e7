"""How well queries find their passages: by the encoder alone, by words alone, and by both as `retrieval.hybrid`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from retrieval import evaluate
from retrieval.hybrid import CANDIDATES, DENSE_WEIGHT
from retrieval.sparse import SparseIndex

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scores:
    """Recall at 1, 5 and 10 and the mean reciprocal rank among ten, 0 to 100, over so many queries."""

    recall_1: float
    recall_5: float
    recall_10: float
    mrr: float
    queries: int

    def __str__(self) -> str:
        return f"recall@1/5/10 {self.recall_1:.1f} / {self.recall_5:.1f} / {self.recall_10:.1f} (n = {self.queries})"

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 2) for name, value in asdict(self).items()}


def scores(found: NDArray[np.floating], wanted: Sequence[int]) -> Scores:
    """`found` [queries, passages] says how well each passage fits; `wanted` is each query's passage. The first of two
    that fit as well comes first.
    """
    order = np.argsort(-found, axis=1, kind="stable")[:, :10]
    rankings = [row.tolist() for row in order]
    recalls = [
        100
        * evaluate.mean(evaluate.recall_at(k, ranking, {gold}) for ranking, gold in zip(rankings, wanted, strict=True))
        for k in (1, 5, 10)
    ]
    ranks = (evaluate.reciprocal_rank(ranking, {gold}, 10) for ranking, gold in zip(rankings, wanted, strict=True))
    return Scores(recalls[0], recalls[1], recalls[2], 100 * evaluate.mean(ranks), len(wanted))


def words(passages: Sequence[str], queries: Sequence[str]) -> NDArray[np.float32]:
    """BM25 of every passage for every query, float32 [queries, passages]."""
    index = SparseIndex.build(passages)
    return np.stack([index.scores(query) for query in queries])


def fused(
    cosines: NDArray[np.float32], words: NDArray[np.float32], weight: float = DENSE_WEIGHT
) -> NDArray[np.float32]:
    """One score for both, as `retrieval.hybrid.search` makes it: each side brings in its best, BM25 is divided by its
    best for the query, and `weight` is the cosine's share. What neither side brought in gets a score below all others.
    """
    best = words.max(1, keepdims=True)
    shares = np.divide(words, best, out=np.zeros_like(words), where=best > 0)
    both = weight * cosines + (1 - weight) * shares
    candidates = np.zeros(both.shape, bool)
    for side in (cosines, words):
        top = np.argsort(-side, axis=1, kind="stable")[:, :CANDIDATES]
        np.put_along_axis(candidates, top, True, axis=1)
    candidates &= (words > 0) | (np.argsort(np.argsort(-cosines, axis=1, kind="stable"), axis=1) < CANDIDATES)
    return np.where(candidates, both, np.float32(-10))
