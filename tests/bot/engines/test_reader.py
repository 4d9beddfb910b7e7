"""The BERT reader on tiny models made here: what was trained is found, merged and read with its own settings."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.engines.reader import BertReader, read_recipe
from bot.engines.weights import Entry, Weights
from bot.errors import WeightsError
from bot.settings import Settings

PASSAGE = "you may return an item within 30 days of delivery . the shop is open on monday ."
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *sorted(set(PASSAGE.split())), "how", "long", "?"]


def body(folder: Path) -> Path:
    """A BERT of two narrow layers with random weights, and a word tokenizer."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel

    torch.manual_seed(1)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=len(WORDS), max_position_embeddings=128, **sizes)).save_pretrained(folder)
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def adapter(base: Path, folder: Path) -> Path:
    """A LoRA adapter with a head, none of it zero, as training leaves it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForQuestionAnswering

    model = AutoModelForQuestionAnswering.from_pretrained(base)
    config = LoraConfig(
        r=4, target_modules=["query", "value"], modules_to_save=["qa_outputs"], task_type="QUESTION_ANS"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        tuned = get_peft_model(model, config)
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_" in name or "modules_to_save" in name:
                weight.normal_(0, 0.5)
    tuned.save_pretrained(folder)
    return folder


def whole(base: Path, folder: Path) -> Path:
    """A whole model with its tokenizer."""
    from transformers import AutoModelForQuestionAnswering

    AutoModelForQuestionAnswering.from_pretrained(base).save_pretrained(folder)
    (folder / "tokenizer.json").write_bytes((base / "tokenizer.json").read_bytes())
    return folder


def recipe(folder: Path, **fields: object) -> None:
    told = {"method": "lora", "version": "7", "max_length": 32, "stride": 8, "question_tokens": 6, **fields}
    (folder / "reader.json").write_text(json.dumps(told))


def weights(settings: Settings, **folders: Path) -> Weights:
    def entry(name: str, folder: Path) -> Entry:
        source = {"kind": "local", "path": str(folder)}
        return Entry.model_validate({"name": name, "role": name, "licence": "MIT", "source": source})

    return Weights(settings, {name: entry(name, folder) for name, folder in folders.items()})


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return body(tmp_path_factory.mktemp("body"))


@pytest.fixture(scope="module")
def trained(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = adapter(base, tmp_path_factory.mktemp("reader"))
    recipe(folder, max_answer_tokens=3, temperature=2.0, bias=0.5, threshold=0.3)
    return folder


@pytest.fixture
def cpu(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings(device="cpu")


async def test_an_adapter_is_merged_into_the_body_and_says_what_peft_itself_would(
    cpu: Settings, base: Path, trained: Path
) -> None:
    import numpy as np
    import torch
    from peft import PeftModel
    from tokenizers import Tokenizer
    from transformers import AutoModelForQuestionAnswering

    reader = BertReader(cpu, weights(cpu, encoder=base, reader=trained))
    await reader.start()
    (span,) = await reader.read("how long ?", [PASSAGE])
    await reader.close()
    assert reader.name == "bert-7"
    assert reader.threshold == 0.3

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        adapted = PeftModel.from_pretrained(AutoModelForQuestionAnswering.from_pretrained(base), str(trained))
    model = adapted.get_base_model().eval()  # peft's own wrapper drops token_type_ids
    pair = Tokenizer.from_file(str(base / "tokenizer.json")).encode("how long ?", PASSAGE)
    with torch.inference_mode():
        out = model(torch.tensor([pair.ids]), token_type_ids=torch.tensor([pair.type_ids]))
    start, end = out.start_logits[0].numpy(), out.end_logits[0].numpy()
    places = [at for at, part in enumerate(pair.sequence_ids) if part == 1]
    pairs = [(i, j) for i in places for j in places if i <= j < i + 3]
    i, j = max(pairs, key=lambda pair: start[pair[0]] + end[pair[1]])
    margin = float(start[i] + end[j] - start[0] - end[0])
    assert (span.start, span.end) == (pair.offsets[i][0], pair.offsets[j][1])
    assert span.score == pytest.approx(1 / (1 + np.exp(-(margin - 0.5) / 2.0)), abs=1e-4)


async def test_a_long_passage_is_read_in_windows_and_every_offset_is_the_passages(
    cpu: Settings, base: Path, trained: Path
) -> None:
    reader = BertReader(cpu, weights(cpu, encoder=base, reader=trained))
    await reader.start()
    passages = [PASSAGE, " ".join([PASSAGE] * 20), "", "monday"]
    spans = await reader.read("how long " * 50, passages)
    await reader.close()
    for passage, span in zip(passages, spans, strict=True):
        quote = passage[span.start : span.end]
        assert quote == quote.strip()
        assert all(word in WORDS for word in quote.split())
        assert len(quote.split()) <= 3


async def test_a_whole_model_needs_no_other_weights(cpu: Settings, base: Path, tmp_path: Path) -> None:
    folder = whole(base, tmp_path)
    recipe(folder, method="full")
    reader = BertReader(cpu, weights(cpu, reader=folder))
    await reader.start()
    assert len(await reader.read("how long ?", [PASSAGE, PASSAGE])) == 2
    assert reader.ready()
    await reader.close()


def test_a_broken_recipe_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"reader\.json cannot be read"):
        read_recipe(tmp_path)
    (tmp_path / "reader.json").write_text('{"version": "1", "max_length": "many"}')
    with pytest.raises(WeightsError, match="max_length"):
        read_recipe(tmp_path)


async def test_in_int8_it_finds_nearly_the_same_and_the_second_start_needs_no_export(
    make_settings: Callable[..., Settings], base: Path, tmp_path: Path
) -> None:
    folder = whole(base, tmp_path / "reader")
    recipe(folder, method="full")
    plain, small = (make_settings(device="cpu", models=tmp_path, engines={"int8": int8}) for int8 in (False, True))
    spans = []
    for settings in (plain, small, small):
        reader = BertReader(settings, weights(settings, reader=folder))
        await reader.start()
        spans.append(await reader.read("how long ?", [PASSAGE, "the shop is open on monday ."]))
        await reader.close()
    assert sum(name.startswith("int8-reader-7-") for name in os.listdir(tmp_path)) == 1
    assert spans[1] == spans[2]
    assert [span.score for span in spans[1]] == pytest.approx([span.score for span in spans[0]], abs=0.01)
