"""Evaluations from another program."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import load
from finetune.evals import kinds
from tests.finetune import squad
from tests.finetune.evals.company import Evaluate


def test_an_evaluation_may_be_called_without_the_command(evaluate: Evaluate, tmp_path: Path) -> None:
    file = squad.write(tmp_path)
    settings = load(home=tmp_path / "home")
    found = kinds.evaluate(["reader", "--data", str(file)], settings)
    typed = evaluate("reader", "--data", file)
    differing = {"date", "seconds"}
    assert {key: found[key] for key in found.keys() - differing} == {
        key: typed[key] for key in typed.keys() - differing
    }


def test_an_unknown_evaluation_is_told_with_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Valid: retrieval, reader"):
        kinds.evaluate(["readers"], load(home=tmp_path))
