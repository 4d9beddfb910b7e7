"""Conditions: what they say, and that nothing in them is ever an error for a customer."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.flows.conditions import parse
from bot.flows.scanner import WrongCondition

SLOTS: dict[str, Any] = {
    "n": 5,
    "name": "Ann",
    "yes": True,
    "no": False,
    "nothing": None,
    "things": ["a", "b"],
    "blank": "",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("slots.n > 3 and not slots.no", True),
        ("slots.n = 5 and slots.n == 5.0 and slots.n is 5", True),
        ("slots.n != 5 or slots.name is not 'Bo'", True),
        ('slots.name matches "^A"', True),
        ("not (slots.name matches '[0-9]')", True),
        ("slots.name contains 'nn' and slots.things contains \"b\"", True),
        ("slots.yes is True and slots.yes = true", True),
        ("slots.nothing is null and slots.unknown is null", True),
        ("slots.unknown", False),
        ("slots.unknown > 3", False),
        ("slots.name > 3", False),
        ("slots.yes = 1", False),
        ("slots.blank is empty and slots.name is not empty", True),
        ("slots.no or slots.yes and slots.no", False),
        ("'{{context.reason}}' = 'late'", True),
        ("context.deep.er = 2", True),
    ],
)
def test_a_condition_says_what_it_says(text: str, expected: bool) -> None:
    assert parse(text).holds(SLOTS, {"reason": "late", "deep": {"er": 2}}) is expected


@pytest.mark.parametrize(
    "text", ["", "slots.n >", "n > 3", "slots.n ** 2", "(slots.n", "slots.n matches slots.name", "'a"]
)
def test_what_does_not_read_says_where(text: str) -> None:
    with pytest.raises(WrongCondition, match="column"):
        parse(text)


def test_a_pattern_that_would_never_end_matches_nothing() -> None:
    assert not parse("slots.x matches '(a|aa)+$'").holds({"x": "a" * 60 + "b"})


def test_parentheses_too_deep_are_a_mistake_and_no_crash() -> None:
    with pytest.raises(WrongCondition):
        parse("(" * 5000 + "slots.n" + ")" * 5000)


values = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5) | st.lists(st.text())
)
operators = st.sampled_from(["is", "is not", "=", "==", "!=", "<", "<=", ">", ">=", "contains"])


@given(values, values, operators)
def test_no_values_make_a_condition_fail(left: Any, right: Any, operator: str) -> None:
    assert parse(f"slots.a {operator} slots.b").holds({"a": left, "b": right}) in (True, False)


@given(st.text(max_size=30))
def test_no_text_makes_the_parser_fail_otherwise(text: str) -> None:
    with contextlib.suppress(WrongCondition):
        parse(text).holds({}, {})


@given(values, values)
def test_not_is_the_opposite(left: Any, right: Any) -> None:
    slots = {"a": left, "b": right}
    assert parse("slots.a is slots.b").holds(slots) is not parse("slots.a is not slots.b").holds(slots)
