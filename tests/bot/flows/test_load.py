"""A bot's folder is read whole, and every mistake is told with its place and what would be right."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from bot.flows.load import load, patterns
from bot.flows.model import END, Act, Collect, Problem, SetSlots
from tests.bot.flows.bots import TRANSFER, write


def found(folder: Path, code: str) -> Problem:
    problems = [problem for problem in load(folder).problems if problem.code == code]
    assert problems, [str(problem) for problem in load(folder).problems]
    return problems[0]


def test_a_bot_as_rasa_documents_it_has_no_mistakes(tmp_path: Path) -> None:
    loaded = load(write(tmp_path))
    assert [str(problem) for problem in loaded.problems] == []
    flow = loaded.processes.flows["transfer"]
    assert (flow.name, flow.collects) == ("transfer money", ("recipient", "amount", "confirmation"))
    assert list(flow.steps) == [
        "0_collect_recipient",
        "ask_amount",
        "2_action_check_funds",
        "3_utter_no_funds",
        "4_set_slots",
        "confirm",
        "6_action_execute_transfer",
        "7_utter_sent",
        "8_utter_cancelled",
    ]


def test_nested_steps_lie_side_by_side_with_their_branches(tmp_path: Path) -> None:
    flow = load(write(tmp_path)).processes.flows["transfer"]
    funds = flow.steps["2_action_check_funds"]
    assert [(branch.condition and branch.condition.text, branch.target) for branch in funds.next] == [
        ("not slots.has_funds", "3_utter_no_funds"),
        (None, "confirm"),
    ]
    back = flow.steps["4_set_slots"]
    assert isinstance(back, SetSlots)
    assert back.values == (("amount", None),)
    assert back.next[0].target == "ask_amount"
    assert flow.steps["7_utter_sent"].next[0].target == END
    first = flow.steps[flow.first]
    assert isinstance(first, Collect)
    assert first.rejections[0].utter == "utter_bad_recipient"


def test_a_called_flows_slots_belong_to_the_one_that_calls(tmp_path: Path) -> None:
    flows = load(write(tmp_path)).processes.flows
    assert flows["block"].collects == ("card", "reason")
    assert flows["paint"].resets == ()
    assert not flows["which_card"].startable


def test_a_bots_own_repair_flow_takes_the_defaults_place(tmp_path: Path) -> None:
    own = "flows: {pattern_completed: {description: x, steps: [{action: utter_sent}]}}"
    processes = load(write(tmp_path, data__own=own)).processes
    assert processes.overridden == {"pattern_completed"}
    assert next(iter(processes.flows["pattern_completed"].steps.values())) == Act(
        id="0_utter_sent",
        action="utter_sent",
        next=processes.flows["pattern_completed"].steps["0_utter_sent"].next,
        place=processes.flows["pattern_completed"].steps["0_utter_sent"].place,
    )
    assert set(patterns()[0]) <= set(processes.flows)


def test_the_default_repair_flows_are_without_mistakes_in_both_languages(tmp_path: Path) -> None:
    assert patterns()[1].untranslated(["en", "zh"]) == []
    assert patterns("zh")[1].say("utter_ask_rephrase", "zh").text.startswith("抱歉")


MISTAKES = [
    (
        "unknown_step",
        4,
        "confrim",
        "flows:\n  f:\n    description: d\n    steps: [{id: a, noop: true, next: confrim}]",
    ),
    (
        "missing_response",
        5,
        "utter_none",
        "flows:\n  f:\n    description: d\n    steps:\n      - action: utter_none",
    ),
    (
        "missing_response",
        5,
        "utter_ask_verified",
        "flows:\n  f:\n    description: d\n    steps:\n      - collect: verified",
    ),
    (
        "unknown_slot",
        5,
        "amont",
        "flows:\n  f:\n    description: d\n    steps:\n      - set_slots: [{amont: 3}]",
    ),
    (
        "unknown_action",
        5,
        "action_x",
        "flows:\n  f:\n    description: d\n    steps:\n      - action: action_x",
    ),
    (
        "unknown_flow",
        5,
        "did you mean 'paint'",
        "flows:\n  f:\n    description: d\n    steps:\n      - link: pant",
    ),
    (
        "unknown_key",
        6,
        "did you mean 'utter'",
        "flows:\n  f:\n    description: d\n    steps:\n      - collect: amount\n        uter: x",
    ),
    (
        "unknown_key",
        4,
        "descripton",
        "flows:\n  f:\n    description: d\n    descripton: e\n    steps: [{action: utter_sent}]",
    ),
    (
        "condition",
        3,
        "column 15",
        "flows:\n  f:\n    if: slots.amount >> 3\n    description: d\n    steps: [{action: utter_sent}]",
    ),
    (
        "no_else",
        6,
        "'else'",
        "flows:\n"
        "  f:\n"
        "    description: d\n"
        "    steps:\n"
        "      - noop: true\n"
        "        next: [{if: slots.verified, then: END}]",
    ),
    (
        "step_kind",
        5,
        "exactly one of",
        "flows:\n  f:\n    description: d\n    steps:\n      - {action: utter_sent, collect: amount}",
    ),
    (
        "description",
        2,
        "description",
        "flows:\n  f:\n    steps: [{action: utter_sent}]",
    ),
    (
        "no_steps",
        2,
        "at least one step",
        "flows:\n  f: {description: d}",
    ),
    (
        "yaml",
        3,
        "not valid YAML",
        "flows:\n  f: [\n",
    ),
    (
        "pattern_link",
        5,
        "human_handoff",
        "flows:\n  f:\n    description: d\n    steps:\n      - link: pattern_completed",
    ),
    (
        "slot_value",
        5,
        "red, green",
        "flows:\n  f:\n    description: d\n    steps:\n      - set_slots: [{colour: pink}]",
    ),
    (
        "slot_never_filled",
        2,
        "never filled",
        "slots:\n"
        "  lost: {type: text, mappings: [{type: from_llm}]}\n"
        "flows:\n"
        "  f:\n"
        "    description: d\n"
        "    if: slots.lost\n"
        "    steps: [{action: utter_sent}]",
    ),
    (
        "slot_type",
        2,
        "did you mean 'float'",
        "slots:\n  w: {type: flot, initial_value: 1}",
    ),
    (
        "unknown_slot",
        3,
        "nosuch",
        "responses:\n  x: 1\n  utter_b: [{text: t, buttons: [{title: T, payload: /SetSlots(nosuch=1)}]}]",
    ),
    (
        "missing_next",
        8,
        "END",
        "flows:\n"
        "  f:\n"
        "    description: d\n"
        "    steps:\n"
        "      - noop: true\n"
        "        next:\n"
        "          - if: slots.verified\n"
        "            then: [{action: utter_sent}]\n"
        "          - else: END",
    ),
]


@pytest.mark.parametrize(("code", "line", "words", "text"), MISTAKES)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(
    tmp_path: Path, code: str, line: int, words: str, text: str
) -> None:
    problem = found(write(tmp_path, flows=text), code)
    assert problem.place.file.endswith("flows.yml")
    assert problem.place.line == line
    assert words in problem.message


def test_a_flow_that_stands_twice_is_told_with_both_places(tmp_path: Path) -> None:
    problem = found(write(tmp_path, flows="flows:\n  paint: {description: d, steps: [{action: utter_sent}]}"), "twice")
    assert problem.place.file.endswith("others.yml")
    assert "flows.yml:2" in problem.message


def test_a_step_that_is_never_reached_is_told(tmp_path: Path) -> None:
    text = """
