"""The benchmark of the dialogue machine: its conversations come through, and every target stands beside its figure."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.settings import Settings
from channels.bench import dialogue, transfers
from channels.cli import main


async def test_the_made_up_conversation_comes_through_on_both_sides(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    bot, seconds = dialogue._loaded(tmp_path / "bot", 3)
    assert seconds > 0
    assert await dialogue.in_memory(bot, settings, 0.01) > 0
    assert await dialogue.on_sqlite(bot, settings, tmp_path / "turns.db", 0.01, 2) > 0


def test_the_two_sides_say_the_same() -> None:
    assert len(transfers.COMMANDS) == len(transfers.PAYLOADS)


def test_every_target_is_printed_with_what_was_reached(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "dialogue", "--seconds", "0.05", "--home", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["targets"]) == {"memory_turns_per_second", "sqlite_turns_per_second", "load_seconds"}
    assert all({"value", "target", "met"} == set(each) for each in found["targets"].values())
    assert found["reference_python_ms"] > 0
    assert found["reference_sync_ms"] > 0


def test_no_time_at_all_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "dialogue", "--seconds", "0", "--home", str(tmp_path)]) != 0
    assert "--seconds is above 0" in capsys.readouterr().err
