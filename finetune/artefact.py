"""What training leaves behind: weights, `reader.json`, metrics, a curve and a card, in one folder.

adapter_model.safetensors, adapter_config.json   in peft's format, with the QA head
model.safetensors                                methods "full" and "adapter": what was trained, with the QA head
reader.json                                      how to read with it: lengths, calibration, threshold, version
metrics.json, README.md, curve.png               what it was trained on and how good it is
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.engines.reader import Recipe as Reading
from bot.engines.reader import load_model
from finetune import methods, training
from finetune.reader import Recipe

BASE = "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)"


PEFT, CONFIG, PLAIN = "adapter_model.safetensors", "adapter_config.json", "model.safetensors"


def write_weights(model: Any, recipe: Recipe, out: Path) -> str:
    """Save what was trained in fp16 and return its version, the first 12 digits of the file's sha256.

    What another method left in the folder is removed, so that nothing reads it by mistake.
    """
    import torch
    from safetensors.torch import load_file, save_file

    out.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", PEFT, CONFIG, PLAIN):
        (out / name).unlink(missing_ok=True)
    model.to("cpu")
    if recipe.method in methods.PLAIN:
        file = out / PLAIN
        trained = {name: value.detach() for name, value in training.trained(model).items()}
    else:
        file, peft = out / PEFT, methods.wrapped(model)
        if recipe.method == "adalora":  # its averaged weights have every rank that it once had
            peft.peft_config["default"].rank_pattern = None
        peft.save_pretrained(out)
        (out / "README.md").unlink(missing_ok=True)  # peft writes an empty card
        _tidy(out / CONFIG)
        trained = load_file(file)
    half = {name: value.to(torch.float16).contiguous() for name, value in trained.items()}
    save_file(half, file, metadata={"format": "pt"})
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _tidy(file: Path) -> None:
    """peft notes the folder that the body was loaded from: a path of this machine."""
    config = json.loads(file.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "encoder"
    if config.get("target_modules"):
        config["target_modules"] = sorted(config["target_modules"])
    file.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load(base: Path, folder: Path, recipe: Recipe) -> tuple[Any, Any]:
    """The trained model (merged where it can be, in evaluation mode) and its tokenizer, as serving sees them."""
    from transformers import AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    model = load_model(base, folder, Reading.model_validate({"method": recipe.method, "version": "new"}))
    return model, AutoTokenizer.from_pretrained(base, local_files_only=True)


def write_settings(
    out: Path, recipe: Recipe, *, version: str, calibration: tuple[float, float], threshold: float
) -> None:
    """`reader.json`. `threshold` is the probability from which answering raises F1 on the held-out questions."""
    temperature, bias = calibration
    content = {
        "base": "encoder",
        "method": recipe.method,
        "version": version,
        "max_length": recipe.max_length,
        "stride": recipe.stride,
        "question_tokens": 64,
        "max_answer_tokens": recipe.max_answer_tokens,
        "temperature": round(temperature, 6),
        "bias": round(bias, 6),
        "threshold": round(threshold, 6),
    }
    (out / "reader.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


CARD = """---
base_model: sentence-transformers/all-MiniLM-L6-v2
library_name: {library}
license: cc-by-sa-4.0
language: en
pipeline_tag: question-answering
---

# Reader {version}

Finds the answer to a question in a passage, or says that the passage has none. {what} on
{base}, trained with `frontdesk train reader`.

- **Data:** {data}.{made}
- **Method:** {method}
- **Trained** on {hardware}, {minutes:.0f} minutes, finished {date}.
- **Licence:** CC-BY-SA-4.0, as the data asks; the body is Apache-2.0 and not part of this folder.
- **Use:** English. `reader.json` holds the lengths, the calibration and the threshold to read with.

| part | questions | EM | F1 | F1 on answerable | refused of unanswerable | F1 on answerable, made to answer |
| --- | --- | --- | --- | --- | --- | --- |
{rows}

Metric: SQuAD 2.0's. The epoch, the threshold and the calibration were chosen on the held-out articles of the training
file; the dev file, where there is one, only reports. Expected calibration error: {error}.
{known}{curve}
Made again by (`DATA` and `TEXTS` are what is named above):

    {command}
"""


MADE = (
    " Before those, {questions} questions that were made from {texts} passages of plain text ({source}) and from the"
    " training questions' own passages"
)


def _method(recipe: Recipe) -> str:
    passes = [
        (recipe.cloze, "over cloze questions made from plain texts"),
        (recipe.short, "over a few sentences of each passage"),
        (recipe.epochs, "over whole passages"),
    ]
    told = ", ".join(f"{number} {what}" for number, what in passes if number)
    return (
        f"Passes: {told}. Where the span lies is learned from the plausible answers of unanswerable questions too, and "
        "apart from whether there is one. The weights are an average over the last steps."
    )


def command(recipe: Recipe) -> str:
    """The command that trains with this recipe."""
    default = asdict(Recipe())
    said = {name: value for name, value in asdict(recipe).items() if value != default[name]}
    if recipe.cloze:
        said["cloze"] = recipe.cloze
    options = [f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}") for name, value in said.items()]
    texts = ["--pretrain TEXTS"] if recipe.cloze or recipe.cloze_mix else []
    texts += ["--start READER", "--replay OLD"] if recipe.replay_share else []
    return " ".join(["frontdesk train reader --data DATA", *texts, *options])


def write_card(out: Path, recipe: Recipe, metrics: dict[str, Any], *, data: str, curve: bool) -> None:
    """README.md: where it comes from, what it may be used for, how good it is."""
    names = {"held_out": "held out of training", "dev": "dev (reports only)"}
    rows = [
        f"| {names[part]} | {s['questions']} | {s['exact']} | {s['f1']} | {s['answerable_f1']} | {s['refused']} | "
        f"{s['forced_f1']} |"
        for part, s in metrics["scores"].items()
    ]
    text = CARD.format(
        library="transformers" if recipe.method in methods.PLAIN else "peft",
        version=metrics["version"],
        what=methods.what(recipe),
        base=BASE,
        data=data,
        made=MADE.format(**metrics["made_from"]) if metrics.get("made_from") else "",
        method=_method(recipe),
        hardware=metrics["hardware"],
        minutes=metrics["seconds"] / 60,
        date=metrics["date"],
        rows="\n".join(rows),
        error=", ".join(f"{value} ({names[part]})" for part, value in metrics["calibration_error"].items()),
        known=_known(metrics.get("known") or {}),
        curve="\n![training curve](curve.png)\n" if curve else "",
        command=command(recipe),
    )
    (out / "README.md").write_text(text, encoding="utf-8")


def _known(known: Mapping[str, Any]) -> str:
    """What the reader that it went on from scored, beside its own scores."""
    if not known:
        return ""
    names = {"old": "old questions", "held_out": "new ones to choose on", "dev": "new ones that report"}
    told = [
        f"{names[part]} {scores['before']['f1']} before, {scores['after']['f1']} now" for part, scores in known.items()
    ]
    return f"\nIt went on from a trained reader. F1, each at its best threshold: {'; '.join(told)}.\n"
