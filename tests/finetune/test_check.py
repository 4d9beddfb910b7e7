"""`frontdesk train check` on a tiny BERT: it goes on where it was stopped, and what it writes is what is served."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.engines import check_signs, tables
from bot.engines.fake import FakeEncoder
from bot.errors import WeightsError
from bot.settings import Settings
from channels.cli import main
from finetune import check_fit
from finetune.check import Recipe, Training
from finetune.check_data import Example, Parts, Reply
from finetune.check_report import REAL, scores, threshold_for
from finetune.data import DataError
from finetune.evals.kinds import evaluate
from tests.bot.engines.test_reader import weights
from tests.finetune import squad
from tests.finetune.test_check_data import PASSAGE, turns

SHARES = ["--shares", "0.5", "0.25", "0.25"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return squad.tiny_bert(tmp_path_factory.mktemp("check") / "tiny")


def training(base: Path, out: Path, **fields: Any) -> Training:
    real = [Reply(said, PASSAGE, True, "real") for said in ("Refunds take 5 days.", "You can return all items.")]
    recipe = Recipe(**{"rank": 2, "frozen": 0, "epochs": 2, "batch": 4, "rate": 1e-3, "max_length": 96, **fields})
    return Training(base, None, Parts(real, real, []), [PASSAGE], recipe=recipe, out=out, device="cpu")


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(base: Path, tmp_path: Path) -> None:
    straight = training(base, tmp_path / "straight")
    straight.run(lambda steps=1: None, lambda _: None)

    def stop(steps: int = 1) -> None:
        if broken.step == broken.steps + 1:
            raise KeyboardInterrupt

    broken = training(base, tmp_path / "broken")
    with pytest.raises(KeyboardInterrupt):
        broken.run(stop, lambda _: None, save_seconds=0)
    again = training(base, tmp_path / "broken")
    assert again.resume()
    assert again.step > 0
    again.run(lambda steps=1: None, lambda _: None)
    assert again.history[-1].loss == pytest.approx(straight.history[-1].loss, abs=1e-4)
    with pytest.raises(DataError, match="--fresh"):
        training(base, tmp_path / "broken", rate=0.01).resume()


async def test_the_command_writes_a_check_that_the_engine_serves(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], make_settings: Callable[..., Settings]
) -> None:
    out, data = tmp_path / "out", str(turns(tmp_path))
    words = ["train", "check", "--data", data, *SHARES, "--base", str(base), "--out", str(out), "--device", "cpu"]
    recipe = ["--rank", "2", "--frozen", "1", "--epochs", "1", "--batch", "4", "--threads", "1", "--licence", "CC0"]
    assert main([*words, *recipe, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["scores"]) == {"rules", "model", "both at 5", "both at 10", "both at 20"}
    assert told["scores"]["both at 5"]["counts"][REAL] == told["replies"]["report"]
    assert set(told["scores"]["both at 5"]["intervals"]) == set(told["scores"]["both at 5"]["counts"])
    assert {each.name for each in out.iterdir()} >= {"adapter_model.safetensors", "check.json", "README.md"}
    assert "CC0" in (out / "README.md").read_text(encoding="utf-8")
    settings = make_settings(device="cpu")
    checker = tables.create(
        "checker",
        "grounded",
        settings=settings,
        weights=weights(settings, encoder=base, check=out),
        encoder=FakeEncoder(settings, None),
    )
    await checker.start()
    try:
        (verdict,) = await checker.check("", ["Refunds take 6 days."], [PASSAGE])
    finally:
        await checker.close()
    assert checker.name == f"grounded-{told['version']}"
    assert (verdict.supported, verdict.reason) == (False, "not in the evidence: 6 day")


def test_the_held_out_replies_are_written_as_eval_check_takes_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make_settings: Callable[..., Settings]
) -> None:
    file = tmp_path / "held" / "out.jsonl"
    assert main(["train", "check", "--data", str(turns(tmp_path)), *SHARES, "--held-out", str(file), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    settings = make_settings(device="cpu", engines={"encoder": "fake", "checker": "fake"})
    found = evaluate(["check", "--data", str(file)], settings)
    assert found["n"] == told["real"] + told["false"]
    assert "real" in found["kinds"]
    assert set(found["beside"]) == {"evidence"}
    assert found["beside"]["evidence"]["kinds"].keys() == found["kinds"].keys()


def test_the_threshold_blocks_as_many_real_replies_as_are_allowed() -> None:
    real = np.arange(100.0)
    at = threshold_for(real, 5.0)
    assert (real < at).sum() == 5
    replies = [Reply("a", "b", True, "real")] * 100 + [Reply("a", "b", False, "name")] * 4
    found = scores(replies, np.array([*real, 1.0, 2.0, 3.0, 50.0]))
    assert (found.false_alarms, found.recall) == (5.0, {"name": 75.0})
    assert found.counts == {"name": 4, REAL: 100}


def test_what_the_rules_decide_no_odds_can_change() -> None:
    made = [
        Example("Refunds take 5 days.", PASSAGE, True, "real"),
        Example("Refunds take 7 days.", PASSAGE, False, "figure"),
    ]
    scored = check_fit.score(check_fit.signs(made), np.array([-50.0, 50.0]))
    assert list(scored) == [np.inf, -np.inf]
    assert check_signs.read("Is it so?", PASSAGE).blocked == "it is a question"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--shares", "1", "0", "0"], "nothing is held out to choose on"),
        (["--shares", "0.5", "0.5", "0.5"], "three shares that make 1"),
        (["--batch", "0"], "at least 1"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    options: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "check", "--data", str(turns(tmp_path)), "--base", str(tmp_path), *options]) != 0
    assert told in capsys.readouterr().err


async def test_what_is_broken_is_named(tmp_path: Path, base: Path, make_settings: Callable[..., Settings]) -> None:
    settings = make_settings(device="cpu")
    shown = weights(settings, encoder=base, check=tmp_path / "nowhere")
    checker = tables.create(
        "checker", "grounded", settings=settings, weights=shown, encoder=FakeEncoder(settings, None)
    )
    with pytest.raises(WeightsError, match="nowhere"):
        await checker.start()
