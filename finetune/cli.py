"""`frontdesk train reader`: fine-tune the reader on a SQuAD-format file, and write it with its card."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.engines import devices
from bot.engines.spans import probability
from channels import terminal
from finetune import artefact, cloze, data, evaluate
from finetune.data import DataError, Example
from finetune.evaluate import Prediction
from finetune.hardware import hardware
from finetune.reader import MODULES, SHORT_WORDS, Recipe, Training, device_for, margins, predict
from finetune.texts import Text, read_texts


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train reader`."""
    default = Recipe()
    add = parser.add_argument
    add(
        "--data",
        type=Path,
        required=True,
        metavar="PATH",
        help="a SQuAD-format file, or a folder with train.json, dev.json",
    )
    add("--dev", type=Path, metavar="FILE", help="a file that only reports (default: dev.json in the folder)")
    add("--dev-share", type=float, default=0.1, metavar="S", help="share held out, by article, to choose on")
    add("--out", type=Path, metavar="DIR", help="where to write it (default: HOME/models/reader)")
    add("--base", type=Path, metavar="DIR", help="the BERT body (default: the weights 'encoder')")
    add("--device", choices=["auto", "cuda", "cpu"], default=None, help="default: the setting 'device'")
    add("--threads", type=int, default=0, metavar="N", help="threads to train with (0: one per core)")
    add("--fresh", action="store_true", help="start anew, even where a checkpoint lies in the output folder")
    add("--source", default="not said", help="what the card says of the data")
    add(
        "--pretrain",
        type=Path,
        nargs="+",
        default=[],
        metavar="TEXTS",
        help="documents, JSON or JSON lines to make questions from, to learn on before those of --data",
    )
    add("--pretrain-source", default="not said", metavar="TEXT", help="what the card says of those texts")
    add = parser.add_argument_group("recipe").add_argument
    add("--method", choices=["lora", "full"], default=default.method, help="an adapter, or the whole model")
    add("--rank", type=int, default=default.rank, help="LoRA's rank")
    add("--modules", choices=sorted(MODULES), default=default.modules, help="which layers LoRA adapts")
    add("--epochs", type=int, default=default.epochs, help="passes over whole passages")
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
    add("--rate", type=float, default=None, help="learning rate (default: 1e-3 for lora, 1e-4 for full)")
    add("--batch", type=int, default=default.batch)
    add("--dropout", type=float, default=default.dropout, help="LoRA's dropout")
    add("--max-length", type=int, default=default.max_length, help="tokens of a window")
    add("--stride", type=int, default=default.stride, help="tokens that neighbouring windows share")
    add("--negatives", type=float, default=0.0, metavar="S", help="wrong passages to add, as a share of the answerable")
    add("--patience", type=int, default=default.patience, help="epochs without progress before it stops")
    add("--seed", type=int, default=default.seed)
    add("--bf16", action="store_true", help="compute in bf16 on a CPU too; for CPUs with AVX512-BF16 or AMX")


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
    devices.calm_threads()
    import torch

    recipe = recipe_of(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    parts = _parts(args, recipe)
    out = args.out or args.settings.home / "models" / "reader"
    base = args.base or _weights(args.settings)
    device = device_for(args.device or args.settings.device)
    texts = read_texts(args.pretrain) if args.pretrain else []
    sets = _made(recipe, parts.train, texts, base)
    terminal.say(
        f"on {device}: {len(parts.train)} questions to learn from (and {len(parts.made)} made), "
        f"{len(parts.held)} to choose on, {len(parts.dev)} to report on"
        + (f"; {sum(map(len, sets))} made from {len(texts)} texts and their passages to begin with" if sets else "")
    )
    training = Training(base, [*parts.train, *parts.made], parts.held, recipe=recipe, out=out, device=device, made=sets)
    if not args.fresh and training.resume():
        terminal.say(f"taken up again after step {training.step}")
    begun = time.monotonic()
    with terminal.progress("training", total=training.total) as advance:
        training.run(advance, terminal.say)
    made_from = {"questions": sum(map(len, sets)), "texts": len(texts), "source": args.pretrain_source}
    metrics = finish(
        training,
        base,
        parts,
        source=args.source,
        seconds=training.seconds + time.monotonic() - begun,
        made_from=made_from if sets else None,
    )
    (out / "checkpoint.pt").unlink(missing_ok=True)
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
    seconds: float,
    made_from: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the weights, evaluate them as they were written, and write settings, metrics and card."""
    recipe, out = training.recipe, training.out
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
        "seconds": round(seconds, 1),
        "hardware": hardware(training.device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    chosen = {"calibration": report["calibration"], "threshold": report["threshold"]}
    artefact.write_settings(out, recipe, version=version, **chosen)
    artefact.write_metrics(out, metrics)
    curve = artefact.write_curve(out, training.history)
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
    train, held = data.split(data.read(file), args.dev_share, args.seed)
    if not held:
        raise DataError("nothing is held out to choose on: give --dev-share above 0")
    dev_file = args.dev or data.find(args.data, "dev")
    return Parts(
        train, data.negatives(train, recipe.negatives, recipe.seed), held, data.read(dev_file) if dev_file else []
    )


def recipe_of(args: argparse.Namespace) -> Recipe:
    """What the options ask for. Raises DataError for one that makes no sense."""
    if min(args.rank, args.epochs, args.batch) < 1 or not 0 <= args.dev_share < 1:
        raise DataError("--rank, --epochs and --batch are at least 1, --dev-share is between 0 and 1")
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


def _weights(settings: Any) -> Path:
    from bot.engines.weights import Weights

    return Weights(settings).path("encoder")


def _report(base: Path, out: Path, recipe: Recipe, held: list[Example], dev: list[Example]) -> dict[str, Any]:
    """Scores of the files as written; threshold and calibration from the held-out part alone."""
    model, tokenizer = artefact.load(base, out)
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
