"""`frontdesk test`, as it is typed."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from bot import settings
from bot.build import build
from bot.direct import Direct
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


def test_what_the_bot_does_not_have_is_told(
    tmp_path: Path, home: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["test", written(tmp_path, WRONG.replace("text_matches", "utter_name")), *home]) == 1
    assert "cases.yml:6: warning: the bot has no response 'Which shade'" in capsys.readouterr().err


def test_an_action_server_that_is_not_there_is_told_at_once(
    tmp_path: Path, home: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["test", written(tmp_path), *home, "--actions", "http://127.0.0.1:9"]) == 1
    assert "no action server answers at http://127.0.0.1:9/webhook" in capsys.readouterr().err


def test_a_stored_conversation_becomes_a_test_that_passes(tmp_path: Path, home: list[str]) -> None:
    async def talk() -> str:
        bot = await build(settings.load(home=tmp_path / "home", bot=tmp_path / "bank", generator=False))
        await bot.start()
        try:
            await Direct(bot, "shell").ask("", sender="ann", payload="/StartFlow(paint)")
            return (await Direct(bot, "shell").ask("", sender="ann", payload="/SetSlots(colour=red)")).conversation
        finally:
            await bot.close()

    conversation, file = asyncio.run(talk()), tmp_path / "recorded.yml"
    assert cli.main(["test", "record", conversation[:8], *home, "--out", str(file)]) == 0
    assert "flow_completed" in file.read_text()
    assert cli.main(["test", str(file), *home]) == 0


def test_what_was_said_in_a_shell_is_recorded_only_from_a_store(
    tmp_path: Path, home: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["test", "record", "abc", *home]) == 1
    assert "nothing was ever said" in capsys.readouterr().err
