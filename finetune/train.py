"""`frontdesk train MODEL`: a table of what can be trained, each with options of its own."""

from __future__ import annotations

import argparse
from importlib import import_module

from channels.cli import common_options

MODELS: dict[str, tuple[str, str]] = {
    "reader": ("finetune.cli", "the extractive reader, on questions with their answers"),
    "encoder": ("finetune.encoder_cli", "the sentence encoder, on queries and the passages that answer them"),
    "generator": ("finetune.generator_cli", "the generator, on replies that say what their passage says"),
    "check": ("finetune.check_cli", "the check, on grounded replies and on false ones made of them"),
    "compare": ("finetune.compare", "the reader by every method: quality beside parameters, time and memory"),
    "intents": ("finetune.intents_cli", "a classifier of intents, on sentences with theirs"),
    "slots": ("finetune.slots_cli", "a tagger of slots, on messages with the values marked"),
    "prepare": ("finetune.prepare", "no model: data is read, cleaned and split, and what was left out is told"),
}
"""Name -> (module with `configure(parser)` and `run(args) -> exit code`, help line)."""


def configure(parser: argparse.ArgumentParser) -> None:
    """A parser for each model, with its options."""
    models = parser.add_subparsers(dest="model", required=True, metavar="MODEL")
    for name, (module, line) in MODELS.items():
        model = models.add_parser(name, help=line, description=f"{line[0].upper()}{line[1:]}.")
        model.argument_default = argparse.SUPPRESS  # common options may stand before the model or behind it
        common_options(model)
        model.argument_default = None
        import_module(module).configure(model)


def run(args: argparse.Namespace) -> int:
    """Train the model that was named."""
    return int(import_module(MODELS[args.model][0]).run(args))
