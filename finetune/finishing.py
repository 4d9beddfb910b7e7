"""The end of a reader's training: weights, what they are worth as written, settings, metrics, curve and card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.engines.spans import probability
from finetune import artefact, evaluate, methods
from finetune.data import Example
from finetune.evaluate import Prediction
from finetune.hardware import hardware, peak_memory
from finetune.reader import Recipe, Training, margins, predict
from finetune.training import trained, write_curve, write_metrics


@dataclass(frozen=True, slots=True)
class Parts:
    """The questions: to learn from, made from those, to choose on, and to report on."""

    train: list[Example]
    made: list[Example]
    held: list[Example]
    dev: list[Example]

    def counts(self) -> dict[str, int]:
        return {"train": len(self.train), "made": len(self.made), "held_out": len(self.held), "dev": len(self.dev)}


def finish(
    training: Training,
    base: Path,
    parts: Parts,
    *,
    source: str,
    spent: tuple[float, float],
    made_from: Mapping[str, Any] | None = None,
    known: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write the weights, evaluate them as they were written, and write settings, metrics and card.

    `spent` are seconds on the wall and of the processor; `known` what was measured before and after, when the run went
    on from a trained reader: its weights hold both then, as those of a whole model do.
    """
    recipe, out = training.recipe, training.out
    learned = sum(value.numel() for value in trained(training.model).values())
    model, kept_as = training.model, recipe
    if training.start:
        model, kept_as = methods.merged(model), replace(recipe, method="full")
    version = artefact.write_weights(model, kept_as, out)
    report = _report(base, out, kept_as, parts.held, parts.dev)
    metrics = {
        "version": version,
        "scores": report["scores"],
        "calibration_error": report["error"],
        "questions": parts.counts(),
        "epochs": [{**asdict(epoch), "held_out": epoch.held_out.as_dict()} for epoch in training.history],
        "recipe": asdict(recipe),
        "made_from": made_from,
        "known": known,
        "seconds": round(spent[0], 1),
        "processor_seconds": round(spent[1], 1),
        "learned": learned,
        "memory_mib": round(peak_memory(training.device)),
        "hardware": hardware(training.device),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }
    chosen = {"calibration": report["calibration"], "threshold": report["threshold"]}
    artefact.write_settings(out, kept_as, version=version, **chosen)
    write_metrics(out, metrics)
    losses, marks = [epoch.loss for epoch in training.history], [epoch.held_out.f1 for epoch in training.history]
    curve = write_curve(out, losses, marks, label="held-out F1", axis="F1 (0 to 100)")
    artefact.write_card(out, recipe, metrics, data=source, curve=curve)
    return metrics


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
