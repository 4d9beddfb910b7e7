"""A candidate is better when what it gains, row by row, is more than chance."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from bot.errors import ConfigError
from finetune.evals import gate
from finetune.evals.kinds import silent


@pytest.fixture
def args(tmp_path: Path) -> argparse.Namespace:
    (tmp_path / "data.json").write_text("{}")
    return argparse.Namespace(data=tmp_path / "data.json", docs=None, limit=None, settings=None)


def compared(
    monkeypatch: pytest.MonkeyPatch, args: argparse.Namespace, candidate: list[float], served: list[float]
) -> dict[str, object]:
    def scores(_: argparse.Namespace, folder: Path | None, bar: object) -> tuple[str, list[float]]:
        return ("new", candidate) if folder else ("old", served)

    monkeypatch.setitem(gate.GATES, "reader", ("f1", scores))
    return gate.compare("reader", args, Path("new"), None, silent)


def test_a_gain_on_most_rows_is_better(monkeypatch: pytest.MonkeyPatch, args: argparse.Namespace) -> None:
    told = compared(monkeypatch, args, [0.9, 0.8, 0.5, 0.7] * 25, [0.5, 0.6, 0.5, 0.6] * 25)
    assert told["better"] is True
    assert told["gain"] == pytest.approx(17.5)
    assert told["candidate"]["f1"] == pytest.approx(72.5)  # type: ignore[index]
    assert (told["served"]["name"], told["n"]) == ("old", 100)  # type: ignore[index]


@pytest.mark.parametrize("gains", [[0.0] * 40, [1.0, -1.0] * 20, [0.1] * 3 + [-0.1] * 2, [-0.2] * 40])
def test_what_may_be_chance_nothing_or_a_loss_is_not(
    monkeypatch: pytest.MonkeyPatch, args: argparse.Namespace, gains: list[float]
) -> None:
    served = [0.5] * len(gains)
    told = compared(monkeypatch, args, [one + gain for one, gain in zip(served, gains, strict=True)], served)
    assert told["better"] is False


def test_a_kind_without_an_evaluation_says_what_to_do_instead(args: argparse.Namespace) -> None:
    with pytest.raises(ConfigError, match="--force --reason"):
        gate.compare("generator", args, Path("new"), None, silent)


def test_an_encoder_needs_documents_to_search(args: argparse.Namespace) -> None:
    with pytest.raises(ConfigError, match="--docs"):
        gate.compare("encoder", args, Path("new"), None, silent)
