"""`frontdesk train reader`: fine-tune the reader on a SQuAD-format file, and write it with its card."""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from bot.engines import devices
from bot.engines.spans import probability
from channels import terminal
from finetune import artefact, data, evaluate
from finetune.data import DataError, Example
from finetune.evaluate import Prediction
from finetune.reader import MODULES, Recipe, Training, device_for, margins, predict


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train`."""
    default = Recipe()
    add = parser.add_argument
    add("model", choices=["reader"], help="what to train: the extractive reader")
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
    add = parser.add_argument_group("recipe").add_argument
    add("--method", choices=["lora", "full"], default=default.method, help="an adapter, or the whole model")
    add("--rank", type=int, default=default.rank, help="LoRA's rank")
    add("--modules", choices=sorted(MODULES), default=default.modules, help="which layers LoRA adapts")
    add("--epochs", type=int, default=default.epochs)
    add(
        "--short",
        type=int,
        default=default.short,
        metavar="N",
        help="first N passes over a few sentences of each passage",
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

    recipe = _recipe(args)
    if args.threads:
        torch.set_num_threads(args.threads)
    parts = _parts(args, recipe)
    out = args.out or args.settings.home / "models" / "reader"
    base = args.base or _weights(args.settings)
    device = device_for(args.device or args.settings.device)
    terminal.say(
        f"on {device}: {len(parts.train)} questions to learn from (and {len(parts.made)} made), "
        f"{len(parts.held)} to choose on, {len(parts.dev)} to report on"
    )
    training = Training(base, [*parts.train, *parts.made], parts.held, recipe=recipe, out=out, device=device)
    if not args.fresh and training.resume():
        terminal.say(f"taken up again after step {training.step}")
    begun = time.monotonic()
    with terminal.progress("training", total=training.total) as advance:
        training.run(advance, terminal.say)
    metrics = finish(training, base, parts, source=args.source, seconds=time.monotonic() - begun)
    (out / "checkpoint.pt").unlink(missing_ok=True)
    for part, scores in metrics["scores"].items():
        terminal.say(f"{part}: EM {scores['exact']}, F1 {scores['f1']} on {scores['questions']} questions")
    terminal.say(f"written to {out}")
    if args.json:
        terminal.emit({"out": str(out), **metrics})
    return 0


def finish(training: Training, base: Path, parts: Parts, *, source: str, seconds: float) -> dict[str, Any]:
    """Write the weights, evaluate them as they were written, and write settings, metrics and card."""
    recipe, out = training.recipe, training.out
    version = artefact.write_weights(training.model, training.tokenizer, recipe, out)
    report = _report(base, out, recipe, parts.held, parts.dev)
    metrics = {
        "version": version,
        "scores": report["scores"],
        "calibration_error": report["error"],
        "questions": parts.counts(),
        "epochs": [{**asdict(epoch), "held_out": epoch.held_out.as_dict()} for epoch in training.history],
        "recipe": asdict(recipe),
        "seconds": round(seconds, 1),
    }
    chosen = {"calibration": report["calibration"], "threshold": report["threshold"]}
    artefact.write_settings(out, recipe, version=version, **chosen)
    artefact.write_metrics(out, metrics)
    curve = artefact.write_curve(out, training.history)
    artefact.write_card(out, recipe, metrics, data=source, curve=curve)
    return metrics


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


def _recipe(args: argparse.Namespace) -> Recipe:
    if min(args.rank, args.epochs, args.batch) < 1 or not 0 <= args.dev_share < 1:
        raise DataError("--rank, --epochs and --batch are at least 1, --dev-share is between 0 and 1")
    if args.stride >= args.max_length - 80:
        raise DataError("--stride must leave room for new tokens: at most --max-length less 80")
    return Recipe(**{field.name: getattr(args, field.name) for field in fields(Recipe) if hasattr(args, field.name)})


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
