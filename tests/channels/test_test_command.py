"""`frontdesk test`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from channels import cli
from tests.bot.acme import FAKES
from tests.bot.scripted.cases import bank, written

WRONG = """
test_cases:
  - test_case: a wrong colour
    steps:
      - user: /StartFlow(paint)
        assertions: [{bot_uttered: {text_matches: "Which shade"}}]
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for part, name in FAKES.items():
        monkeypatch.setenv(f"FRONTDESK_ENGINES__{part.upper()}", name)
    return ["--home", str(tmp_path / "home"), "--bot", str(bank(tmp_path / "bank"))]


def test_json_is_one_object_and_the_report_is_written(
    tmp_path: Path, home: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "junit.xml"
    code = cli.main(["test", written(tmp_path), *home, "--json", "--coverage", "--junit", str(report)])
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (code, told["passed"], told["failed"]) == (0, 4, 0), err
    assert told["cases"][0] == {"name": "a transfer", "passed": True, "reason": ""}
    assert 0 < told["coverage"]["share"] < 1
    assert 'tests="4" failures="0"' in report.read_text()


def test_a_failure_ends_with_one(tmp_path: Path, home: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["test", written(tmp_path, WRONG), *home]) == 1
    out = capsys.readouterr().out
    assert "-   bot_uttered" in out
    assert "+   bot (utter_ask_colour): Which colour?" in out
    assert "0 passed, 1 failed" in out


def test_a_wrong_file_ends_with_two(tmp_path: Path, home: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["test", written(tmp_path, "test_cases: 3\n"), *home]) == 2
    assert "cases.yml:1: error: 'test_cases' must be a list" in capsys.readouterr().err


def test_what_was_said_in_a_shell_is_recorded_only_from_a_store(
    tmp_path: Path, home: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["test", "record", "abc", *home]) == 1
    assert "nothing was ever said" in capsys.readouterr().err
