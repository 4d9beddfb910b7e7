"""`frontdesk train reader`: fine-tune the reader on a SQuAD-format file, and write it with its card."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.engines.spans import probability
from channels import terminal
from finetune import artefact, cloze, data, evaluate, options
from finetune.data import DataError, Example
from finetune.evaluate import Prediction
from finetune.hardware import hardware, peak_memory
from finetune.methods import METHODS, MODULES
from finetune.reader import SHORT_WORDS, Recipe, Training, margins, predict
from finetune.texts import Text, read_texts
from finetune.training import forget, trained, write_curve, write_metrics


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train reader`."""
    default = Recipe()
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help="a SQuAD-format file, or a folder with train.json, validation.json, dev.json",
    )
    add("--choose", type=Path, metavar="FILE", help="questions to choose on (default: validation.json, else a share)")
    add("--dev", type=Path, metavar="FILE", help="a file that only reports (default: dev.json in the folder)")
    add("--dev-share", type=float, default=0.1, metavar="S", help="share of --data held out, by article, to choose on")
    options.common(parser, name="reader", base="the BERT body")
    add(
        "--pretrain",
        type=Path,
        nargs="+",
        default=[],
        metavar="TEXTS",
        help="documents, JSON or JSON lines to make questions from, to learn on before those of --data",
    )
    add("--pretrain-source", default="not said", metavar="TEXT", help="what the card says of those texts")
    group = parser.add_argument_group("recipe")
    options.recipe(
        group,
        default,
        epochs="passes over whole passages",
        rate=f"learning rate (default: {', '.join(f'{each.rate:g} for {name}' for name, each in METHODS.items())})",
        batch="windows a step",
    )
    add = group.add_argument
    add("--method", choices=list(METHODS), default=default.method, help="what learns: the whole model or an addition")
    add("--rank", type=int, default=default.rank, help="LoRA's rank, AdaLoRA's on average")
    add("--modules", choices=sorted(MODULES), default=default.modules, help="which layers LoRA and AdaLoRA adapt")
    add("--tokens", type=int, default=default.tokens, metavar="N", help="virtual tokens of a prefix or prompt")
    add("--width", type=int, default=default.width, metavar="N", help="width of the bottleneck adapters")
    add("--cloze", type=int, default=4, metavar="N", help="passes over made questions, with --pretrain")
    add(
        "--cloze-size", type=int, default=default.cloze_size, metavar="N", help="made questions a pass, always new ones"
    )
    add("--cloze-mix", type=float, default=0.0, metavar="S", help="made questions beside each real one in short passes")
    add(
        "--short",
        type=int,
        default=default.short,
        metavar="N",
        help="first N passes over a few sentences of each passage",
    )
    add(
        "--unanswerable",
        type=float,
        default=default.unanswerable,
        metavar="S",
        help="share of the questions without an answer that the first passes take",
    )
    add("--cooldown", type=float, default=default.cooldown, metavar="S", help="share of all steps with a falling rate")
    add(
        "--average",
        type=float,
        default=default.average,
        metavar="S",
        help="share of averaged weights that a step keeps",
    )
    add("--dropout", type=float, default=default.dropout, help="LoRA's dropout")
    add("--max-length", type=int, default=default.max_length, help="tokens of a window")
    add("--stride", type=int, default=default.stride, help="tokens that neighbouring windows share")
    add("--negatives", type=float, default=0.0, metavar="S", help="wrong passages to add, as a share of the answerable")
    add("--patience", type=int, default=default.patience, help="epochs without progress before it stops")


@dataclass(frozen=True, slots=True)
class Parts:
    """The questions: to learn from, made from those, to choose on, and to report on."""

    train: list[Example]
    made: list[Example]
    held: list[Example]
    dev: list[Example]

    def counts(self) -> dict[str, int]:
        return {"train": len(self.train), "made": len(self.made), "held_out": len(self.held), "dev": len(self.dev)}


