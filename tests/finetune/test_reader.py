from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from channels import cli
from finetune import artefact, data
from finetune import cli as finetune_cli
from finetune.data import DataError, Example
from finetune.evaluate import Prediction
from finetune.options import device_for
from finetune.reader import Recipe, Training, loss_of, predict
from finetune.windows import Wanted
from tests.finetune import squad

RECIPE = Recipe(short=1, epochs=2, rank=4, batch=4, max_length=96, stride=8, rate=3e-3)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return squad.tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    return data.read(squad.write(tmp_path))


def silent(*_: object, **__: object) -> None:
    """Progress and messages that nobody reads."""


def trained(base: Path, examples: list[Example], out: Path, recipe: Recipe = RECIPE) -> Training:
    training = Training(base, examples, examples, recipe=recipe, out=out, device="cpu")
    training.resume()
    training.run(silent, silent)
    return training


@pytest.mark.parametrize(("method", "rate"), [("lora", 1e-2), ("full", 3e-3)])
def test_the_reader_learns_what_it_is_taught(
    method: str, rate: float, base: Path, examples: list[Example], tmp_path: Path
) -> None:
    recipe = replace(RECIPE, method=method, epochs=12, patience=12, rank=8, rate=rate)
    training = trained(base, examples, tmp_path, recipe)
    assert training.history[-1].loss < training.history[0].loss / 2
    assert training.history[-1].held_out.f1 > 90


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(base: Path, examples: list[Example], tmp_path: Path) -> None:
    whole = trained(base, examples, tmp_path / "whole")

    class CutError(Exception):
        """The power went."""

    first = Training(base, examples, examples, recipe=RECIPE, out=tmp_path / "cut", device="cpu")

    def until(steps: int, **_: object) -> None:
        if first.step >= 8:
            raise CutError

    with pytest.raises(CutError):
        first.run(until, silent, save_seconds=0.0)
    second = trained(base, examples, tmp_path / "cut")
    assert [e.held_out for e in second.history] == [e.held_out for e in whole.history]
    assert [e.loss for e in second.history] == pytest.approx([e.loss for e in whole.history])


def test_a_run_that_was_stopped_may_go_on_for_longer(base: Path, examples: list[Example], tmp_path: Path) -> None:
    trained(base, examples, tmp_path / "run")
    longer = replace(RECIPE, epochs=4, patience=9)
    training = Training(base, examples, examples, recipe=longer, out=tmp_path / "run", device="cpu")
    assert training.resume()
    assert training.step == 17
    training.run(silent, silent)
    assert [epoch.number for epoch in training.history] == [1, 2, 3, 4, 5]


def test_a_checkpoint_of_another_recipe_is_refused(base: Path, examples: list[Example], tmp_path: Path) -> None:
    trained(base, examples, tmp_path / "run")
    other = Training(base, examples, examples, recipe=replace(RECIPE, rate=1e-4), out=tmp_path / "run", device="cpu")
    with pytest.raises(DataError, match="--fresh"):
        other.resume()


def test_made_questions_come_first_and_are_mixed_in(base: Path, examples: list[Example], tmp_path: Path) -> None:
    recipe = replace(RECIPE, method="full", cloze=2, short=1, epochs=1)
    made = [examples[:4], examples[:4], examples[:8]]
    training = Training(base, examples, examples, recipe=recipe, out=tmp_path, device="cpu", made=made)
    alone = Training(base, examples, examples, recipe=replace(recipe, cloze=0), out=tmp_path, device="cpu")
    assert [len(each) for each in training.passes] == [4, 4, len(alone.passes[0]) + 8, len(alone.passes[1])]


def test_the_loss_tells_where_to_look_apart_from_whether_it_answers() -> None:
    import torch

    def target(answerable: float) -> Wanted:
        where = torch.tensor([[0.0, 0.0, 1.0, 0.0]])
        passage = torch.tensor([[False, False, True, True]])
        return Wanted(where, where, passage, torch.tensor([answerable]))

    refuses = torch.tensor([[5.0, 9.0, 2.0, -2.0]])  # the largest is a token of the question, and does not count
    answers = torch.tensor([[-5.0, 9.0, 2.0, -2.0]])
    place = float(torch.nn.functional.softplus(torch.tensor(-4.0)))
    for logits, odds in ((refuses, 2 * (2 + place - 5)), (answers, 2 * (2 + place + 5))):
        for answerable, sign in ((1.0, -1), (0.0, 1)):
            sure = float(torch.nn.functional.softplus(torch.tensor(sign * odds)))
            assert float(loss_of(logits, logits, target(answerable))) == pytest.approx(place + sure, abs=1e-5)


def test_the_word_embeddings_stay_the_bodys_and_are_not_written(
    base: Path, examples: list[Example], tmp_path: Path
) -> None:
    from safetensors.torch import load_file

    recipe = replace(RECIPE, method="full")
    (tmp_path / "adapter_config.json").write_text("{}")
    artefact.write_weights(trained(base, examples, tmp_path, recipe).model, recipe, tmp_path)
    assert not (tmp_path / "adapter_config.json").exists()
    names = set(load_file(tmp_path / "model.safetensors"))
    assert "qa_outputs.weight" in names
    assert "bert.embeddings.word_embeddings.weight" not in names


