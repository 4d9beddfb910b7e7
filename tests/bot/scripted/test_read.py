"""Files of tests: what is read, and what is told of a wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.scripted.read import read_cases
from tests.bot.scripted.cases import written


def test_a_stub_for_one_case_is_no_others(tmp_path: Path) -> None:
    cases, problems = read_cases(written(tmp_path))
    assert not problems
    stubbed = {case.name: list(case.stubs) for case in cases}
    assert stubbed.pop("in place of the action") == ["action_check_funds"]
    assert not any(stubbed.values())


def test_one_case_is_named_behind_the_file(tmp_path: Path) -> None:
    cases, _ = read_cases(written(tmp_path) + "::a transfer")
    assert [case.name for case in cases] == ["a transfer"]
    assert "no test case 'nobody'" in str(read_cases(written(tmp_path) + "::nobody")[1][0])


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("flow_begun: paint", "cases.yml:5: error: there is no assertion 'flow_begun'"),
        ("flow_started: {operator: some, flow_ids: [a]}", "'operator' is all or any, not 'some'"),
        ("slot_was_set: [{slot: a}]", "needs 'name', the slot's"),
        ("bot_uttered: {text_matches: '('}", "'text_matches' is no regular expression"),
        ("bot_uttered: {}", "'bot_uttered' needs one of utter_name"),
        ("generative_response_is_grounded: {threshold: 7}", "'threshold' is a number from 0 to 1, not 7"),
        ("generative_response_is_relevant: {utter_source: Nobody}", "'utter_source' is one of EnterpriseSearchPolicy"),
        ("flow_completed: {flow_step_id: a}", "'flow_completed' needs 'flow_id'"),
    ],
)
def test_a_wrong_assertion_is_told_with_its_line(tmp_path: Path, line: str, told: str) -> None:
    text = f"test_cases:\n- test_case: a\n  steps:\n  - user: hi\n    assertions: [{{{line}}}]\n"
    problems = [str(problem) for problem in read_cases(written(tmp_path, text))[1]]
    assert any(told in problem and "cases.yml:5" in problem for problem in problems), problems


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "test_cases:\n- test_case: a\n  fixtures: [x]\n  steps: [{user: hi}]\n",
            "cases.yml:3: error: there is no fixture",
        ),
        ("test_cases:\n- test_case: a\n  steps: []\n", "has no 'user' step"),
        ("test_cases:\n- test_case: a\n  steps: [{bot: hi}, {user: hi}]\n", "before anything that the customer says"),
        ("tests: []\n", "a file of tests has no key 'tests'"),
        ("test_cases: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    assert told in "\n".join(str(problem) for problem in read_cases(written(tmp_path, text))[1])