flows:
  f:
    description: d
    steps:
      - action: utter_sent
        next: END
      - id: lonely
        action: utter_cancelled
"""
    problem = found(write(tmp_path, data__lonely=text), "unreachable_step")
    assert (problem.place.line, "lonely" in problem.message) == (8, True)


def test_a_key_of_rasas_without_a_counterpart_is_told_with_its_consequence(tmp_path: Path) -> None:
    text = "flows:\n  f:\n    description: d\n    steps:\n      - {collect: amount, silence_timeout: 5}"
    problem = found(write(tmp_path, data__f=text), "no_counterpart")
    assert (problem.level, "silence" in problem.message) == ("warning", True)


def test_an_empty_folder_says_what_a_bot_is_made_of(tmp_path: Path) -> None:
    assert "domain.yml" in found(tmp_path, "no_domain").message


def test_five_hundred_flows_load_and_are_checked_in_seconds(tmp_path: Path) -> None:
    write(tmp_path)
    body = TRANSFER.removeprefix("\nflows:\n")
    for number in range(500):
        (tmp_path / "data" / f"flow{number}.yml").write_text("flows:\n" + body.replace("transfer:", f"t{number}:", 1))
    began = time.process_time()
    loaded = load(tmp_path)
    assert len(loaded.processes.own) == 504
    assert not loaded.problems
    assert time.process_time() - began < 20  # it takes two; a slower machine is no mistake
