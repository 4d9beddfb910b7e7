"""`frontdesk train check`: people's grounded replies, and false ones made of them, to a model that tells them apart."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bot.engines import check_model, devices
from channels import terminal
from finetune import check_artefact as artefact
from finetune import check_data as data
from finetune import check_fit, options
from finetune.artefact import write_weights
from finetune.check import Judge, Recipe, Training
from finetune.check_data import Parts, Reply
from finetune.check_report import ALARMS, REPORTED, Scores, least, scores, threshold_for
from finetune.data import DataError
from finetune.encoder_data import SHARES
from finetune.evaluate import calibration_error
from finetune.hardware import hardware
from finetune.reader import Recipe as ReaderRecipe
from finetune.texts import read_texts
from finetune.training import forget, write_curve, write_metrics


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train check`."""
    default = Recipe()
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="FILE",
        help='grounded turns in JSON lines: {"question", "passage", "reply"}',
    )
    add("--texts", type=Path, nargs="+", default=[], metavar="PATH", help="documents that lend sentences of their own")
    add("--shares", type=float, nargs=3, default=SHARES, metavar="S", help="passages to train, choose, report on")
    add(
        "--held-out",
        type=Path,
        metavar="FILE",
        help="train nothing: write the replies that only report, real and false, as 'frontdesk eval check' takes them",
    )
    options.common(parser, name="check", base="the body to build on")
    add("--start", type=Path, metavar="DIR", help="a reader (fully tuned) whose layers the body begins with")
    add(
        "--alarms",
        type=float,
        default=ALARMS,
        metavar="N",
        help="real replies in 100 that may be blocked: the threshold is chosen for so many",
    )
    add("--licence", default="not said", help="what the card says of the licence")
    group = parser.add_argument_group("recipe")
    options.recipe(
        group,
        default,
        epochs="passes over all real replies, with other false ones in each",
        rate="learning rate",
        batch="sentences",
    )
    add = group.add_argument
    add("--rank", type=int, default=default.rank, help="LoRA's")
    add("--frozen", type=int, default=default.frozen, metavar="N", help="layers that stay, counted from below")
    add("--each", type=int, default=default.each, metavar="N", help="false replies made of a real one in each pass")
    add("--own", type=int, default=default.own, metavar="N", help="texts that lend a sentence in each pass")


