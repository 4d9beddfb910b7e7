"""What training a head on the encoder's body leaves behind: weights that changed, settings, a card; and its options.

model.safetensors       the layers that were tuned, in fp16, and the head; the rest is the encoder's
intents.json, slots.json   of which encoder, the labels, the threshold (read by `bot.engines.classifier`)
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from finetune.body import Recipe
from finetune.data import DataError
from retrieval.encoder import digest_of


def recipe_options(group: argparse._ArgumentGroup, default: Recipe) -> None:
    """Options of the recipe, with its values as defaults."""
    add = group.add_argument
    add("--frozen", type=int, default=default.frozen, metavar="N", help="layers that stay, counted from below")
    add("--epochs", type=int, default=default.epochs, help="passes (0: three, or more where there are few texts)")
    add("--rate", type=float, default=default.rate, help="learning rate of the layers")
    add("--head-rate", type=float, default=default.head_rate, metavar="RATE", help="learning rate of the head")
    add("--batch", type=int, default=default.batch)
    add("--drop", type=float, default=default.drop, metavar="S", help="share of the tokens left out at random")
    add("--seed", type=int, default=default.seed)


def recipe_of(args: argparse.Namespace, default: Recipe | None = None) -> Recipe:
    """What the options ask for; the rest as in `default`. Raises DataError for one that makes no sense."""
    if args.epochs < 0 or args.batch < 2 or not 0 <= args.drop < 1:
        raise DataError("--epochs is not negative, --batch at least 2, --drop from 0 to below 1")
    kept = default or Recipe()
    return Recipe(**{each.name: getattr(args, each.name, getattr(kept, each.name)) for each in fields(Recipe)})


def digest(lines: Iterable[str]) -> str:
    """Of the data: a checkpoint goes on only with the same."""
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]


def write_weights(weights: Mapping[str, Any], out: Path) -> str:
    """Save the weights in fp16, and return their version: the first 12 digits of the file's sha256."""
    import torch
    from safetensors.torch import save_file

    out.mkdir(parents=True, exist_ok=True)
    file = out / "model.safetensors"
    save_file({name: value.detach().cpu().to(torch.float16).contiguous() for name, value in weights.items()}, file)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def write_settings(file: Path, base: Path, version: str, labels: Sequence[str], recipe: Recipe, **more: float) -> None:
    """What serving needs to know (`bot.engines.classifier.HeadSettings`)."""
    told = {
        "base": digest_of(base),
        "version": version,
        "labels": list(labels),
        "frozen": recipe.frozen,
        "tokens": recipe.tokens,
        **more,
    }
    file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_card(out: Path, text: str, metrics: Mapping[str, Any], *, curve: bool) -> None:
    """README.md: what it does, what it was trained on, how good it is, and what that took."""
    took = f"\nTrained on {metrics['date']}, on {metrics['hardware']}, in {metrics['seconds'] / 60:.0f} minutes. "
    body = "The body is sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), English; what is not here is the base's.\n"
    shown = "\n![training curve](curve.png)\n" if curve else ""
    recipe = f"\nOptions: `{json.dumps(metrics['recipe'])}`\n"
    (out / "README.md").write_text(text + took + body + shown + recipe, encoding="utf-8")
