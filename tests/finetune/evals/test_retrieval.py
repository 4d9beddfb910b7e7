"""`eval retrieval`: search over a folder and over a pool of passages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.finetune.evals.company import Evaluate, rows

KEYS = {"recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10", "ms_p50", "n"}
POOL = [
    {"id": 1, "text": "A parcel to Norway takes six days."},
    {"id": "two", "text": "Returns are free within thirty days."},
    {"id": 3, "text": "The kettle boils a litre in three minutes.", "title": "Kettle"},
]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "returns.md").write_text("# Returns\n\nReturns are free within thirty days.\n")
    (folder / "norway.md").write_text("# Norway\n\nA parcel to Norway takes six days.\n")
    (folder / "desk.md").write_text("# Internal: goodwill\n\nAgents may forgive a late return.\n")
    return folder


@pytest.mark.parametrize("search", ["hybrid", "dense", "sparse"])
def test_a_pool_of_passages_is_searched_by_their_ids(evaluate: Evaluate, tmp_path: Path, search: str) -> None:
    pool = rows(tmp_path / "pool.jsonl", POOL)
    asked = [{"query": "parcel to Norway", "relevant": [1]}, {"query": "free returns", "relevant": ["two"]}]
    queries = rows(tmp_path / "queries.jsonl", asked)
    found = evaluate("retrieval", "--docs", pool, "--queries", queries, "--search", search)
    assert set(found) >= KEYS
    assert (found["recall@1"], found["mrr@10"], found["passages"]) == (100.0, 100.0, 3)
    assert found["intervals"]["recall@1"][0] < 100
    assert found["data"]["options"]["search"] == search


def test_a_folder_is_searched_by_names_as_customers_search_it(evaluate: Evaluate, docs: Path, tmp_path: Path) -> None:
    asked = [{"query": "may I return it for free", "relevant": ["returns.md"]}]
    queries = rows(tmp_path / "queries.jsonl", asked)
    found = evaluate("retrieval", "--docs", docs, "--queries", queries, "--internal-title", "^Internal")
    assert (found["recall@1"], found["documents"]) == (100.0, 3)


def test_a_follow_up_takes_along_what_was_said_before(evaluate: Evaluate, docs: Path, tmp_path: Path) -> None:
    history = [{"role": "customer", "text": "How long does a parcel to Norway take?"}]
    queries = rows(tmp_path / "queries.jsonl", [{"query": "And now?", "history": history, "relevant": ["norway"]}])
    assert evaluate("retrieval", "--docs", docs, "--queries", queries)["recall@1"] == 100.0


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"query": "a", "relevant": ["gone"]}, "line 1: relevant: 'gone' is not among the documents"),
        ({"query": "a", "relevant": ["desk"]}, "line 1: relevant: 'desk' is internal"),
        ({"query": "a", "relevant": []}, "line 1: relevant"),
    ],
)
def test_what_could_never_be_found_is_told(
    evaluate: Evaluate, docs: Path, tmp_path: Path, row: dict[str, Any], told: str
) -> None:
    queries = rows(tmp_path / "queries.jsonl", [row])
    arguments = ("--docs", docs, "--queries", queries, "--internal-title", "^Internal")
    assert told in evaluate("retrieval", *arguments, wrong=True)["error"]


def test_a_name_that_two_documents_have_is_told(evaluate: Evaluate, docs: Path, tmp_path: Path) -> None:
    for folder in ("en", "zh"):
        (docs / folder).mkdir()
        (docs / folder / "fees.md").write_text(f"# Fees\n\nA parcel costs 5 euros ({folder}).\n")
    queries = rows(tmp_path / "queries.jsonl", [{"query": "fees", "relevant": ["fees.md"]}])
    arguments = ("--docs", docs, "--queries", queries)
    assert "may be 'en/fees' or 'zh/fees'" in evaluate("retrieval", *arguments, wrong=True)["error"]


def test_two_passages_of_one_id_are_told(evaluate: Evaluate, tmp_path: Path) -> None:
    pool = rows(tmp_path / "pool.jsonl", [*POOL, {"id": "1", "text": "again"}])
    queries = rows(tmp_path / "queries.jsonl", [{"query": "a", "relevant": [1]}])
    assert (
        "line 4: id: '1' is that of line 1 too"
        in evaluate("retrieval", "--docs", pool, "--queries", queries, wrong=True)["error"]
    )
