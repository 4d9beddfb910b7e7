"""Sentences are cut where a reader would cut them, and their offsets are exact."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import sentences


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences.split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We ship today. You pay nothing.", ["We ship today.", "You pay nothing."]),
        ("It costs €4.95 to send. See tidewell.example/help for more.", None),
        ("Ask Dr. Moss at the desk. He knows.", ["Ask Dr. Moss at the desk.", "He knows."]),
        ("Use vinegar, e.g. white vinegar. Rinse twice.", ["Use vinegar, e.g. white vinegar.", "Rinse twice."]),
        ("Bring tools, spare parts, etc. We do the rest.", ["Bring tools, spare parts, etc.", "We do the rest."]),
        ("1. Press the button. 2. Wait.", ["1. Press the button.", "2. Wait."]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Is it hot? Yes! Let it cool.", ["Is it hot?", "Yes!", "Let it cool."]),
        ("Tools:\n- a knife\n- a spoon", ["Tools:", "- a knife", "- a spoon"]),
        ("A line that\nis wrapped. Done.", ["A line that\nis wrapped.", "Done."]),
        ("First part\n\nSecond part", ["First part", "Second part"]),
        ("No. 5 is broken. Call us.", ["No. 5 is broken.", "Call us."]),
        ("Open until 9 p.m. on Fridays. Closed on Sunday.", ["Open until 9 p.m. on Fridays.", "Closed on Sunday."]),
        (
            "订单满50欧元免运费。退货需在30天内寄出！可以吗？可以",
            ["订单满50欧元免运费。", "退货需在30天内寄出！", "可以吗？", "可以"],
        ),
        ("她说：“可以退货。”然后走了。", ["她说：“可以退货。”", "然后走了。"]),
        ("费用为4.95欧元。", ["费用为4.95欧元。"]),
        ("", []),
        ("   \n\n ", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["It costs €4.95 to send.", "See tidewell.example/help for more."]
    assert cut(text) == expected


def test_only_the_part_asked_for_is_cut_and_offsets_point_into_the_whole_text() -> None:
    text = "One. Two. Three."
    assert [text[a:b] for a, b in sentences.split(text, 5, 9)] == ["Two."]


@given(st.text(alphabet='ab AB.!?。！\n1€)"”', max_size=80))
def test_sentences_keep_everything_but_white_space_and_never_overlap(text: str) -> None:
    spans = sentences.split(text)
    assert all(a < b for a, b in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))
    kept = "".join("".join(text[a:b].split()) for a, b in spans)
    assert kept == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "whole"), [("Done.", True), ("你好。", True), ('"Yes."', True), ("You can", False), ("", False)]
)
def test_a_sentence_that_was_cut_short_is_told_from_a_whole_one(text: str, whole: bool) -> None:
    assert sentences.complete(text) is whole
