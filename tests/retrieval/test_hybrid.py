from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import QueryError
from retrieval.hybrid import search
from retrieval.ingest import ingest
from retrieval.snapshot import Snapshot
from retrieval.types import Audience, Filters, Hit
from retrieval.words import terms
from tests.retrieval.conftest import WordEncoder

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def snapshot(write: Write, docs: Path, index: Path, encoder: WordEncoder) -> Snapshot:
    write("refunds.md", "# Refunds\n\nA refund takes five working days.")
    write("delivery.md", "# Delivery\n\nParcels travel by bicycle courier.")
    write("zh/refunds.md", "# 退款\n\n退款需要五个工作日。")
    write("zh/delivery.md", "# 配送\n\n包裹由快递员派送。")
    write(
        "procedure.md",
        "---\naudience: internal\n---\n# Refund override\n\nThe refund override code is 4711. 内部退款流程",
    )
    return ingest([docs], index, encoder).snapshot


def ask(snapshot: Snapshot, text: str, k: int = 10, **filters: object) -> list[Hit]:
    return search(snapshot, text, WordEncoder().encode([text])[0], k, Filters(**filters))  # type: ignore[arg-type]


def found(hits: list[Hit]) -> list[str]:
    return [hit.passage.document for hit in hits]


def test_the_page_that_speaks_of_it_comes_first(snapshot: Snapshot) -> None:
    assert found(ask(snapshot, "how long does a refund take"))[0] == "refunds"
    assert found(ask(snapshot, "is my parcel sent by courier?"))[0] == "delivery"


def test_a_chinese_question_finds_the_chinese_page(snapshot: Snapshot) -> None:
    assert found(ask(snapshot, "退款要多久？"))[0] == "zh/refunds"
    assert ask(snapshot, "火星")  # no word in common: by meaning, as well as it goes


def test_scores_fall_and_each_side_says_what_it_found(snapshot: Snapshot) -> None:
    hits = ask(snapshot, "refund by courier")
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.dense is not None and -1.001 <= hit.dense <= 1.001 for hit in hits)
    assert hits[0].sparse
    assert hits[-1].sparse is None


def test_filters_on_language_and_collection(snapshot: Snapshot) -> None:
    assert set(found(ask(snapshot, "refund", languages=frozenset({"zh"})))) == {"zh/refunds", "zh/delivery"}
    assert ask(snapshot, "refund", languages=frozenset({"fr"})) == []
    assert len(ask(snapshot, "refund", collections=frozenset({"default"}))) == 4
    with pytest.raises(QueryError, match="unknown collection 'nowhere'"):
        ask(snapshot, "refund", collections=frozenset({"nowhere"}))


def test_k_below_one_is_an_error_and_a_large_one_gives_all_there_is(snapshot: Snapshot) -> None:
    for k in (0, -1):
        with pytest.raises(QueryError):
            ask(snapshot, "refund", k)
    assert len(ask(snapshot, "refund", 1)) == 1
    assert len(ask(snapshot, "refund", 10**9)) == 4
    assert len(ask(snapshot, "refund", 10**9, audience=Audience.INTERNAL)) == 5


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=60), st.integers(1, 10_000), st.integers(0, 2**32 - 1))
def test_no_customer_ever_sees_an_internal_passage(snapshot: Snapshot, text: str, k: int, seed: int) -> None:
    """Not for any text, any vector or any k, neither by meaning nor by words."""
    vector = np.random.default_rng(seed).normal(size=64).astype(np.float32) * 1000
    secret = next(row for row, passage in enumerate(snapshot.passages) if passage.audience is Audience.INTERNAL)
    asked = f"{text} refund override code 4711 内部退款流程"
    allowed = snapshot.allowed(Filters())
    assert secret not in snapshot.dense.search(vector, k, allowed)[0]
    assert secret not in snapshot.dense.search(snapshot.dense.vectors()[secret], k, allowed)[0]
    assert secret not in snapshot.sparse.search(asked, k, allowed)[0]
    assert "procedure" not in found(search(snapshot, asked, vector, k))
    assert found(search(snapshot, asked, snapshot.dense.vectors()[secret], k, Filters(audience=Audience.INTERNAL)))[
        0
    ] == ("procedure")


def test_an_index_with_internal_pages_only_shows_customers_nothing(
    write: Write, docs: Path, index: Path, encoder: WordEncoder
) -> None:
    write("procedure.md", "the override code")
    made = ingest([docs], index, encoder, audience=Audience.INTERNAL).snapshot
    assert ask(made, "override code") == []


def test_terms_of_english_and_chinese() -> None:
    assert terms("I don't want 10,000 e-mails; the TW-L100 costs €7.50") == [
        "want", "10000", "e", "mail", "email", "tw", "l100", "twl100", "cost", "7", "50", "7.50"
    ]  # fmt: skip
    assert {"保修", "保修期", "期", "问题"} <= set(terms("保修期的问题"))
    assert terms("ＬＥＤ") == terms("LED") == ["led"]
    assert terms("x" * 100) == terms("") == []
