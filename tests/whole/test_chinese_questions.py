"""Forty questions as Chinese customers put them, not as the pages do; the floors lie below what was measured."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot.types import Outcome

pytestmark = pytest.mark.models
QUESTIONS = Path(__file__).with_name("chinese_questions.jsonl")
"""`half` "looked" was looked at while the words of the trade were gathered, "reported" never was. `documents` are the
pages that answer (none: the demo company's pages do not say), `says` what the answer has, one of them."""


@pytest.fixture(scope="module")
def asked(ask: Callable[..., Any]) -> list[tuple[dict[str, Any], Any]]:
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    return [(line, ask(line["question"])) for line in map(json.loads, lines)]


def right(line: dict[str, Any], result: Any) -> bool:
    """Whether the right page is cited and says it."""
    pages = {citation.document for reply in result.replies for citation in reply.citations}
    text = "\n".join(reply.text for reply in result.replies)
    return bool(pages & set(line["documents"])) and any(part in text for part in line["says"])


@pytest.mark.parametrize(("half", "least"), [("looked", 9), ("reported", 2)])
def test_questions_in_customers_words_are_answered(asked: Any, half: str, least: int) -> None:
    answerable = [(line, result) for line, result in asked if line["half"] == half and line["documents"]]
    assert len(answerable) == 15
    assert sum(right(line, result) for line, result in answerable) >= least


def test_what_no_page_says_is_hardly_ever_answered(asked: Any) -> None:
    others = [result for line, result in asked if not line["documents"]]
    assert len(others) == 10
    assert sum(result.outcome is Outcome.ANSWERED for result in others) <= 2