def test_the_card_says_a_command_that_is_one_and_trains_alike() -> None:
    recipe = Recipe(method="full", cloze=3, cloze_size=50, short=2, epochs=3, rate=3e-4, average=0.9, bf16=True)
    parser = argparse.ArgumentParser()
    finetune_cli.configure(parser)
    args = parser.parse_args(artefact.command(recipe).split()[3:])
    assert finetune_cli.recipe_of(args) == recipe


def test_the_command_makes_questions_from_a_folder_of_texts(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    squad.write(tmp_path)
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "rivers.md").write_text(squad.PROSE, encoding="utf-8")
    out = tmp_path / "out"
    given = [
        "--data",
        tmp_path,
        "--base",
        base,
        "--out",
        out,
        "--method",
        "full",
        "--epochs",
        "1",
        "--max-length",
        "96",
    ]
    more = ["--home", tmp_path / "home", "--device", "cpu", "--json", "--stride", "8", "--dev-share", "0.25"]
    made = ["--pretrain", texts, "--pretrain-source", "a page on rivers", "--cloze", "1", "--cloze-size", "20"]
    assert cli.main(["train", "reader", *map(str, [*given, *more, *made])]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["made_from"] == {"questions": 20, "texts": 1, "source": "a page on rivers"}
    assert len(printed["epochs"]) == 2
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "20 questions that were made from 1 passages of plain text (a page on rivers)" in card
    assert "1 over cloze questions" in card
    assert printed["date"] in card


def test_the_command_writes_a_reader_with_its_card(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    squad.write(tmp_path)
    squad.write(tmp_path, "dev.json")
    out = tmp_path / "out"
    given = ["--data", tmp_path, "--base", base, "--out", out, "--epochs", "2", "--rank", "4", "--max-length", "96"]
    common = ["--home", tmp_path / "home", "--device", "cpu", "--json", "--stride", "8", "--dev-share", "0.25"]
    assert cli.main(["train", "reader", *map(str, given), *map(str, common)]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed["scores"]) == {"held_out", "dev"}
    assert printed["questions"] == {"train": 18, "made": 0, "held_out": 6, "dev": 24}
    settings = json.loads((out / "reader.json").read_text(encoding="utf-8"))
    assert settings["version"] == printed["version"]
    assert 0 < settings["threshold"] < 1
    assert settings["temperature"] > 0
    card = (out / "README.md").read_text(encoding="utf-8")
    assert "CC-BY-SA-4.0" in card
    assert str(tmp_path) not in card + (out / "adapter_config.json").read_text(encoding="utf-8")
    assert not (out / "checkpoint.pt").exists()


def test_a_folder_may_say_what_to_choose_on(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    squad.write(tmp_path)
    squad.write(tmp_path, "validation.json")
    words = ["train", "reader", "--data", str(tmp_path), "--base", str(base), "--out", str(tmp_path / "out")]
    words += ["--epochs", "1", "--max-length", "96", "--stride", "8", "--home", str(tmp_path), "--device", "cpu"]
    assert cli.main([*words, "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["questions"] == {"train": 24, "made": 0, "held_out": 24, "dev": 0}
    assert printed["learned"] > 1000
    assert printed["memory_mib"] > 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--data", "nowhere"], "neither a SQuAD-format file"),
        (["--data", "{data}", "--dev-share", "0"], "nothing is held out"),
        (["--data", "{data}", "--dev-share", "1.5"], "--dev-share is between"),
        (["--data", "{data}", "--epochs", "0"], "at least 1"),
        (["--data", "{data}", "--width", "0"], "at least 1"),
        (["--data", "{data}", "--choose", "nowhere"], "nowhere does not exist"),
        (["--data", "{data}", "--short", "-1"], "not negative"),
        (["--data", "{data}", "--average", "1"], "--average is from 0"),
        (["--data", "{data}", "--cloze-mix", "1"], "give --pretrain"),
        (["--data", "{data}", "--pretrain", "nowhere"], "nowhere does not exist"),
        (["--data", "{data}", "--stride", "300"], "--stride must leave room"),
    ],
)
def test_wrong_options_are_explained(
    options: list[str], complaint: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = squad.write(tmp_path)
    given = [option.format(data=file) for option in options]
    assert cli.main(["train", "reader", *given, "--base", str(base), "--home", str(tmp_path)]) == 1
    assert complaint in capsys.readouterr().err


def test_a_cuda_device_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_for("auto") == "cpu"
    with pytest.raises(DataError, match="no CUDA device"):
        device_for("cuda")


def test_an_empty_passage_gives_an_empty_answer(base: Path, examples: list[Example], tmp_path: Path) -> None:
    training: Callable[[], Training] = lambda: trained(base, examples, tmp_path / "run")  # noqa: E731
    model = training()
    empty = [Example("q", "a", "Which river?", "", ())]
    assert predict(model.model, model.tokenizer, empty, RECIPE, device="cpu") == [Prediction("", float("-inf"))]
