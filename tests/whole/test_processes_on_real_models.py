"""The demo company's business processes, end to end, on the real weights."""

from __future__ import annotations

import pytest

from bot.scripted.script import Case
from tests.whole.conftest import Company
from tests.whole.scripts import Customer, cases, run

pytestmark = pytest.mark.models


@pytest.mark.parametrize("case", cases(), ids=lambda case: str(case.name))
def test_a_case_goes_as_it_is_written(company: Company, case: Case) -> None:
    told, wrong = run(company, case)
    assert not wrong, f"{wrong}\n{told}"


def test_the_same_words_lead_to_the_same_twice(company: Company) -> None:
    for case in [case for case in cases() if len(case.steps) > 3]:
        first, second = run(company, case), run(company, case)
        assert first == second, case.name


def refund(company: Company) -> Customer:
    """A customer whose return of an espresso machine waits for a colleague."""
    customer = Customer(company)
    customer.knows({"order_number": "TW-48209981", "order_proof": "50667"})
    customer.says("I'd like to return the espresso machine")
    customer.says("/SetSlots(return_reason=faulty)")
    assert "utter_refund_waits" in customer.says("yes").told()
    return customer


@pytest.mark.parametrize(("granted", "said"), [(True, "utter_return_started"), (False, "utter_action_not_approved")])
def test_what_a_colleague_says_of_a_large_refund_is_told(company: Company, granted: bool, said: str) -> None:
    customer = refund(company)
    told = customer.hears_from_a_colleague(granted=granted)
    assert said in told.told()
    assert ("action action_start_return: done" in told.told()) is granted


def test_other_things_can_be_done_while_a_refund_waits(company: Company) -> None:
    customer = refund(company)
    assert "flow started: check_stock" in customer.says("Is the kettle K150 in stock?").told()
    assert "utter_return_started" in customer.hears_from_a_colleague(granted=True).told()


def test_a_shop_that_fails_in_the_middle_brings_a_person(company: Company) -> None:
    customer = Customer(company)
    customer.knows({"order_number": "TW-48210655", "order_proof": "anna@example.com"})
    customer.says("I want to return the toaster")
    customer.says("/SetSlots(return_reason=faulty)")
    customer.loses_the_shop()
    told = customer.says("yes").told()
    assert "flow started: pattern_internal_error" in told
    assert "utter_return_started" not in told
    assert customer.owner() == "people"
