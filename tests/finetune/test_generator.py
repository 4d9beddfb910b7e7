"""`frontdesk train generator`: only what the evidence says is learnt, and what was learnt is what the engine serves."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from bot.engines.base import ChatMessage
from bot.engines.generator import SmolLM2
from bot.engines.weights import Entry, Weights
from bot.errors import WeightsError
from bot.settings import Settings
from channels.cli import main
from finetune.data import DataError
from finetune.encoder_data import Pair
from finetune.generator import Recipe, Training
from finetune.generator_data import Example, examples, passes

PASSAGE = (
    "You can return an item within 30 days. Refunds take five days unless the item was opened. The shop opens at nine."
)
TURNS = [
    ("How long can I return it?", "You can return it within 30 days."),
    ("How long do I have?", "You can return an item within 30 days. Do you need anything else?"),
    ("When do you open?", "The shop opens at nine."),
    ("How long is a refund?", "Refunds take five days."),  # its condition was dropped
    ("And abroad?", "No relevant information is found."),
    ("When do you open then?", "The shop opens at ten."),
]


def turns(folder: Path, passages: int = 8) -> Path:
    file = folder / "turns.jsonl"
    rows = [
        {"question": question, "passage": f"{PASSAGE} Page {number}.", "reply": reply}
        for number in range(passages)
        for question, reply in TURNS
    ]
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A language model of two narrow layers with random weights, a word tokenizer and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("generator") / "tiny-0001"
    marks = ["<unk>", "<|im_start|>", "<|im_end|>"]
    letters = [chr(code) for code in range(32, 127)]
    inner = Tokenizer(models.WordLevel({word: at for at, word in enumerate([*marks, *letters])}, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    inner.decoder = decoders.Fuse()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=inner, eos_token="<|im_end|>", additional_special_tokens=["<|im_start|>"], unk_token="<unk>"
    )
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m['role'] }} {{ m['content'] }}<|im_end|>{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant {% endif %}"
    )
    torch.manual_seed(1)
    config = LlamaConfig(
        vocab_size=len(marks) + len(letters),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        eos_token_id=2,
        bos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def test_of_a_reply_only_what_its_passage_says_is_learnt_from() -> None:
    found = examples([Pair(question, PASSAGE, reply) for question, reply in TURNS])
    assert [(each.question, each.reply) for each in found] == [
        ("How long can I return it?", "You can return it within 30 days."),
        ("How long do I have?", "You can return an item within 30 days."),
        ("When do you open?", "The shop opens at nine."),
    ]
    assert found[2].evidence == "The shop opens at nine."


def test_a_reply_passes_when_its_first_sentence_says_what_the_evidence_says() -> None:
    assert passes("The shop opens at nine. Bring a friend.", "The shop opens at nine.")
    assert not passes("The shop opens at ten.", "The shop opens at nine.")
    assert not passes("", "The shop opens at nine.")


def prompt(question: str, evidence: str) -> list[ChatMessage]:
    return [ChatMessage("user", f"{evidence}|{question}")]


def training(base: Path, out: Path, **fields: Any) -> Training:
    recipe = Recipe(**{"epochs": 2, "batch": 2, "rate": 0.03, "judged": 1, "longest": 200, **fields})
    rows = [Example("Open?", "We open at nine.", "We open at nine.")] * 4
    return Training(base, rows, rows[:1], prompt, recipe=recipe, out=out, device="cpu")


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(base: Path, tmp_path: Path) -> None:
    straight = training(base, tmp_path / "straight")
    straight.run(lambda steps=1: None, lambda _: None)

    def stop(steps: int = 1) -> None:
        if broken.step == 3:
            raise KeyboardInterrupt

    broken = training(base, tmp_path / "broken")
    with pytest.raises(KeyboardInterrupt):
        broken.run(stop, lambda _: None, save_seconds=0)
    again = training(base, tmp_path / "broken")
    assert again.resume()
    again.run(lambda steps=1: None, lambda _: None)
    assert again.history[-1].held_loss == pytest.approx(straight.history[-1].held_loss, abs=1e-4)
    with pytest.raises(DataError, match="--fresh"):
        training(base, tmp_path / "broken", rate=0.01).resume()


def test_the_loss_is_on_the_reply_alone(base: Path, tmp_path: Path) -> None:
    run = training(base, tmp_path)
    ids, asked = run._row(Example("Open?", "We open at nine.", "Nine."))
    before = float(run._loss([(ids, asked)]).detach())
    mixed = float(run._loss([(ids, asked), (ids + ids[-3:], len(ids))]).detach())
    assert before > 0
    assert mixed != before  # the second row's reply counts
    assert float(run._loss([(ids, asked), (ids, asked)]).detach()) == pytest.approx(before, rel=1e-4)


def test_the_command_writes_an_adapter_that_the_engine_serves(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = ["train", "generator", "--data", str(turns(tmp_path)), "--base", str(base), "--out", str(out)]
    recipe = ["--epochs", "2", "--batch", "4", "--rate", "0.02", "--judged", "2", "--shares", "0.5", "0.25", "0.25"]
    assert main([*words, *recipe, "--licence", "CC-BY-3.0", "--threads", "1", "--device", "cpu", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["examples"]["learn"] == 3
    assert {each.name for each in out.iterdir()} >= {"adapter_model.safetensors", "adapter_config.json", "README.md"}
    assert str(base) not in (out / "adapter_config.json").read_text(encoding="utf-8")
    assert "CC-BY-3.0" in (out / "README.md").read_text(encoding="utf-8")


async def test_an_adapter_changes_what_is_said_and_a_broken_one_is_named(
    base: Path, tmp_path: Path, make_settings: Any
) -> None:
    run = training(base, tmp_path / "run", epochs=12)
    run.run(lambda steps=1: None, lambda _: None)
    from finetune.generator_cli import write_adapter

    write_adapter(run.model, tmp_path / "adapter")
    settings = make_settings(device="cpu")
    weights = folders(settings, base, tmp_path / "adapter")
    asked = prompt("Open?", "We open at nine.")
    plain, tuned = [await said(SmolLM2(settings, weights, tuned=on), asked) for on in (False, True)]
    assert tuned != plain
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"no weights")
    with pytest.raises(WeightsError, match="adapter"):
        await SmolLM2(settings, weights, tuned=True).start()


def folders(settings: Settings, base: Path, adapter: Path) -> Weights:
    def entry(name: str, folder: Path) -> Entry:
        source = {"kind": "local", "path": str(folder)}
        return Entry.model_validate({"name": name, "role": name, "licence": "MIT", "source": source})

    return Weights(settings, {"generator": entry("generator", base), "generator-tuned": entry("tuned", adapter)})


async def said(engine: SmolLM2, messages: list[ChatMessage]) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        await engine.start()
    try:
        return "".join([piece async for piece in engine.stream(messages, max_tokens=12)])
    finally:
        await engine.close()
