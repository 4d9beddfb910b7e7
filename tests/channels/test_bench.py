"""`frontdesk bench turn`: its options, its questions and its targets."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from bot.botfile import load_bot
from bot.errors import ConfigError
from bot.flows.load import load
from bot.settings import Settings
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


def test_other_documents_come_with_the_whole_bot(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("# Opening hours\n\nWe are open from nine to five.\n", encoding="utf-8")
    folder = inputs.bot_folder(Settings(home=tmp_path), tmp_path / "docs", tmp_path)
    assert folder is not None
    botfile = load_bot(folder)
    assert [source.path for source in botfile.documents] == [(tmp_path / "docs").resolve()]
    loaded = load(folder)
    assert loaded.errors == ()
    assert loaded.processes.own
    assert inputs.bot_folder(Settings(home=tmp_path), tmp_path / "docs", tmp_path) == folder


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
