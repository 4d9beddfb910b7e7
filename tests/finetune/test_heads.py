"""Intents and slots: the data, what training writes, and that the engines serve it. On a tiny BERT, in seconds."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bot.engines import tables
from bot.engines.base import Tagged
from bot.engines.classifier import OUT_OF_SCOPE
from bot.engines.weights import Entry, Local, Weights
from bot.errors import WeightsError
from bot.settings import load
from channels import cli
from finetune import intents_data, slots_data
from finetune.data import DataError
from finetune.intents import outcome, threshold
from finetune.intents_data import Sentence
from finetune.slots import f1
from tests.finetune import squad

NLU = """
version: "3.1"
nlu:
- intent: river
  examples: |
    - which river runs through [Bern](town)
    - the river of [Vienna](town)
    - what river is in [Paris](town)
    - tell me the river
- intent: mayor
  examples: |
    - who is the mayor of [Bern](town)
    - the mayor of [Vienna](town)
    - who leads [Paris](town)
    - tell me the mayor
"""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return squad.tiny_bert(tmp_path_factory.mktemp("heads") / "tiny")


@pytest.fixture
def train(base: Path, tmp_path: Path) -> Callable[..., int]:
    """`frontdesk train MODEL` on the tiny model and the two intents."""
    (tmp_path / "nlu.yml").write_text(NLU, encoding="utf-8")

    def call(model: str, *more: str) -> int:
        words = ["train", model, "--data", str(tmp_path / "nlu.yml"), "--base", str(base), "--frozen", "1"]
        words += ["--out", str(tmp_path / model), "--device", "cpu", "--threads", "1", "--batch", "4", "--rate", "1e-3"]
        return cli.main([*words, "--dev-share", "0.25", *more])

    return call


def weights(base: Path, **folders: Path) -> Weights:
    """The tiny encoder and what was trained on it."""
    places = {"encoder": base, **folders}
    entries = {name: Entry(name=name, role=name, licence="", source=Local(path=path)) for name, path in places.items()}
    return Weights(load(), entries)


def test_intents_are_read_from_csv_json_and_nlu(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,category\nhello  there,greet\nblue sky,out_of_scope\n", encoding="utf-8")
    found = [Sentence("hello there", "greet"), Sentence("blue sky", OUT_OF_SCOPE)]
    assert intents_data.read(tmp_path / "a.csv") == found
    parts = {"train": [["hello there", "greet"]], "oos_train": [["blue sky", "oos"]], "test": [["hi", "greet"]]}
    (tmp_path / "a.json").write_text(json.dumps(parts), encoding="utf-8")
    assert intents_data.read(tmp_path / "a.json") == found
    assert intents_data.read(tmp_path / "a.json", judge=True) == [Sentence("hi", "greet")]
    (tmp_path / "nlu.yml").write_text(NLU, encoding="utf-8")
    assert Sentence("which river runs through Bern", "river") in intents_data.read(tmp_path / "nlu.yml")


def test_a_file_in_another_format_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("question,answer\na,b\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a\.csv needs a first line"):
        intents_data.read(tmp_path / "a.csv")


def test_every_intent_is_split_alike_and_keeps_some_to_learn_from() -> None:
    sentences = [Sentence(f"{intent} {at}", intent) for intent in "abc" for at in range(20)] + [Sentence("d", "d")]
    train, held = intents_data.split(sentences, 0.2, seed=1)
    assert [sum(each.intent == intent for each in held) for intent in "abcd"] == [4, 4, 4, 0]
    assert not set(train) & set(held)
    assert intents_data.split(sentences, 0.2, seed=1) == (train, held)
    assert len(intents_data.few(sentences, 5, seed=1)) == 16


def test_restaurant8k_is_read_with_the_slot_that_was_asked_for(tmp_path: Path) -> None:
    rows = [
        {
            "userInput": {"text": "6 a.m."},
            "context": {"requestedSlots": ["time"]},
            "labels": [{"slot": "time", "valueSpan": {"endIndex": 6}}],
        },
        {"userInput": {"text": "a table inside"}},
    ]
    file = tmp_path / "rows.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    first, second = slots_data.read(file)
    assert (first.asked, first.marks) == ("time", (("time", 0, 6),))
    assert (second.asked, second.marks) == ("", ())
    rows[0]["labels"][0]["valueSpan"]["endIndex"] = 60  # type: ignore[index]
    file.write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(DataError, match="outside"):
        slots_data.read(file)


def test_the_threshold_costs_no_more_than_it_may() -> None:
    logits = np.log(np.array([[0.9 - at / 1000, 0.05, 0.05] for at in range(200)], np.float32))
    least = threshold(logits, [0] * 200, lost=0.1)
    assert outcome(logits, [0] * 200, least)["in_scope_accuracy"] == pytest.approx(90, abs=1)
    assert threshold(logits[:10], [0] * 10, lost=0.01) < 0.2  # too few to lose one: far below all of them
    assert threshold(logits, [1] * 200, lost=0.1) == 0


def test_a_value_is_right_only_with_its_slot_and_both_ends() -> None:
    marks = [("time", 0, 5)]
    assert f1([([Tagged("time", 0, 5, 1.0)], marks)]) == 1
    assert f1([([Tagged("time", 0, 4, 1.0)], marks), ([], [])]) == 0


async def test_trained_intents_are_served(
    train: Callable[..., int], base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("intents", "--epochs", "2", "--json") == 0
    printed = json.loads(capsys.readouterr().out)
    out = tmp_path / "intents"
    assert printed["intents"] == 2
    assert printed["version"] in (out / "README.md").read_text(encoding="utf-8")
    assert str(tmp_path) not in (out / "README.md").read_text(encoding="utf-8")
    assert not (out / "checkpoint.pt").exists()
    engine = tables.create("classifier", "bert", settings=load(), weights=weights(base, intents=out))
    await engine.start()
    results = await engine.classify(["which river", "the mayor of Bern"])
    await engine.close()
    assert engine.labels == ("mayor", "river")
    assert all(sum(share for _, share in result.ranking) == pytest.approx(1, abs=0.01) for result in results)


async def test_trained_slots_are_served(train: Callable[..., int], base: Path, tmp_path: Path) -> None:
    assert train("slots", "--epochs", "2") == 0
    engine = tables.create("tagger", "bert", settings=load(), weights=weights(base, slots=tmp_path / "slots"))
    await engine.start()
    text = "which river runs through Bern"
    marks = await engine.tag(text) + await engine.tag(text, "town")
    await engine.close()
    assert engine.labels == ("town",)
    assert all(text[mark.start : mark.end].strip() == text[mark.start : mark.end] for mark in marks)


async def test_what_was_trained_on_another_encoder_is_refused(
    train: Callable[..., int], base: Path, tmp_path: Path
) -> None:
    assert train("intents", "--epochs", "1") == 0
    file = tmp_path / "intents" / "intents.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"base": "', '"base": "0'), encoding="utf-8")
    engine = tables.create("classifier", "bert", settings=load(), weights=weights(base, intents=tmp_path / "intents"))
    with pytest.raises(WeightsError, match="trained on an encoder"):
        await engine.start()


def test_a_run_that_was_cut_off_goes_on_where_it_was(base: Path, tmp_path: Path) -> None:
    from finetune.body import Body, HeadTraining, Recipe
    from finetune.intents import IntentHead

    recipe = replace(Recipe(), frozen=1, epochs=2, batch=4, dropout=0.0)
    sentences = [
        Sentence(f"{word} of {town}", word) for word in ("river", "mayor") for town in ("Bern", "Paris", "Rome", "Oslo")
    ]

    def made(out: Path) -> HeadTraining:
        body = Body(base, recipe, "cpu")
        body.keep(body.tokenizer.encode_batch([each.text for each in sentences]))
        return HeadTraining(body, IntentHead(body, sentences, []), range(len(sentences)), out=out, told={})

    class CutError(Exception):
        """The power went."""

    def silent(*_: object) -> None:
        """Nobody listens."""

    whole = made(tmp_path / "whole")
    whole.run(silent, silent)
    first = made(tmp_path / "cut")

    def cut(steps: int = 1) -> None:
        if steps and first.step == 3:
            first.save()
            raise CutError

    with pytest.raises(CutError):
        first.run(cut, silent)
    second = made(tmp_path / "cut")
    assert second.resume()
    second.run(silent, silent)
    assert [each.loss for each in second.history] == pytest.approx([each.loss for each in whole.history], rel=1e-4)
