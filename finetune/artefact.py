"""What training leaves behind: weights, `reader.json`, metrics, a curve and a card, in one folder.

adapter_model.safetensors, adapter_config.json   method "lora", in peft's format, with the QA head
model.safetensors, config.json                   method "full"
reader.json                                      how to read with it: lengths, calibration, threshold, version
metrics.json, README.md, curve.png               what it was trained on and how good it is
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from finetune.reader import Epoch, Recipe

BASE = "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)"


def write_weights(model: Any, tokenizer: Any, recipe: Recipe, out: Path) -> str:
    """Save the trained weights in fp16 (a whole model with its tokenizer) and return their version, the first 12 digits
    of the file's sha256.
    """
    import torch
    from safetensors.torch import load_file, save_file

    model.to("cpu").save_pretrained(out)
    (out / "README.md").unlink(missing_ok=True)  # peft writes an empty card
    file = out / ("adapter_model.safetensors" if recipe.method == "lora" else "model.safetensors")
    half = {name: value.to(torch.float16).contiguous() for name, value in load_file(file).items()}
    save_file(half, file, metadata={"format": "pt"})
    if recipe.method == "lora":
        _tidy(out / "adapter_config.json")
    else:
        tokenizer.save_pretrained(out)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _tidy(file: Path) -> None:
    """peft notes the folder that the body was loaded from: a path of this machine."""
    config = json.loads(file.read_text(encoding="utf-8"))
    config["base_model_name_or_path"] = "encoder"
    config["target_modules"] = sorted(config["target_modules"])
    file.write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def load(base: Path, folder: Path) -> tuple[Any, Any]:
    """The trained model (merged, in evaluation mode) and its tokenizer, as serving sees them."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    if (folder / "adapter_config.json").is_file():
        body = AutoModelForQuestionAnswering.from_pretrained(base, local_files_only=True, dtype=torch.float32)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # as in finetune.reader.build
            model = PeftModel.from_pretrained(body, str(folder)).merge_and_unload()
    else:
        model = AutoModelForQuestionAnswering.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return model.eval(), tokenizer


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


def write_metrics(out: Path, metrics: dict[str, Any]) -> None:
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")


def write_curve(out: Path, history: Sequence[Epoch]) -> bool:
    """Plot loss and held-out F1 by epoch. False where matplotlib (extra 'train') is not installed."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    numbers = [epoch.number for epoch in history]
    axes.plot(numbers, [epoch.loss for epoch in history], "o-", color="tab:gray", label="training loss")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.set_xticks(numbers)
    right = axes.twinx()
    right.plot(numbers, [epoch.held_out.f1 for epoch in history], "s-", color="tab:blue", label="held-out F1")
    right.set_ylabel("F1 (0 to 100)")
    figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(out / "curve.png", dpi=80)
    return True


CARD = """---
base_model: sentence-transformers/all-MiniLM-L6-v2
library_name: {library}
license: cc-by-sa-4.0
language: en
pipeline_tag: question-answering
---

# Reader {version}

Finds the answer to a question in a passage, or says that the passage has none. {what} on {base}, trained with
`frontdesk train reader`.

- **Data:** {data}.
- **Licence:** CC-BY-SA-4.0, as the data asks; the body is Apache-2.0 and not part of this folder.
- **Use:** English. `reader.json` holds the lengths, the calibration and the threshold to read with.

| part | questions | EM | F1 | F1 on answerable | refused of unanswerable |
| --- | --- | --- | --- | --- | --- |
{rows}

Metric: SQuAD 2.0's. The epoch, the threshold and the calibration were chosen on the held-out articles of the training
file; the dev file, where there is one, only reports. Expected calibration error: {error}.
{curve}
Options: `{recipe}`
"""


def write_card(out: Path, recipe: Recipe, metrics: dict[str, Any], *, data: str, curve: bool) -> None:
    """README.md: where it comes from, what it may be used for, how good it is."""
    names = {"held_out": "held out of training", "dev": "dev (reports only)"}
    rows = [
        f"| {names[part]} | {s['questions']} | {s['exact']} | {s['f1']} | {s['answerable_f1']} | {s['refused']} |"
        for part, s in metrics["scores"].items()
    ]
    adapter = f"A LoRA adapter (rank {recipe.rank}) and a QA head"
    text = CARD.format(
        library="peft" if recipe.method == "lora" else "transformers",
        version=metrics["version"],
        what=adapter if recipe.method == "lora" else "A whole model, based",
        base=BASE,
        data=data,
        rows="\n".join(rows),
        error=", ".join(f"{value} ({names[part]})" for part, value in metrics["calibration_error"].items()),
        curve="\n![training curve](curve.png)\n" if curve else "",
        recipe=json.dumps(asdict(recipe)),
    )
    (out / "README.md").write_text(text, encoding="utf-8")
