from __future__ import annotations

import math

import pytest

from retrieval.evaluate import mean, ndcg_at, recall_at, reciprocal_rank


def test_recall_is_the_share_of_what_is_relevant() -> None:
    assert recall_at(2, ["a", "b", "c"], {"a", "c"}) == 0.5
    assert recall_at(3, ["a", "b", "c"], {"a", "c"}) == 1.0
    assert recall_at(10, [], {"a"}) == 0.0


def test_the_reciprocal_rank_is_of_the_first_relevant_one() -> None:
    assert reciprocal_rank(["x", "a", "b"], {"a", "b"}) == 0.5
    assert reciprocal_rank(["x", "y", "a"], {"a"}, k=2) == 0.0


def test_ndcg_is_one_for_the_best_order_and_counts_nothing_twice() -> None:
    gains = {"a": 3.0, "b": 1.0}
    assert ndcg_at(10, ["a", "b"], gains) == 1.0
    assert ndcg_at(10, ["a", "a", "b"], gains) == 1.0
    assert ndcg_at(10, ["b", "a"], gains) == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))


def test_a_query_without_anything_relevant_has_no_score() -> None:
    for scored in (lambda: recall_at(1, ["a"], set()), lambda: ndcg_at(1, ["a"], {"a": 0.0})):
        with pytest.raises(ValueError, match="nothing is relevant"):
            scored()
    assert mean([]) == 0.0
    assert mean([1.0, 0.0]) == 0.5
