"""The checker "grounded": what its rules decide alone, what they see for the model, and how the shipped one judges."""

from __future__ import annotations

import pytest

from bot.engines import check_signs
from bot.engines.check_model import asserted

PAGE = """# Returns > Deadlines
You can return an item within 30 days if the seal is unbroken. Refunds take 5 working days. Opened filters cannot be
returned. The workshop in Haarlem is closed on Sundays."""


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        ("You can return an item within 60 days.", "not in the evidence: 60 day"),
        ("Refunds take 5 months.", "not in the evidence: 5 month"),
        ("Write to info@example.com.", "not in the evidence: info@example.com"),
        ("Can you return it?", "it is a question"),
        ("You can return an item within", "it was cut short"),
    ],
)
def test_figures_and_what_is_no_statement_are_blocked_by_the_rules_alone(sentence: str, why: str) -> None:
    assert check_signs.read(sentence, PAGE).blocked == why


def test_a_sentence_that_stands_in_the_evidence_is_known() -> None:
    found = check_signs.read("refunds take 5 working days", PAGE)
    assert (found.verbatim, check_signs.read("Refunds take 5 working days.", PAGE).blocked) == (True, "")


@pytest.mark.parametrize(
    ("sentence", "sign"),
    [
        ("Opened filters can be returned.", "negation less"),
        ("Refunds never take 5 working days.", "negation more"),
        ("You can return an item within 30 days.", "conditions less"),
        ("You can return all items if the seal is unbroken.", "limits more"),
        ("You must return an item within 30 days if the seal is unbroken.", "modals more"),
        ("The workshop in Utrecht is closed on Sundays.", "name missing"),
        ("Refunds take 30 days.", "figure elsewhere"),
    ],
)
def test_a_difference_to_the_nearest_sentence_is_a_sign(sentence: str, sign: str) -> None:
    found = check_signs.read(sentence, PAGE)
    assert not found.verbatim
    assert found.figures[sign] > 0
    assert sign not in check_signs.read("Refunds take 5 working days.", PAGE).figures


def test_a_bare_yes_says_what_follows_it() -> None:
    assert asserted(["Yes.", "Refunds take 5 days."]) == ["Yes. Refunds take 5 days."] * 2
    assert asserted(["Refunds take 5 days.", "Yes."]) == ["Refunds take 5 days.", "Yes."]