def run(args: argparse.Namespace) -> int:
    """Train, evaluate what was written, and print its scores."""
    recipe = recipe_of(args)
    parts = _parts(args, recipe)
    out, base, device = options.out_of(args, "reader"), options.base_of(args), options.begin(args)
    texts = read_texts(args.pretrain) if args.pretrain else []
    sets = _made(recipe, parts.train, texts, base)
    terminal.say(
        f"on {device}: {len(parts.train)} questions to learn from (and {len(parts.made)} made), "
        f"{len(parts.held)} to choose on, {len(parts.dev)} to report on"
        + (f"; {sum(map(len, sets))} made from {len(texts)} texts and their passages to begin with" if sets else "")
    )
    training = Training(base, [*parts.train, *parts.made], parts.held, recipe=recipe, out=out, device=device, made=sets)
    options.go(training, fresh=args.fresh, bar=terminal.progress, say=terminal.say)
    made_from = {"questions": sum(map(len, sets)), "texts": len(texts), "source": args.pretrain_source}
    metrics = finish(
        training,
        base,
        parts,
        source=args.source,
        spent=training.clock.spent(),
        made_from=made_from if sets else None,
    )
    forget(out)
    for part, scores in metrics["scores"].items():
        terminal.say(f"{part}: EM {scores['exact']}, F1 {scores['f1']} on {scores['questions']} questions")
    terminal.say(f"written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


def finish(
    training: Training,
    base: Path,
    parts: Parts,
    *,
    source: str,
    spent: tuple[float, float],
    made_from: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the weights, evaluate them as they were written, and write settings, metrics and card."""
    recipe, out = training.recipe, training.out
    learned = sum(value.numel() for value in trained(training.model).values())
    version = artefact.write_weights(training.model, recipe, out)
    report = _report(base, out, recipe, parts.held, parts.dev)
    metrics = {
        "version": version,
        "scores": report["scores"],
        "calibration_error": report["error"],
        "questions": parts.counts(),
        "epochs": [{**asdict(epoch), "held_out": epoch.held_out.as_dict()} for epoch in training.history],
        "recipe": asdict(recipe),
        "made_from": made_from,
        "seconds": round(spent[0], 1),
        "processor_seconds": round(spent[1], 1),
        "learned": learned,
        "memory_mib": round(peak_memory(training.device)),
        "hardware": hardware(training.device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    chosen = {"calibration": report["calibration"], "threshold": report["threshold"]}
    artefact.write_settings(out, recipe, version=version, **chosen)
    write_metrics(out, metrics)
    losses, marks = [epoch.loss for epoch in training.history], [epoch.held_out.f1 for epoch in training.history]
    curve = write_curve(out, losses, marks, label="held-out F1", axis="F1 (0 to 100)")
    artefact.write_card(out, recipe, metrics, data=source, curve=curve)
    return metrics


def _made(recipe: Recipe, train: list[Example], texts: list[Text], base: Path) -> list[list[Example]]:
    """The cloze questions of every pass that takes some."""
    if not texts:
        return []
    mixed = round(recipe.cloze_mix * len(train))
    sizes = [recipe.cloze_size] * recipe.cloze + ([mixed] * recipe.short if mixed else [])
    return cloze.made_sets(train, texts, base, sizes, seed=recipe.seed, words=SHORT_WORDS + 5)


def _parts(args: argparse.Namespace, recipe: Recipe) -> Parts:
    file = data.find(args.data, "train")
    if file is None:
        raise DataError(f"{args.data} is neither a SQuAD-format file nor a folder with train.json")
    choose_file = args.choose or data.find(args.data, "validation")
    train, held = data.read(file), data.read(choose_file) if choose_file else []
    if not choose_file:
        train, held = data.split(train, args.dev_share, args.seed)
    if not held:
        raise DataError("nothing is held out to choose on: give --dev-share above 0")
    dev_file = args.dev or data.find(args.data, "dev")
    return Parts(
        train, data.negatives(train, recipe.negatives, recipe.seed), held, data.read(dev_file) if dev_file else []
    )


def recipe_of(args: argparse.Namespace) -> Recipe:
    """What the options ask for. Raises DataError for one that makes no sense."""
    if min(args.rank, args.tokens, args.width, args.epochs, args.batch) < 1 or not 0 <= args.dev_share < 1:
        raise DataError(
            "--rank, --tokens, --width, --epochs and --batch are at least 1, --dev-share is between 0 and 1"
        )
    if min(args.short, args.cloze, args.cloze_size) < 0 or min(args.cooldown, args.cloze_mix, args.unanswerable) < 0:
        raise DataError("numbers of passes and shares are not negative")
    if not 0 <= args.average < 1:
        raise DataError("--average is from 0 to below 1")
    if args.cloze_mix and not args.pretrain:
        raise DataError("--cloze-mix needs texts to make questions from: give --pretrain")
    if args.stride >= args.max_length - 80:
        raise DataError("--stride must leave room for new tokens: at most --max-length less 80")
    given = {field.name: getattr(args, field.name) for field in fields(Recipe) if hasattr(args, field.name)}
    return Recipe(**given if args.pretrain else {**given, "cloze": 0})


def _report(base: Path, out: Path, recipe: Recipe, held: list[Example], dev: list[Example]) -> dict[str, Any]:
    """Scores of the files as written; threshold and calibration from the held-out part alone."""
    model, tokenizer = artefact.load(base, out, recipe)
    chosen = predict(model, tokenizer, held, recipe, device="cpu")
    threshold = evaluate.best_threshold(held, chosen)
    calibration = evaluate.calibrate(margins(chosen), evaluate.right(held, chosen))
    parts = {"held_out": (held, chosen)}
    if dev:
        parts["dev"] = (dev, predict(model, tokenizer, dev, recipe, device="cpu"))
    return {
        "threshold": probability(threshold, *calibration),
        "calibration": calibration,
        "scores": {part: evaluate.score(*pair, threshold).as_dict() for part, pair in parts.items()},
        "error": {part: _error(*pair, calibration) for part, pair in parts.items()},
    }


def _error(examples: list[Example], predictions: list[Prediction], calibration: tuple[float, float]) -> float:
    import numpy as np

    sure = np.array([probability(margin, *calibration) for margin in margins(predictions)])
    return round(evaluate.calibration_error(sure, evaluate.right(examples, predictions)), 4)
