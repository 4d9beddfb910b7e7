from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.engines import tables
from bot.engines.encoder import folder_of
from bot.engines.weights import Entry, Local, Weights
from bot.settings import load
from channels import cli
from finetune import encoder_data as data
from finetune.data import DataError
from finetune.encoder import Recipe, Training
from finetune.encoder_data import Pair, Parts
from retrieval.encoder import SentenceEncoder, merged, name_of
from retrieval.errors import SnapshotError
from tests.finetune import squad

RECIPE = Recipe(frozen=1, epochs=2, rate=3e-3, batch=4, dropout=0.0, kept=3, query_tokens=24, passage_tokens=24)
KEEP = ["Which river?", "Who is the mayor?", "It has bridges.", "Bern", "Vienna lies"]


def silent(*_: object, **__: object) -> None:
    """Progress and messages that nobody reads."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT as sentence-transformers keeps one: mean pooling, length 1."""
    folder = squad.tiny_bert(tmp_path_factory.mktemp("encoder") / "tiny")
    module = "sentence_transformers.models"
    kinds = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"{module}.{kind}"} for at, (kind, path) in enumerate(kinds)
    ]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 64, "do_lower_case": False}))
    for _, path in kinds[1:]:
        (folder / path).mkdir()
    pooling = {"word_embedding_dimension": 32, "pooling_mode_mean_tokens": True}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    return folder


def rows() -> list[dict[str, str]]:
    """Three questions on each town's river, each with a passage and a reply of its own."""
    return [
        {
            "question": f"{question} Number {at}",
            "passage": f"{context} It has {at} bridges.",
            "reply": f"The {answer}, {at}.",
        }
        for context, question, answer in squad.TOWNS.values()
        for at in range(1, 5)
    ]


def write(folder: Path, name: str, lines: list[dict[str, str]]) -> Path:
    file = folder / name
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path, "turns.jsonl", rows())


@pytest.fixture
def parts(file: Path) -> Parts:
    return data.split(data.read(file), 1, (0.5, 0.25, 0.25))


def trained(base: Path, parts: Parts, out: Path, recipe: Recipe = RECIPE) -> Training:
    training = Training(base, parts, KEEP, recipe=recipe, out=out, device="cpu")
    training.resume()
    training.run(silent, silent)
    return training


def test_the_encoder_learns_which_passage_answers(base: Path, parts: Parts, tmp_path: Path) -> None:
    training = trained(base, parts, tmp_path, replace(RECIPE, epochs=12))
    assert training.history[-1].loss < training.history[0].loss


def test_only_the_upper_layers_change(base: Path, parts: Parts, tmp_path: Path) -> None:
    names = set(trained(base, parts, tmp_path).trained())
    assert names
    assert all(name.startswith("encoder.layer.1.") for name in names)


def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(base: Path, parts: Parts, tmp_path: Path) -> None:
    recipe = replace(RECIPE, dropout=0.1, drop=0.1)
    whole = trained(base, parts, tmp_path / "whole", recipe)

    class CutError(Exception):
        """The power went."""

    first = Training(base, parts, KEEP, recipe=recipe, out=tmp_path / "cut", device="cpu")

    def until(steps: int, **_: object) -> None:
        if first.step >= 2:
            raise CutError
        if steps:
            first.save()

    with pytest.raises(CutError):
        first.run(until, silent)
    second = trained(base, parts, tmp_path / "cut", recipe)
    assert [e.loss for e in second.history] == pytest.approx([e.loss for e in whole.history])
    assert [e.chosen_on for e in second.history] == [e.chosen_on for e in whole.history]


def test_a_checkpoint_of_another_recipe_is_refused(base: Path, parts: Parts, tmp_path: Path) -> None:
    trained(base, parts, tmp_path)
    other = Training(base, parts, KEEP, recipe=replace(RECIPE, rate=1e-4), out=tmp_path, device="cpu")
    with pytest.raises(DataError, match="--fresh"):
        other.resume()


