"""Rules: who may have what done, and when a person must approve."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import ConfigError
from bot.rules import Allow, Approve, Deny, Person, Rules, check, load_rules, unmatched

SHOP = """
[[rules]]
actions = ["action_cancel_*", "action_start_return"]
unless = "slots.order_verified and context.channel != 'rest'"
then = "deny"
reason = "The customer is not verified."
utter = "utter_not_verified"

[[rules]]
actions = ["action_start_return"]
unless = "slots.refund <= 200"
then = "approve"
by = "returns"
reason = "A refund of more than 200 euros."
"""
WEB = Person(channel="web")


def written(folder: Path, text: str) -> Rules:
    file = folder / "rules.toml"
    file.write_text(text, encoding="utf-8")
    return load_rules(file)


def test_a_bot_without_rules_may_do_all(tmp_path: Path) -> None:
    assert check(load_rules(tmp_path / "rules.toml"), "action_x", {}, Person()) == Allow()


def test_the_strictest_rule_that_applies_decides(tmp_path: Path) -> None:
    rules = written(tmp_path, SHOP)
    verified = {"order_verified": True}
    assert check(rules, "action_find_order", {}, WEB) == Allow()
    assert check(rules, "action_cancel_subscription", verified, WEB) == Allow()
    assert check(rules, "action_start_return", {"refund": 500}, WEB) == Deny(
        "The customer is not verified.", "utter_not_verified"
    )
    assert check(rules, "action_start_return", {**verified, "refund": 20}, Person(channel="rest")) == Deny(
        "The customer is not verified.", "utter_not_verified"
    )
    assert check(rules, "action_start_return", {**verified, "refund": 20}, WEB) == Allow()
    assert check(rules, "action_start_return", {**verified, "refund": 500}, WEB) == Approve(
        "returns", "A refund of more than 200 euros."
    )


@pytest.mark.parametrize("refund", [None, "much", [], True, float("nan")])
def test_an_amount_that_is_none_is_not_let_through(tmp_path: Path, refund: object) -> None:
    rules = written(tmp_path, SHOP)
    slots = {"order_verified": True, "refund": refund}
    assert isinstance(check(rules, "action_start_return", slots, WEB), Approve)


def test_what_was_approved_may_run_and_what_is_denied_may_not(tmp_path: Path) -> None:
    rules = written(tmp_path, SHOP)
    slots = {"order_verified": True, "refund": 500}
    assert check(rules, "action_start_return", slots, WEB, approved=True) == Allow()
    assert isinstance(check(rules, "action_start_return", {"refund": 500}, WEB, approved=True), Deny)


def test_where_all_is_denied_a_rule_must_allow(tmp_path: Path) -> None:
    rules = written(tmp_path, 'default = "deny"\n[[rules]]\nactions = ["action_find_*"]\nthen = "allow"\n')
    assert check(rules, "action_find_order", {}, Person()) == Allow()
    assert check(rules, "action_pay", {}, Person(verified=True)) == Deny("no rule allows action_pay")


def test_only_named_actions_may_be_repeated(tmp_path: Path) -> None:
    assert Rules().may_repeat("validate_order_form")
    assert not Rules().may_repeat("action_pay")
    assert written(tmp_path, 'repeatable = ["action_find_*"]').may_repeat("action_find_order")


def test_a_rule_that_guards_nothing_is_found(tmp_path: Path) -> None:
    rules = written(tmp_path, SHOP)
    assert unmatched(rules, ["action_start_return"]) == ["action_cancel_*"]


RULE = '[[rules]]\nactions = ["action_x"]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[rules]", "cannot be read"),
        (f'{RULE}then = "forbid"\n', "rule 1, then: Input should be 'allow', 'deny' or 'approve'"),
        (f'{RULE}then = "deny"\n', "rule 1: Value error, needs a 'reason'"),
        (f'{RULE}then = "approve"\nreason = "much"\n', "'by' says who approves"),
        (f'{RULE}then = "deny"\nreason = "no"\nby = "us"\n', "'by' says who approves"),
        (f'{RULE}then = "allow"\nreason = "yes"\n', "nothing to give a reason for"),
        (f'{RULE}then = "allow"\nwhen = "x"\n', "rule 1, when: Extra inputs are not permitted"),
        ('[[rules]]\nactions = []\nthen = "allow"\n', "rule 1, actions"),
        (f'{RULE}then = "allow"\nif = "slots.x >"\n', r"rule 1, if = 'slots\.x >'"),
        (f'{RULE}then = "allow"\nunless = "__import__(1)"\n', "rule 1, unless"),
        ('defaults = "deny"', "defaults: Extra inputs"),
    ],
)
def test_a_mistake_is_told_with_file_and_rule(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as raised:
        written(tmp_path, text)
    assert "rules.toml" in str(raised.value)


plain = st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=8), st.lists, max_leaves=4)


@given(slots=st.dictionaries(st.sampled_from(["order_verified", "refund", "other"]), plain))
def test_nothing_that_a_customer_says_breaks_the_rules(
    tmp_path_factory: pytest.TempPathFactory, slots: dict[str, object]
) -> None:
    rules = written(tmp_path_factory.getbasetemp(), SHOP)
    verdict = check(rules, "action_start_return", slots, WEB)
    assert isinstance(verdict, Allow | Deny | Approve)
    if isinstance(verdict, Allow):
        assert slots["order_verified"]
        assert float(slots["refund"]) <= 200  # type: ignore[arg-type]
