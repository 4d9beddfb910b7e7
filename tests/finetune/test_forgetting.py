"""Going on from a trained reader: old questions in every pass, old and new measured, and what forgets is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.errors import WeightsError
from channels import cli
from finetune import artefact, data, forgetting
from finetune.data import DataError, Example
from finetune.evaluate import Scores
from finetune.forgetting import Known
from finetune.reader import Recipe, Training, build, predict
from tests.finetune import squad

RECIPE = Recipe(method="full", epochs=6, patience=6, batch=4, max_length=96, stride=8, rate=3e-3)


def silent(*_: object, **__: object) -> None:
    """Progress and messages that nobody reads."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return squad.tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> list[Example]:
    return data.read(squad.write(tmp_path_factory.mktemp("data")))


@pytest.fixture(scope="module")
def start(base: Path, examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reader that was trained on the towns."""
    out = tmp_path_factory.mktemp("start")
    training = Training(base, examples, examples, recipe=RECIPE, out=out, device="cpu")
    training.run(silent, silent)
    version = artefact.write_weights(training.model, RECIPE, out)
    artefact.write_settings(out, RECIPE, version=version, calibration=(1.0, 0.0), threshold=0.5)
    return out


def test_a_run_begins_where_the_trained_reader_ended(base: Path, start: Path, examples: list[Example]) -> None:
    model, tokenizer = build(base, RECIPE, start)
    there, _ = artefact.load(base, start, RECIPE)
    ours, theirs = (predict(each, tokenizer, examples, RECIPE, device="cpu") for each in (model, there))
    assert [each.margin for each in ours] == pytest.approx([each.margin for each in theirs], abs=1e-3)


def test_every_pass_draws_other_old_questions(base: Path, examples: list[Example], tmp_path: Path) -> None:
    new, old = examples[:4], examples[4:]
    recipe = replace(RECIPE, short=1, epochs=2, replay_share=1.0, unanswerable=1.0)
    training = Training(base, new, new, recipe=recipe, out=tmp_path, device="cpu", replay=old)
    assert [len(each) for each in training.passes] == [8, 8, 8]
    assert training.passes[1][:4] == training.passes[2][:4]
    assert training.passes[1][4:] != training.passes[2][4:]


def test_old_questions_that_measure_are_not_replayed(tmp_path: Path) -> None:
    old = forgetting.old_of(squad.write(tmp_path), seed=1)
    assert old.measured
    assert not {each.article for each in old.replay} & {each.article for each in old.measured}


def test_losing_more_than_a_point_is_refused() -> None:
    def known(before: float, after: float) -> Known:
        return Known(*(Scores(10, f1, f1, f1, f1) for f1 in (before, after)))

    forgetting.refuse(known(60.0, 59.2), "old.json")
    forgetting.refuse(known(60.0, 70.0), "old.json")
    with pytest.raises(DataError, match=r"old\.json fell by 1\.1 points, from 60\.0 to 58\.9, and nothing was written"):
        forgetting.refuse(known(60.0, 58.9), "old.json")


@pytest.fixture
def run(base: Path, start: Path, tmp_path: Path) -> Callable[..., int]:
    """`frontdesk train reader` on new data from the reader that knows the old."""
    file = squad.write(tmp_path)
    (tmp_path / "old").mkdir()
    words = ["train", "reader", "--data", str(file), "--replay", str(squad.write(tmp_path / "old", "old.json"))]
    words += ["--base", str(base), "--start", str(start), "--out", str(tmp_path / "out"), "--home", str(tmp_path)]
    words += ["--epochs", "1", "--max-length", "96", "--stride", "8", "--dev-share", "0.25", "--device", "cpu"]
    return lambda *more: cli.main([*words, *more])


def test_what_forgets_is_not_written_unless_told(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forgetting, "MOST_LOST", -101.0)  # whatever it does is too much
    assert run() == 1
    assert "it forgot too much: F1 on the old questions of old.json" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*.safetensors"))
    assert not (tmp_path / "out" / "reader.json").exists()
    assert run("--allow-forgetting") == 0
    assert "taken up again after step" in capsys.readouterr().out
    assert (tmp_path / "out" / "model.safetensors").exists()


def test_an_adapter_on_a_trained_reader_is_written_with_it(
    run: Callable[..., int], base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--method", "lora", "--rank", "4", "--allow-forgetting", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["known"]) == {"old", "held_out"}
    assert printed["known"]["old"]["before"]["questions"] == 6
    assert printed["recipe"]["replay_share"] == 0.25
    out = tmp_path / "out"
    assert json.loads((out / "reader.json").read_text())["method"] == "full"
    assert "It went on from a trained reader. F1" in (out / "README.md").read_text()
    assert artefact.load(base, out, RECIPE)
    assert printed["learned"] < 30_000  # the adapter and the head, not the layers


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (("--method", "prefix"), "takes a method that can be merged: full, lora, adalora, ia3"),
        (("--replay-share", "0"), "--replay-share is above 0"),
    ],
)
def test_options_that_make_no_sense_are_named(
    run: Callable[..., int], more: tuple[str, ...], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*more) == 1
    assert complaint in capsys.readouterr().err


def test_a_reader_of_another_body_is_not_gone_on_from(start: Path, tmp_path: Path) -> None:
    other = squad.tiny_bert(tmp_path / "other", dimensions=16)
    with pytest.raises(WeightsError, match="does not fit the body"):
        build(other, RECIPE, start)
