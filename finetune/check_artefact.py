"""What training the check leaves behind, in one folder.

adapter_model.safetensors, adapter_config.json   LoRA in peft's format, with the head, in fp16
check.json                                       how to judge with it (read by `bot.engines.check_model`)
metrics.json, README.md, curve.png               what it was trained on and how good it is
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bot.engines.weights import sha256
from finetune import check_report
from finetune.artefact import BASE
from finetune.check import Recipe
from finetune.check_fit import Fit

CARD = """---
base_model: sentence-transformers/all-MiniLM-L6-v2
library_name: peft
license: {licence}
language: en
pipeline_tag: text-classification
---

# Check {version}

Reads a sentence beside a piece of evidence and says whether the evidence says it. A LoRA adapter (rank {rank}, the
upper {layers} layers) with a head of one number, for {base}{start}.
Trained with `frontdesk train check`.

- **Data:** {data}. {train} real replies to learn from, {choose} to choose on, {report} that only report;
  split by passage, and nothing learned from says the same as a passage of the other parts. {texts} texts lent
  sentences.
- **Method:** false replies are made of the real ones by code, anew in every pass: another figure or name of the same
  type (from the same passage where it has one), a negation put in or taken out, a condition left out or turned round, a
  quantifier or duty changed, the reply to another passage. Figures and names are also changed in the passage, so that
  it must be read to tell what is right. Binary cross-entropy on sentences, weights averaged over the last steps.
- **Licence:** {licence}, as the data ask.
- **Use:** English, with the setting `engines.checker = "grounded"`, beside the exact rules: what they block for a
  figure, URL, address or code stays blocked, and a sentence that stands in the evidence as it is passes.
- **Trained** on {hardware}, {minutes:.0f} minutes, finished {date}.

| {part} | real replies blocked | {kinds} |
| --- | --- | {rules} |
{rows}

In 100 with 95 % intervals, of {replies} replies; the thresholds were chosen on the part to choose on, for so many
false alarms (the model's for 5). A reply is blocked when one of its sentences is. Expected calibration error of
`support`: {error}.
{curve}
Made again by (`DATA` and `TEXTS` are what is named above):

    {command}
"""


def write_settings(out: Path, recipe: Recipe, version: str, fit: Fit, layers: Path | None) -> None:
    """`check.json`. `layers`: the folder of the reader that it was trained from."""
    content = {
        "base": "encoder",
        "version": version,
        "max_length": recipe.max_length,
        **asdict(fit),
        "body": sha256(layers / "model.safetensors") if layers else "",
    }
    (out / "check.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def command(recipe: Recipe, *, texts: bool, start: bool, alarms: float) -> str:
    """The command that trains with this recipe."""
    default = asdict(Recipe())
    said = {name: value for name, value in asdict(recipe).items() if value != default[name]}
    options = [f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}") for name, value in said.items()]
    return " ".join(
        [
            "frontdesk train check --data DATA",
            *["--texts TEXTS"] * texts,
            *["--start READER"] * start,
            f"--alarms {alarms:g}",
            *options,
        ]
    )


def write_card(
    out: Path, recipe: Recipe, metrics: Mapping[str, Any], *, data: str, licence: str, curve: bool, start: bool
) -> None:
    """README.md: where it comes from, what it may be used for, how good it is."""
    found = metrics["scores"]
    kinds = list(found["rules"]["recall"])
    served = f"both at {metrics['alarms']:g}"
    rows = [
        f"| {f'**{name}, as served**' if name == served else name} | {_cells(each)} |" for name, each in found.items()
    ]
    text = CARD.format(
        version=metrics["version"],
        licence=licence,
        rank=recipe.rank,
        layers=metrics["layers"] - recipe.frozen,
        base=BASE,
        start=", begun from the layers of the reader" if start else "",
        data=data.rstrip("."),
        texts=metrics["texts"],
        **{part: metrics["replies"][part] for part in ("train", "choose", "report")},
        hardware=metrics["hardware"],
        minutes=metrics["seconds"] / 60,
        date=metrics["date"],
        part="reports only" if metrics["replies"]["report"] else "chosen on",
        kinds=" | ".join(kinds),
        rules=" | ".join("---" for _ in kinds),
        rows="\n".join(rows),
        replies=found["rules"]["replies"],
        error=metrics["calibration_error"],
        curve="\n![training curve](curve.png)\n" if curve else "",
        command=command(recipe, texts=bool(metrics["texts"]), start=start, alarms=metrics["alarms"]),
    )
    (out / "README.md").write_text(text, encoding="utf-8")


def _cells(told: Mapping[str, Any]) -> str:
    """Figures with their intervals: of real replies blocked, then of each kind found."""
    figures = {check_report.REAL: told["false_alarms"], **told["recall"]}
    return " | ".join(f"{value} [{_interval(told, name)}]" for name, value in figures.items())


def _interval(told: Mapping[str, Any], name: str) -> str:
    return ", ".join(f"{end:.0f}" for end in told["intervals"].get(name, ()))
