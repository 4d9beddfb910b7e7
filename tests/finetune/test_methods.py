"""Every way to fine-tune a reader: it learns, it can be cut off, and the bot reads with what was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bot.engines.reader import BertReader
from bot.engines.spans import probability
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings
from finetune import artefact, data, methods
from finetune.data import Example
from finetune.methods import METHODS
from finetune.reader import Recipe, Training, predict
from tests.finetune import squad

RECIPE = Recipe(epochs=2, rank=4, tokens=3, width=8, batch=4, max_length=96, stride=8)
every_method = pytest.mark.parametrize("method", sorted(METHODS))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return squad.tiny_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    return data.read(squad.write(tmp_path))


def silent(*_: object, **__: object) -> None:
    """Progress and messages that nobody reads."""


def begun(base: Path, examples: list[Example], out: Path, recipe: Recipe) -> Training:
    training = Training(base, examples, examples, recipe=recipe, out=out, device="cpu")
    training.resume()
    return training


def trained(base: Path, examples: list[Example], out: Path, recipe: Recipe) -> Training:
    training = begun(base, examples, out, recipe)
    training.run(silent, silent)
    return training


@every_method
def test_only_what_the_method_says_learns(method: str, base: Path, examples: list[Example], tmp_path: Path) -> None:
    recipe = replace(RECIPE, method=method, rate=1e-2)
    training = begun(base, examples, tmp_path, recipe)
    before = {name: value.detach().clone() for name, value in training.model.named_parameters()}
    training.run(silent, silent)
    after = dict(training.model.named_parameters())
    changed = {name for name, value in before.items() if not value.equal(after[name])}
    marks = {
        "full": "",
        "lora": "lora_",
        "adalora": "lora_",
        "ia3": "ia3_",
        "prefix": "prompt_encoder",
        "prompt": "prompt_encoder",
        "adapter": "dense",
    }
    assert any("qa_outputs" in name for name in changed)
    assert any(marks[method] in name for name in changed if "qa_outputs" not in name)
    assert all(marks[method] in name or "qa_outputs" in name for name in changed)
    assert not any("word_embeddings" in name for name in changed)


@every_method
def test_a_run_that_was_cut_off_ends_as_if_it_had_not_been(
    method: str, base: Path, examples: list[Example], tmp_path: Path
) -> None:
    recipe = replace(RECIPE, method=method, rate=1e-2)
    whole = trained(base, examples, tmp_path / "whole", recipe)

    class CutError(Exception):
        """The power went."""

    first = begun(base, examples, tmp_path / "cut", recipe)

    def until(steps: int, **_: object) -> None:
        if first.step >= 8:
            raise CutError

    with pytest.raises(CutError):
        first.run(until, silent, save_seconds=0.0)
    second = trained(base, examples, tmp_path / "cut", recipe)
    assert [each.loss for each in second.history] == pytest.approx([each.loss for each in whole.history], rel=1e-3)


@every_method
async def test_the_bots_reader_reads_with_what_was_trained(
    method: str, base: Path, examples: list[Example], tmp_path: Path, make_settings: Callable[..., Settings]
) -> None:
    recipe = replace(RECIPE, method=method, epochs=4, rate=1e-2)
    training = trained(base, examples, tmp_path / "run", recipe)
    ours = predict(training.model, training.tokenizer, examples, recipe, device="cpu")
    assert len(artefact.write_weights(training.model, recipe, tmp_path / "run")) == 12
    artefact.write_settings(tmp_path / "run", recipe, version="v", calibration=(2.0, 0.5), threshold=0.5)
    model, tokenizer = artefact.load(base, tmp_path / "run", recipe)
    written = predict(model, tokenizer, examples, recipe, device="cpu")
    assert [each.margin for each in written] == pytest.approx([each.margin for each in ours], abs=0.05)

    class Elsewhere(Weights):
        def path(self, name: str) -> Path:
            return tmp_path / "run" if name == "reader" else base

    reader = BertReader(make_settings(device="cpu"), Elsewhere(make_settings(), {}))
    await reader.start()
    try:
        for example, prediction in list(zip(examples, ours, strict=True))[:4]:
            (span,) = await reader.read(example.question, [example.context])
            assert span.score == pytest.approx(probability(prediction.margin, 2.0, 0.5), abs=0.02)
    finally:
        await reader.close()


@pytest.mark.parametrize("method", ["prefix", "prompt"])
def test_padding_does_not_change_what_is_read_behind_virtual_tokens(method: str, base: Path, tmp_path: Path) -> None:
    import torch

    from finetune.reader import build

    model = methods.adapt(build(base, RECIPE)[0], replace(RECIPE, method=method), 10).eval()
    ids = torch.randint(5, 40, (1, 12), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        alone = model(ids, torch.ones_like(ids), torch.zeros_like(ids)).start_logits
        wide = torch.nn.functional.pad(ids, (0, 6))
        padded = model(wide, (wide > 0).long(), torch.zeros_like(wide)).start_logits
    assert alone.shape == (1, 12)
    assert torch.allclose(alone, padded[:, :12], atol=1e-4)


def test_adalora_takes_rank_from_where_it_helps_least(base: Path, examples: list[Example], tmp_path: Path) -> None:
    recipe = replace(RECIPE, method="adalora", epochs=8, patience=9, rate=1e-2)
    training = trained(base, examples, tmp_path, recipe)
    pattern = training.model.peft_config["default"].rank_pattern
    assert sum(map(sum, pattern.values())) == recipe.rank * len(pattern)


def test_an_adapter_that_is_none_is_refused(base: Path, examples: list[Example], tmp_path: Path) -> None:
    training = begun(base, examples, tmp_path, replace(RECIPE, method="full"))
    artefact.write_weights(training.model, training.recipe, tmp_path)
    with pytest.raises(WeightsError, match="no bottleneck adapters"):
        artefact.load(base, tmp_path, replace(RECIPE, method="adapter"))


def test_peft_notes_no_path_of_this_machine(base: Path, examples: list[Example], tmp_path: Path) -> None:
    recipe = replace(RECIPE, method="prompt")
    artefact.write_weights(begun(base, examples, tmp_path, recipe).model, recipe, tmp_path)
    assert json.loads((tmp_path / "adapter_config.json").read_text())["base_model_name_or_path"] == "encoder"