def test_a_model_without_a_layer_to_tune_is_refused(base: Path, parts: Parts, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 layers"):
        Training(base, parts, KEEP, recipe=replace(RECIPE, frozen=2), out=tmp_path, device="cpu")


@pytest.fixture
def run(base: Path, file: Path, tmp_path: Path) -> Callable[..., int]:
    """`frontdesk train encoder` on the tiny model."""
    kept = tmp_path / "keep.txt"
    kept.write_text("\n".join(KEEP), encoding="utf-8")

    def call(*more: str) -> int:
        words = ["train", "encoder", "--data", str(file), "--base", str(base), "--out", str(tmp_path / "out")]
        words += ["--keep", str(kept), "--shares", "0.5", "0.25", "0.25", "--frozen", "1", "--epochs", "1"]
        return cli.main([*words, "--batch", "4", "--device", "cpu", "--threads", "1", *more])

    return call


def test_the_command_writes_what_serving_loads(
    run: Callable[..., int], base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--source", "Four towns", "--licence", "MIT", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    out = tmp_path / "out"
    assert printed["scores"]["report"]["after"]["fused"]["queries"] == printed["pairs"]["report"] == 4
    assert printed["version"] in (out / "README.md").read_text()
    assert "Four towns" in (out / "README.md").read_text()
    assert str(tmp_path) not in (out / "README.md").read_text() + (out / "metrics.json").read_text()
    assert not (out / "checkpoint.pt").exists()
    folder = merged(base, out, tmp_path / "cache")
    assert name_of(folder) != name_of(base)
    tuned, untuned = SentenceEncoder(folder), SentenceEncoder(base)
    assert tuned.encode(["Bern"]).shape == (1, 32)
    assert not np.allclose(tuned.encode(["Bern"]), untuned.encode(["Bern"]))
    assert merged(base, out, tmp_path / "cache") == folder


async def test_the_engine_serves_what_was_written(run: Callable[..., int], base: Path, tmp_path: Path) -> None:
    assert run() == 0
    settings = load(models=tmp_path / "cache", engines={"encoder": "minilm-tuned"})
    manifest = {"encoder": local("encoder", base), "encoder-tuned": local("encoder-tuned", tmp_path / "out")}
    weights = Weights(settings, manifest)
    folder = folder_of(settings, weights)
    assert folder.parent == tmp_path / "cache"
    engine = tables.create("encoder", "minilm-tuned", settings=settings, weights=weights)
    await engine.start()
    try:
        assert engine.name == name_of(folder)
        texts = ["Which river runs through Bern?", "Vienna"]
        assert np.allclose(await engine.encode(texts), SentenceEncoder(folder).encode(texts), atol=1e-5)
    finally:
        await engine.close()


def local(name: str, path: Path) -> Entry:
    return Entry(name=name, role="encoder", licence="MIT", source=Local(path=path))


def test_what_forgets_is_refused_unless_told(
    run: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from finetune import encoder_cli

    monkeypatch.setattr(encoder_cli, "MOST_LOST", -101.0)  # whatever it does is too much
    old = write(tmp_path, "old.jsonl", [{"query": text, "passage": text} for text in KEEP])
    assert run("--old", str(old)) == 1
    assert "forgot too much" in capsys.readouterr().err
    assert not (tmp_path / "out" / "tuned.safetensors").exists()
    assert run("--old", str(old), "--allow-forgetting") == 0
    assert (tmp_path / "out" / "tuned.safetensors").exists()


def test_a_tuned_encoder_is_not_put_on_another_base(run: Callable[..., int], base: Path, tmp_path: Path) -> None:
    assert run() == 0
    other = tmp_path / "other"
    shutil.copytree(base, other)
    (other / "model.safetensors").write_bytes((base / "model.safetensors").read_bytes() + b" ")
    with pytest.raises(SnapshotError, match="was tuned from"):
        merged(other, tmp_path / "out", tmp_path / "cache")


def test_damaged_weights_are_refused(run: Callable[..., int], base: Path, tmp_path: Path) -> None:
    assert run() == 0
    (tmp_path / "out" / "tuned.safetensors").write_bytes(b"damaged")
    with pytest.raises(SnapshotError, match="is not the version"):
        merged(base, tmp_path / "out", tmp_path / "cache")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--shares", "0.5", "0.2", "0.2"), "make 1"),
        (("--batch", "1"), "--batch at least 2"),
        (("--share", "0"), "--share is above 0"),
        (("--shares", "1", "0", "0"), "choose on"),
    ],
)
def test_options_that_make_no_sense_are_named(
    run: Callable[..., int], words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 1
    assert said in capsys.readouterr().err


def test_a_pair_to_learn_from_needs_others(base: Path, tmp_path: Path) -> None:
    lonely = Parts([Pair("a", "b")], [Pair("a", "b")], [], ["b"])
    with pytest.raises(DataError, match="two pairs"):
        Training(base, lonely, [], recipe=RECIPE, out=tmp_path, device="cpu")
