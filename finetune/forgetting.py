"""Going on from a trained reader without forgetting: some old data in every pass, old and new measured twice.

Replaying a little of what was learned before is the simplest remedy for forgetting, and hard to beat (Robins 1995;
de Masson d'Autume et al. 2019, arXiv:1906.01076).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune import data
from finetune.data import DataError, Example
from finetune.evaluate import Scores, best_threshold, score
from finetune.reader import build, predict

if TYPE_CHECKING:
    from finetune.reader import Recipe, Training

MOST_LOST = 1.0
"""Points of F1 on the old questions that a run may lose."""
MEASURED = 400
"""At most so many old questions are measured."""


@dataclass(frozen=True, slots=True)
class Old:
    """What the reader that is gone on from knew: questions to replay, and others, of other articles, to measure on."""

    file: str
    replay: list[Example]
    measured: list[Example]


@dataclass(frozen=True, slots=True)
class Known:
    """Scores on one part before and after, each with the threshold that suits it best on that part."""

    before: Scores
    after: Scores

    @property
    def lost(self) -> float:
        """Points of F1 that were lost; negative where it was gained."""
        return self.before.f1 - self.after.f1

    def as_dict(self) -> dict[str, Any]:
        """For metrics.json."""
        return {"before": self.before.as_dict(), "after": self.after.as_dict()}


def old_of(file: Path, seed: int) -> Old:
    """Split the old data by article: nine in ten questions may be replayed, of the others at most 400 are measured."""
    replay, measured = data.split(data.read(file), 0.1, seed)
    return Old(file.name, replay, data.sample(measured, MEASURED, seed))


def before(base: Path, start: Path, parts: dict[str, list[Example]], recipe: Recipe, device: str) -> dict[str, Scores]:
    """The scores on every part of the reader that is gone on from."""
    model, tokenizer = build(base, recipe, start)
    return _scores(model.to(device), tokenizer, parts, recipe, device)


def known(training: Training, earlier: dict[str, Scores], parts: dict[str, list[Example]]) -> dict[str, Known]:
    """The same parts once more, by what was trained."""
    now = _scores(training.model, training.tokenizer, parts, training.recipe, training.device)
    return {part: Known(scores, now[part]) for part, scores in earlier.items()}


def refuse(found: Known, file: str) -> None:
    """Raise DataError when more than a point was lost on the old questions."""
    if found.lost > MOST_LOST:
        raise DataError(
            f"it forgot too much: F1 on the old questions of {file} fell by {found.lost:.1f} points, from "
            f"{found.before.f1:.1f} to {found.after.f1:.1f}, and nothing was written. Give a larger --replay-share, "
            "a lower --rate or fewer --epochs with --fresh; or the same command with --allow-forgetting"
        )


def _scores(
    model: Any, tokenizer: Any, parts: dict[str, list[Example]], recipe: Recipe, device: str
) -> dict[str, Scores]:
    return {name: _score(model, tokenizer, part, recipe, device) for name, part in parts.items() if part}


def _score(model: Any, tokenizer: Any, part: Sequence[Example], recipe: Recipe, device: str) -> Scores:
    found = predict(model, tokenizer, part, recipe, device=device)
    return score(part, found, best_threshold(part, found))
