"""`frontdesk registry`: from what training wrote to what is served, and back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bot.settings import Settings
from channels import cli
from channels.commands import registry
from tests.bot.engines.models import trained

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str | Path) -> tuple[int, str, str]:
        code = cli.main(["registry", *map(str, arguments), "--home", str(settings.home)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


@pytest.fixture
def two(run: Run, tmp_path: Path) -> tuple[str, str]:
    """The versions of two readers."""
    versions = []
    for name, f1 in (("one", 60.0), ("two", 62.5)):
        folder = trained(tmp_path / name, name, scores={"dev": {"f1": f1}}, epochs=[1, 2], hardware="2 cores")
        versions.append(json.loads(run("add", "reader", folder, "--by", "mia", "--json")[1])["version"])
    return versions[0], versions[1]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """Figures that the comparison comes back with, and what it was asked."""
    side = {"name": "r", "f1": 60.0, "interval": [58.0, 62.0]}
    said: dict[str, Any] = {"better": True, "gain": 2.5, "gain_interval": [0.5, 4.5]}
    said |= {"metric": "f1", "n": 80, "candidate": side, "served": side, "data": {"file": "dev.json"}}

    def compare(kind: str, args: object, candidate: Path, served: Path | None, bar: object) -> Mapping[str, Any]:
        said["asked"] = [kind, candidate.name, served and served.name]
        return {key: value for key, value in said.items() if key != "asked"}

    monkeypatch.setattr(registry, "import_module", lambda name: SimpleNamespace(compare=compare))
    (tmp_path / "dev.json").write_text("{}")
    return said


def test_the_list_tells_versions_apart_by_their_figure_and_marks_what_is_served(run: Run, two: tuple[str, str]) -> None:
    code, out, _ = run("list")
    assert code == 0
    assert f"  reader     {two[1][:12]}  two" in out
    assert "f1 62.5 (dev)" in out
    assert "built in (models.toml), nothing promoted: reader, encoder" in out
    assert run("list", "encoder")[1].endswith("no versions yet: frontdesk registry add KIND DIR\n")


def test_what_is_better_is_promoted_and_the_record_says_by_how_much(
    run: Run, two: tuple[str, str], gate: dict[str, Any], tmp_path: Path
) -> None:
    code, out, _ = run("promote", two[0][:10], "--data", tmp_path / "dev.json", "--by", "mia")
    assert code == 0
    assert "gain" in out
    assert "+2.50  [+0.50, +4.50] over 80 rows" in out
    assert f"reader {two[0][:12]} is served from now on" in out
    assert gate["asked"] == ["reader", two[0], None]
    assert run("promote", "two", "--data", tmp_path / "dev.json", "--by", "bob")[0] == 0
    assert gate["asked"] == ["reader", two[1], two[0]]
    told = json.loads(run("list", "--json")[1])
    assert [each["serving"] for each in told["versions"]] == [False, True]
    shown = run("show", "two")[1]
    assert f"promote   {two[0][:12]} -> {two[1][:12]}  by bob, f1 +2.50 on dev.json" in shown
    assert "# Reader two" in shown
    assert run("promote", "two", "--data", tmp_path / "dev.json")[2].startswith("error: reader")


def test_what_is_not_better_is_refused_unless_it_is_forced_with_a_reason(
    run: Run, two: tuple[str, str], gate: dict[str, Any], tmp_path: Path
) -> None:
    gate |= {"better": False, "gain": 0.2, "gain_interval": [-1.0, 1.4]}
    code, out, _ = run("promote", "one", "--data", tmp_path / "dev.json")
    assert code == 1
    assert "not better beyond chance: not promoted" in out
    assert json.loads(run("list", "--json")[1])["serving"] == {}
    assert "--force needs --reason" in run("promote", "one", "--force")[2]
    assert "give --data FILE" in run("promote", "one")[2]
    assert run("promote", "one", "--force", "--reason", "half the size", "--by", "mia")[0] == 0
    (only,) = json.loads(run("show", "one", "--json")[1])["history"]
    assert (only["action"], only["reason"], only["author"], only["replaced"]) == ("force", "half the size", "mia", "")


def test_a_rollback_goes_back_to_what_was_served_before(run: Run, two: tuple[str, str]) -> None:
    for name in ("one", "two"):
        assert run("promote", name, "--force", "--reason", "try")[0] == 0
    assert run("rollback", "reader", "--reason", "worse")[1] == f"reader: back from {two[1][:12]} to {two[0][:12]}\n"
    assert json.loads(run("rollback", "reader", "--json")[1])["version"] == ""
    code, _, error = run("rollback", "reader")
    assert code == 1
    assert "nothing to go back from" in error


def test_a_comparison_shows_what_differs(run: Run, two: tuple[str, str]) -> None:
    out = run("diff", "one", "two")[1]
    assert any(line.split() == ["scores.dev.f1", "60", "62.5", "+2.5"] for line in out.splitlines())
    assert "hardware" not in out
    assert "data: made up." in out
    assert "hardware" in run("diff", "one", "two", "--all")[1]
    told = json.loads(run("diff", "one", "two", "--json")[1])
    assert told["diff"]["scores.dev.f1"] == [60.0, 62.5]


def test_a_version_that_nobody_knows_is_said_with_those_that_are(run: Run, two: tuple[str, str]) -> None:
    code, _, error = run("show", "abcdef")
    assert code == 1
    assert f"no versions are called 'abcdef'; there are: reader {two[0][:12]}" in error
