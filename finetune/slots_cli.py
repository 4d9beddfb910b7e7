"""`frontdesk train slots`: messages with marked values to a tagger that finds such values in others."""

from __future__ import annotations

import argparse
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

from channels import terminal
from finetune import head_artefact as artefact
from finetune import options
from finetune.body import Body, HeadTraining, Recipe
from finetune.data import DataError
from finetune.hardware import hardware
from finetune.slots import SlotHead
from finetune.slots_data import read, split
from finetune.training import forget, write_curve, write_metrics

RECIPE = replace(Recipe(), frozen=2, drop=0.0, rate=3e-4)
"""Words carry more of it than the sentence does: one layer more learns, and no token is left out."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train slots`."""
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="Restaurant8k's JSON, or a bot's nlu.yml with entities (or a folder of them)",
    )
    add("--dev-share", type=float, default=0.1, metavar="S", help="share of the messages held out to report on")
    options.common(parser, name="slots", base="the encoder to build on")
    artefact.recipe_options(parser.add_argument_group("recipe"), RECIPE)


def run(args: argparse.Namespace) -> int:
    """Train, and print how good it is on what was held out."""
    device = options.begin(args)
    recipe = artefact.recipe_of(args, RECIPE)
    if not 0 <= args.dev_share < 1:
        raise DataError("--dev-share is from 0 to below 1")
    base, out = options.base_of(args), options.out_of(args, "slots")
    train, held = split(read(args.data), args.dev_share, args.seed)
    messages = [*train, *held]
    terminal.say(f"on {device}: {len(train)} messages to learn from, {len(held)} to report on")
    body = Body(base, recipe, device)
    head = SlotHead(body, messages, range(len(train), len(messages)))
    with terminal.progress("reading", total=len(messages)) as advance:
        body.keep(head.encodings, advance)
    told = {"labels": list(head.labels), "digest": artefact.digest(f"{m.asked}\t{m.text}\t{m.marks}" for m in messages)}
    training = HeadTraining(body, head, range(len(train)), out=out, told=told)
    options.go(training, fresh=args.fresh, bar=terminal.progress, say=terminal.say)
    version = artefact.write_weights({**body.trained(), **head.weights()}, out)
    artefact.write_settings(out / "slots.json", base, version, head.labels, recipe)
    metrics = {
        "version": version,
        "labels": list(head.labels),
        "held_out": {"f1": round(training.history[-1].mark, 2)} if held else {},
        "messages": {"train": len(train), "held_out": len(held)},
        "epochs": [asdict(epoch) for epoch in training.history],
        "recipe": asdict(recipe),
        "seconds": round(sum(epoch.seconds for epoch in training.history), 1),
        "hardware": hardware(device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    write_metrics(out, metrics)
    losses, marks = ([getattr(epoch, name) for epoch in training.history] for name in ("loss", "mark"))
    curve = write_curve(out, losses, marks, label="held-out F1", axis="F1 of whole values (0 to 100)")
    artefact.write_card(out, CARD.format(**metrics, source=args.source), metrics, curve=curve)
    forget(out)
    terminal.say(f"held out: F1 {training.history[-1].mark:.2f}; written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


CARD = """# Slots {version}

Finds the words of a message that fill a slot: {labels}.

- **Data:** {source}: {messages[train]} messages to learn from, {messages[held_out]} that report.
- **Use:** in the bot's models.toml an entry `[slots]` whose source is this folder (`kind = "local"`).

On the held-out part: {held_out} (a value is right when its slot and both its ends are).
"""
