"""`frontdesk bench turn`: its options, its questions and its targets."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from bot.errors import ConfigError
from channels.bench import cli, inputs, machine


@pytest.mark.parametrize("arguments", [["turn", "--home", "h", "--json"], ["turn", "--no-haystack", "--home", "h"]])
def test_common_options_may_stand_behind_the_action(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser()
    cli.configure(parser)
    args = parser.parse_args(arguments)
    assert args.home == Path("h")
    assert (args.docs, args.questions) == (None, None)


def test_questions_come_from_lines_or_json_lines(tmp_path: Path) -> None:
    file = tmp_path / "questions"
    file.write_text('How long?\n{"id": 1, "query": "How much?"}\n{"question": "When?"}\n')
    assert inputs._from_file(file) == ["How long?", "How much?", "When?"]
    file.write_text('{"id": 1}\n')
    with pytest.raises(ConfigError, match="line 1"):
        inputs._from_file(file)


def test_a_figure_stands_beside_its_target_and_says_whether_it_is_met() -> None:
    found = {"text_turn": {"p50_ms": 301.0, "outside_forward_without_sync_p50_ms": 9.0}, "ratio_fp32": 1.1}
    told = cli.targets(found)
    assert told["text_turn_p50_ms"] == {"value": 301.0, "target": 300, "met": False}
    assert told["outside_forward_p50_ms"]["met"]
    assert told["ratio_to_haystack_fp32"]["met"]
    assert "memory_mib" not in told


def test_the_machine_is_described() -> None:
    assert machine.describe()["cores"] >= 1
    assert machine.resident_mib() > 10
