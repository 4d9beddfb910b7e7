from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from channels import cli
from finetune import compare, data
from finetune.data import DataError
from finetune.methods import METHODS
from tests.finetune import squad


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return squad.tiny_bert(tmp_path_factory.mktemp("bert"))


def test_no_article_is_on_two_sides(tmp_path: Path) -> None:
    counts = compare.split(squad.write(tmp_path), tmp_path / "data", 8, 4, seed=1)
    assert counts == {"learn": 8, "choose": 4, "report": 4}
    parts = [data.read(tmp_path / "data" / f"{name}.json") for name in ("train", "validation", "dev")]
    articles = [{example.article for example in part} for part in parts]
    assert not articles[0] & articles[1]
    assert not (articles[0] | articles[1]) & articles[2]


@pytest.fixture
def run(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`frontdesk train compare` on the tiny model, each method's run in this process."""
    file = squad.write(tmp_path)

    def inside(words: list[str]) -> int:
        launches.append(words)
        return cli.main(words)

    launches.clear()
    monkeypatch.setattr(compare, "launched", inside)

    def call(*more: str) -> int:
        words = ["train", "compare", "--data", str(file), "--base", str(base), "--out", str(tmp_path / "out")]
        words += ["--home", str(tmp_path / "home"), "--device", "cpu", "--max-length", "96", "--stride", "8"]
        return cli.main([*words, "--epochs", "1", "--threads", "1", *more])

    return call


launches: list[list[str]] = []


def test_methods_are_measured_once_on_the_same_questions(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--methods", "full", "prompt") == 0
    first = json.loads((tmp_path / "out" / "compare.json").read_text())
    rows: dict[str, dict[str, Any]] = {row["method"]: row for row in first["methods"]}
    assert rows["prompt"]["learned"] < rows["full"]["learned"]
    assert rows["prompt"]["passes"] == METHODS["prompt"].longer > rows["full"]["passes"] == 1
    assert rows["full"]["memory_mib"] > 0
    assert rows["full"]["processor_minutes"] >= 0
    assert (tmp_path / "out" / "compare.png").exists()
    printed = capsys.readouterr().out
    assert "| prompt |" in printed
    assert len(launches) == 2
    assert run("--methods", "full", "prompt", "--json") == 0
    assert len(launches) == 2
    assert json.loads(capsys.readouterr().out)["methods"] == first["methods"]


def test_a_method_is_measured_again_when_it_is_asked_otherwise(run: Callable[..., int], tmp_path: Path) -> None:
    assert run("--methods", "prompt") == 0
    assert run("--methods", "prompt", "--short", "1", "--fresh") == 0
    assert len(launches) == 2
    assert launches[1][launches[1].index("--short") + 1] == str(METHODS["prompt"].longer)


def test_a_run_that_fails_is_named(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(DataError, match="training by ia3 failed with exit code 3"):
        compare.measured("ia3", [], tmp_path, fresh=False, launch=lambda _: 3)


def test_a_run_has_a_process_of_its_own() -> None:
    assert compare.launched(["train", "reader"]) == 2  # --data is missing: wrong usage


def test_the_table_begins_with_the_best() -> None:
    row = {"exact": 1.0, "learned": 1000, "passes": 1, "minutes": 1.0, "processor_minutes": 1.0}
    row |= {"memory_mib": 1, "megabytes": 0.5, "f1": 3.0}
    lines = compare.table([{**row, "method": "ia3", "forced_f1": 1.0}, {**row, "method": "lora", "forced_f1": 2.0}])
    assert lines[2] == "| lora | 3.0 | 2.0 | 1.0 | 1,000 | 1 | 1.0 (1.0) | 1 | 0.50 |"