def run(args: argparse.Namespace) -> int:
    """Train, choose how to judge on what was held out, and print how good it is on what only reports."""
    recipe = _recipe(args)
    parts = data.read(args.data, args.seed, tuple(args.shares))
    if args.held_out:
        return _hold_out(parts, args)
    if not parts.choose:
        raise DataError("nothing is held out to choose on: give --shares with a second share above 0")
    texts = [each.text for each in read_texts(args.texts)] if args.texts else []
    out, body, device = options.out_of(args, "check"), options.base_of(args), options.begin(args)
    terminal.say(
        f"on {device}: {len(parts.train)} real replies to learn from, {len(parts.choose)} to choose on, "
        f"{len(parts.report)} to report on; {len(texts)} texts"
    )
    training = Training(body, args.start, parts, texts, recipe=recipe, out=out, device=device)
    options.go(training, fresh=args.fresh, bar=terminal.progress, say=terminal.say)
    metrics = finish(training, body, args.start, texts=len(texts), alarms=args.alarms)
    write_metrics(out, metrics)
    losses, marks = [each.loss for each in training.history], [each.chosen_on.mean for each in training.history]
    curve = write_curve(out, losses, marks, label="found, mean of the kinds", axis="in 100, at 5 false alarms")
    artefact.write_card(
        out, recipe, metrics, data=args.source, licence=args.licence, curve=curve, start=args.start is not None
    )
    forget(out)
    for name, told in metrics["scores"].items():
        kinds = ", ".join(f"{kind} {share}" for kind, share in told["recall"].items())
        terminal.say(f"{name}: found {kinds} at {told['false_alarms']} false alarms in 100")
    terminal.say(f"written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


def _hold_out(parts: Parts, args: argparse.Namespace) -> int:
    replies = data.with_false(parts.report or parts.choose, args.seed)
    args.held_out.parent.mkdir(parents=True, exist_ok=True)
    args.held_out.write_text(data.rows(replies), encoding="utf-8")
    real = sum(each.grounded for each in replies)
    terminal.say(f"{real} real and {len(replies) - real} false replies written to {args.held_out}")
    if args.json:
        terminal.emit({"out": str(args.held_out), "real": real, "false": len(replies) - real})
    return 0


def finish(training: Training, body: Path, start: Path | None, *, texts: int, alarms: float) -> dict[str, Any]:
    """Write the weights and how to judge with them, and measure them as they were written: the rules alone, the model
    alone, and both.
    """
    recipe, parts, out = training.recipe, training.parts, training.out
    version = write_weights(training.model, ReaderRecipe(method="lora"), out)
    model = check_model.load_model(body, start, out).to(training.device)
    judge = Judge(model, devices.tokenizer(body), recipe.max_length, training.device, bf16=False)
    chosen = data.with_false(parts.choose, recipe.seed)
    made = data.examples(chosen)
    shown, margins = check_fit.signs(made), judge.margins(made)
    fit = check_fit.fit(chosen, made, shown, margins, alarms)
    artefact.write_settings(out, recipe, version, fit, start)
    worst = least(len(chosen), made, check_fit.score(shown, margins))
    real = np.array([each.grounded for each in chosen])
    alone = threshold_for(least(len(chosen), made, margins)[real])
    levels = {f"both at {each:g}": threshold_for(worst[real], each) for each in sorted({*REPORTED, alarms})}
    held = data.with_false(parts.report, recipe.seed) if parts.report else chosen
    found, error = measured(held, judge, fit, alone, levels)
    return {
        "version": version,
        "scores": {how: each.as_dict() for how, each in found.items()},
        "alarms": alarms,
        "calibration_error": error,
        "replies": parts.counts(),
        "texts": texts,
        "layers": model.config.num_hidden_layers,
        "epochs": [{**asdict(epoch), "chosen_on": epoch.chosen_on.as_dict()} for epoch in training.history],
        "recipe": asdict(recipe),
        "seconds": round(sum(epoch.seconds for epoch in training.history), 1),
        "hardware": hardware(training.device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def measured(
    replies: Sequence[Reply], judge: Judge, fit: check_fit.Fit, alone: float, levels: Mapping[str, float]
) -> tuple[dict[str, Scores], float]:
    """What the rules, the model (at its own threshold `alone`) and both (at the thresholds `levels`) find, and the
    calibration error of both.
    """
    made = data.examples(replies)
    shown, margins = check_fit.signs(made), judge.margins(made)
    scored = check_fit.score(shown, margins)
    passed = np.array([1.0 if each.passed else -1.0 for each in shown])
    ways = {"rules": (passed, 0.0), "model": (margins, alone)}
    ways |= {name: (scored, at) for name, at in levels.items()}
    found = {how: scores(replies, least(len(replies), made, each), at) for how, (each, at) in ways.items()}
    left = np.isfinite(scored)
    grounded = np.array([each.grounded for each in made])
    sure = 1 / (1 + np.exp(-np.clip((scored[left] - fit.bias) / fit.temperature, -60, 60)))
    return found, round(calibration_error(sure, grounded[left]), 3)


def _recipe(args: argparse.Namespace) -> Recipe:
    if min(args.epochs, args.batch, args.rank) < 1 or min(args.frozen, args.each, args.own) < 0:
        raise DataError("--epochs, --batch and --rank are at least 1, --frozen, --each and --own not negative")
    if not 0 < args.alarms < 100:
        raise DataError("--alarms is above 0 and below 100")
    if min(args.shares) < 0 or abs(sum(args.shares) - 1) > 1e-6:
        raise DataError("--shares are three shares that make 1")
    return Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe) if hasattr(args, field.name)})
