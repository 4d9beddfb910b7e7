"""`frontdesk train generator`: tune the generator to word evidence as people do."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.botfile import load_bot
from bot.engines.base import ChatMessage
from bot.engines.weights import Weights
from bot.prompts import Prompts
from channels import terminal
from finetune import encoder_data, options
from finetune.data import DataError
from finetune.generator import Recipe, Training
from finetune.generator_data import Example, Prompt, examples, passes
from finetune.hardware import hardware
from finetune.training import forget, write_curve, write_metrics

SHARES = (0.75, 0.1, 0.15)


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train generator`."""
    default = Recipe()
    add = parser.add_argument
    turns = 'JSON lines: grounded turns {"question", "passage", "reply"}'
    add("--data", type=Path, required=True, metavar="FILE", help=turns)
    add("--shares", type=float, nargs=3, default=SHARES, metavar="S", help="passages to train, choose, report on")
    options.common(parser, name="generator", base="the model to tune")
    add("--licence", default="not said", help="what the card says of the licence")
    group = parser.add_argument_group("recipe")
    options.recipe(group, default, epochs="passes over all replies", rate="learning rate", batch="replies in one step")
    add = group.add_argument
    add("--rank", type=int, default=default.rank, help="LoRA's rank")
    add("--judged", type=int, default=default.judged, metavar="N", help="held-out turns that are written and checked")


def run(args: argparse.Namespace) -> int:
    """Tune, write the adapter with its card, and print how much of what it writes passes, before and after."""
    recipe = _recipe(args)
    parts = encoder_data.split(encoder_data.read(args.data), recipe.seed, tuple(args.shares))
    learn, choose, report = (examples(part) for part in (parts.train, parts.choose, parts.report))
    if not learn or not choose:
        raise DataError(f"{args.data}: no reply is left to learn from or to choose on; their passages must say them")
    out, device = options.out_of(args, "generator"), options.begin(args)
    base = args.base or Weights(args.settings).path("generator")
    terminal.say(
        f"on {device}: {len(learn)} of {len(parts.train)} replies say only what their passage says and are learnt "
        f"from; {len(choose)} to choose on, {len(report)} to report on"
    )
    training = Training(base, learn, choose, prompt_of(args), recipe=recipe, out=out, device=device)
    untuned = _share(training, report, off=True)
    seconds = options.go(training, fresh=args.fresh, bar=terminal.progress, say=terminal.say)
    tuned = _share(training, report)
    version = write_adapter(training.model, out)
    metrics = {
        "version": version,
        "base": base.name,
        "examples": {"learn": len(learn), "choose": len(choose), "report": len(report)},
        "turns": parts.counts(),
        "before": asdict(training.before) if training.before else None,
        "epochs": [asdict(epoch) for epoch in training.history],
        "report": {"untuned": untuned, "tuned": tuned},
        "recipe": asdict(recipe),
        "seconds": round(seconds, 1),
        "hardware": hardware(device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    write_metrics(out, metrics)
    losses, marks = [each.loss for each in training.history], [each.passing for each in training.history]
    curve = write_curve(out, losses, marks, label="replies that pass", axis="first sentences that pass (0 to 100)")
    write_card(out, metrics, data=args.source, licence=args.licence, curve=curve)
    forget(out)
    terminal.say(f"written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


def prompt_of(args: argparse.Namespace) -> Prompt:
    """The bot's own prompt "answer", as it is put to a small model."""
    botfile = load_bot(args.settings.bot)
    prompts = Prompts(botfile.prompts_folder)
    told = {"company": botfile.name, "bot_name": botfile.bot_name, "voice": botfile.voice, "small": True}

    def prompt(question: str, evidence: str) -> list[ChatMessage]:
        rendered = prompts.render("answer", question=question, passages=[evidence], **told)
        return [ChatMessage(role, text) for role, text in rendered]

    return prompt


def write_adapter(model: Any, out: Path) -> str:
    """Save the adapter in fp16, in peft's format, and return its version: the first 12 digits of its sha256."""
    import hashlib

    import torch

    out.mkdir(parents=True, exist_ok=True)
    weights = {name: value.to(torch.float16) for name, value in model.state_dict().items() if "lora_" in name}
    model.save_pretrained(out, state_dict=weights)
    (out / "README.md").unlink(missing_ok=True)  # peft's own is empty
    config = out / "adapter_config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    said["base_model_name_or_path"] = BASE  # not a folder of this machine
    config.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return hashlib.sha256((out / "adapter_model.safetensors").read_bytes()).hexdigest()[:12]


BASE = "HuggingFaceTB/SmolLM2-135M-Instruct"
CARD = """---
base_model: {base}
library_name: peft
license: {licence}
language: en
pipeline_tag: text-generation
---

# Generator {version}

A LoRA adapter (rank {rank}) for {base} (Apache-2.0), tuned with `frontdesk train generator` to word a sentence of a
help page as an answer: nothing that it does not say. Every sentence is checked before a customer sees it all the same.

- **Data:** {data}. Of {turns} replies the {learn} were learnt from whose sentences their passage says, by the rules of
  the check.
- **Licence:** {licence}, as the data ask.
- **Use:** English, with the setting `engines.generator = "smollm2-tuned"`.
- **Trained** on {date}, on {hardware}, in {minutes} minutes.

| first sentences that pass the rules, of 100 | untuned | tuned |
| --- | --- | --- |
{rows}

Passages to choose on and to report on were not trained on.
{curve}
Options: `{recipe}`
"""


def write_card(out: Path, metrics: Mapping[str, Any], *, data: str, licence: str, curve: bool) -> None:
    """README.md: where it comes from, what it may be used for, how good it is, beside the untuned model."""
    chosen = max((each["passing"] for each in metrics["epochs"]), default=0.0)
    rows = []
    if metrics["before"]:
        rows.append(f"| turns to choose on | {metrics['before']['passing']:.0f} | {chosen:.0f} |")
    if metrics["examples"]["report"]:
        rows.append(
            f"| turns that only report | {metrics['report']['untuned']:.0f} | {metrics['report']['tuned']:.0f} |"
        )
    text = CARD.format(
        base=BASE,
        version=metrics["version"],
        licence=licence,
        rank=metrics["recipe"]["rank"],
        data=data,
        turns=metrics["turns"]["train"],
        learn=metrics["examples"]["learn"],
        date=metrics["date"],
        hardware=metrics["hardware"],
        minutes=round(metrics["seconds"] / 60),
        rows="\n".join(rows),
        curve="\n![training curve](curve.png)\n" if curve else "",
        recipe=json.dumps(metrics["recipe"]),
    )
    (out / "README.md").write_text(text, encoding="utf-8")


def _share(training: Training, held: list[Example], *, off: bool = False) -> float:
    """Of 100 held-out turns, how many are answered with a first sentence that passes; `off`: without the adapter."""
    from contextlib import nullcontext

    with training.model.disable_adapter() if off else nullcontext():
        return 100 * sum(passes(training.write(each), each.evidence) for each in held) / max(1, len(held))


def _recipe(args: argparse.Namespace) -> Recipe:
    if min(args.epochs, args.batch, args.rank, args.judged) < 1:
        raise DataError("--epochs, --batch, --rank and --judged are at least 1")
    if min(args.shares) < 0 or abs(sum(args.shares) - 1) > 1e-6:
        raise DataError("--shares are three shares that make 1")
    return Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe) if hasattr(args, field.name)})
