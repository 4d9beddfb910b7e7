"""`frontdesk train intents`: sentences with their intents to a classifier that knows what it does not know."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.engines.classifier import OUT_OF_SCOPE
from channels import terminal
from finetune import head_artefact as artefact
from finetune import options
from finetune.body import Body, HeadTraining, Recipe
from finetune.data import DataError
from finetune.hardware import hardware
from finetune.intents import SCALE, IntentHead, outcome, threshold
from finetune.intents_data import Sentence, few, read, split
from finetune.training import forget, write_curve, write_metrics

LOST = {True: 0.01, False: 0.005}
"""What finding sentences out of scope may cost, where there are some and where there are none to find."""
AGAIN = 3_000
"""With at most so many sentences, those held out to choose on are learnt from too, in a second run."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train intents`."""
    default = Recipe()
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV text,category, CLINC150's JSON, or a bot's nlu.yml (or a folder of them)",
    )
    add("--few", type=int, default=0, metavar="N", help="learn from N sentences an intent only (0: all)")
    add("--dev-share", type=float, default=0.1, metavar="S", help="share of each intent held out to choose on")
    add(
        "--lost",
        type=float,
        default=None,
        metavar="S",
        help="share of what would be told rightly that may count as out of scope: more of it finds more that is "
        f"(default: {LOST[True]} where --data marks such sentences, else {LOST[False]})",
    )
    options.common(parser, name="intents", base="the encoder to build on")
    group = parser.add_argument_group("recipe")
    artefact.recipe_options(group, default)


def run(args: argparse.Namespace) -> int:
    """Train, choose the threshold on what was held out, and print how good it is there."""
    device = options.begin(args)
    recipe = artefact.recipe_of(args)
    if not 0 <= (args.lost or 0) < 1 or not 0 < args.dev_share < 1 or args.few < 0:
        raise DataError("--lost is from 0 to below 1, --dev-share between 0 and 1, --few not negative")
    sentences = read(args.data)
    if args.few:
        sentences = few(sentences, args.few, args.seed)
    if len({each.intent for each in sentences} - {OUT_OF_SCOPE}) < 2:
        raise DataError(f"{args.data} needs sentences of at least two intents")
    lost = args.lost if args.lost is not None else LOST[any(each.intent == OUT_OF_SCOPE for each in sentences)]
    base, out = options.base_of(args), options.out_of(args, "intents")
    train, held = split(sentences, args.dev_share, args.seed)
    terminal.say(f"on {device}: {len(train)} sentences to learn from, {len(held)} to choose on")
    training, head = _trained(args, recipe, [*train, *held], len(train), out)
    scores = head.scores(head.held)
    chosen = threshold(scores, [head.wanted[row] for row in head.held], lost)
    figures = outcome(scores, [head.wanted[row] for row in head.held], chosen)
    seconds = sum(epoch.seconds for epoch in training.history)
    if len(sentences) <= AGAIN:
        terminal.say("few sentences: those held out are learnt from too, in a second run")
        with tempfile.TemporaryDirectory(dir=out) as second:
            again = replace(recipe, epochs=training.epochs)
            training_2, head = _trained(args, again, sentences, len(sentences), Path(second))
        seconds += sum(epoch.seconds for epoch in training_2.history)
        body = training_2.body
    else:
        body = training.body
    version = artefact.write_weights({**body.trained(), **head.weights()}, out)
    artefact.write_settings(
        out / "intents.json", base, version, head.labels, recipe, scale=SCALE, threshold=round(chosen, 4)
    )
    metrics = {
        "version": version,
        "held_out": figures,
        "sentences": {"train": len(train), "held_out": len(held), "again": len(sentences) <= AGAIN},
        "intents": len(head.labels),
        "lost": lost,
        "epochs": [asdict(epoch) for epoch in training.history],
        "recipe": asdict(recipe),
        "seconds": round(seconds, 1),
        "hardware": hardware(device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    write_metrics(out, metrics)
    curve = write_curve(
        out,
        [epoch.loss for epoch in training.history],
        [epoch.mark for epoch in training.history],
        label="held-out accuracy",
        axis="accuracy, no threshold (0 to 100)",
    )
    artefact.write_card(out, _card(metrics, args.source), metrics, curve=curve)
    forget(out)
    terminal.say(f"held out: {', '.join(f'{name} {value}' for name, value in figures.items())}")
    terminal.say(f"written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


def _trained(
    args: argparse.Namespace, recipe: Recipe, sentences: list[Sentence], learnt: int, out: Path
) -> tuple[HeadTraining, IntentHead]:
    """Learn from the first `learnt` sentences; the others are held out."""
    body = Body(options.base_of(args), recipe, options.begin(args))
    encodings = body.tokenizer.encode_batch([sentence.text for sentence in sentences])
    with terminal.progress("reading", total=len(encodings)) as advance:
        body.keep(encodings, advance)
    head = IntentHead(body, sentences, range(learnt, len(sentences)))
    told = {"labels": list(head.labels), "digest": artefact.digest([*(f"{s.intent}\t{s.text}" for s in sentences)])}
    training = HeadTraining(body, head, range(learnt), out=out, told=told)
    options.go(training, fresh=args.fresh, bar=terminal.progress, say=terminal.say)
    return training, head


CARD = """# Intents {version}

Tells which of {intents} intents a sentence has, or that it has none.

- **Data:** {source}: {train} sentences to learn from, {held} to choose the threshold on.
- **Use:** in the bot's models.toml an entry `[intents]` whose source is this folder (`kind = "local"`).

On the held-out part{again}: {figures}. These chose the threshold; judge with `frontdesk eval intents` on other data.
"""


def _card(metrics: dict[str, Any], source: str) -> str:
    parts = metrics["sentences"]
    return CARD.format(
        version=metrics["version"],
        intents=metrics["intents"],
        source=source,
        train=parts["train"],
        held=parts["held_out"],
        again=", before it was learnt from too" if parts["again"] else "",
        figures=", ".join(f"{name} {value}" for name, value in metrics["held_out"].items()),
    )
