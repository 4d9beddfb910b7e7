"""Words that mean the same find each other, the longest at each place; a text without known words stays as it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from retrieval.concepts import NONE, Concepts
from retrieval.sparse import SparseIndex

TRADE = Concepts(
    {
        "快递": ("send",),
        "运费": ("send", "cost"),
        "多少钱": ("cost",),
        "配送": ("send",),
        "修": ("repair",),
        "怎么办": (),
        "保修": ("warranty",),
    }
)


def test_a_text_means_what_its_words_mean() -> None:
    assert TRADE.terms("快递多少钱") == ["=send", "=cost"]
    assert TRADE.terms("运费") == ["=send", "=cost"]


def test_the_longest_word_wins() -> None:
    assert TRADE.terms("保修") == ["=warranty"]


def test_a_character_counts_only_where_it_is_a_word() -> None:
    assert TRADE.terms("机器坏了，修要花钱吗") == ["=repair"]
    assert TRADE.terms("修道院在哪") == []


def test_a_word_that_says_nothing_is_taken_out_and_means_nothing() -> None:
    assert TRADE.rest("快递怎么办").split() == []
    assert TRADE.words("快递怎么办") == ["快递"]


def test_without_concepts_a_text_stays_as_it_is() -> None:
    assert (NONE.rest("快递 parcel"), NONE.terms("快递")) == ("快递 parcel", [])
    assert TRADE.rest("Where is my parcel?") == "Where is my parcel?"


def test_a_page_is_found_by_another_word_for_the_same_also_after_loading(tmp_path: Path) -> None:
    built = SparseIndex.build(["标准运费是五欧元", "密码至少十个字符"], TRADE)
    built.save(tmp_path / "sparse")
    for index in (built, SparseIndex.load(tmp_path / "sparse")):
        rows, _ = index.search("快递多少钱", 5, np.ones(2, np.bool_))
        assert rows.tolist() == [0]
    rows, _ = SparseIndex.build(["标准运费是五欧元", "密码至少十个字符"]).search("快递多少钱", 5, np.ones(2, np.bool_))
    assert 0 not in rows
