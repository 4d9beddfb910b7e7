"""The checker "grounded": what its rules decide alone, what they see for the model, and how the shipped one judges."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from bot.engines import check_signs
from bot.engines.base import Checker
from bot.engines.check_model import asserted
from tests.contracts import engines

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
    found = check_signs.read("Refunds take 5 working days.", PAGE)
    assert (found.verbatim, found.passed, found.blocked) == (True, True, "")
    assert not check_signs.read("Refunds take 5 working days only.", PAGE).verbatim


def test_a_bare_yes_says_what_follows_it() -> None:
    assert asserted(["Yes.", "Refunds take 5 days."]) == ["Yes. Refunds take 5 days."] * 2
    assert asserted(["Refunds take 5 days.", "Yes."]) == ["Refunds take 5 days.", "Yes."]


@pytest.fixture(scope="module")
def grounded() -> Iterator[Checker]:
    with (
        engines.started("encoder", "minilm") as encoder,
        engines.started("checker", "grounded", encoder=encoder) as engine,
    ):
        yield engine


@pytest.mark.models
async def test_the_shipped_check_passes_what_is_said_in_other_words_and_blocks_what_is_made_up(
    grounded: Checker,
) -> None:
    true = ["You have 30 days to return an item if the seal is unbroken.", "A refund takes 5 working days."]
    false = [
        "Refunds take 30 working days.",
        "Refunds never take 5 working days.",
        "We deliver to every country in Europe.",
        "Your parcel was handed to the courier this morning.",
    ]
    verdicts = await grounded.check("", [*true, *false], [PAGE])
    assert [each.supported for each in verdicts] == [True, True, False, False, False, False]
    assert min(each.support for each in verdicts[:2]) > 0.3 + max(each.support for each in verdicts[2:])


@pytest.mark.models
async def test_chinese_is_judged_by_the_rules(grounded: Checker) -> None:
    true, false = await grounded.check("", ["礼品卡不能退货。", "礼品卡可以退货。"], ["礼品卡不能退货。"])
    assert (true.supported, false.supported) == (True, False)


@pytest.mark.models
async def test_a_sentence_is_judged_by_the_piece_of_evidence_that_says_it(grounded: Checker) -> None:
    said = "Refunds take 5 working days."
    one, other = await asyncio.gather(
        grounded.check("", [said], ["The shop is open on Monday.", PAGE, "We have been selling lamps since 1990."]),
        grounded.check("", [said], ["The shop is open on Monday."]),
    )
    assert (one[0].supported, other[0].supported) == (True, False)
