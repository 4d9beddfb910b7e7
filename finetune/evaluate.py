"""The reader's metrics, its threshold and its calibration: pure functions.

Exact match and F1 are SQuAD 2.0's (Rajpurkar et al. 2018): lower case, punctuation and a/an/the stripped, white space
collapsed; the best over the gold answers; a question without an answer counts 1 only for an empty prediction.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from finetune.data import Example

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def normalise(text: str) -> str:
    """What is left of an answer before it is compared."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact(prediction: str, golds: Sequence[str]) -> float:
    """1.0 when the prediction is one of the gold answers (no gold answers: when it is empty), else 0.0."""
    return max(float(normalise(prediction) == normalise(gold)) for gold in (golds or ("",)))


def f1(prediction: str, golds: Sequence[str]) -> float:
    """The best overlap of words with a gold answer, 0 to 1."""
    return max(_f1(normalise(prediction).split(), normalise(gold).split()) for gold in (golds or ("",)))


def _f1(predicted: list[str], gold: list[str]) -> float:
    if not predicted or not gold:
        return float(predicted == gold)
    common = sum((Counter(predicted) & Counter(gold)).values())
    return 2 * common / (len(predicted) + len(gold))


@dataclass(frozen=True, slots=True)
class Prediction:
    """The reader's best span for an example, whether or not it is sure. `margin` is in logits, against "no answer"."""

    text: str
    margin: float


@dataclass(frozen=True, slots=True)
class Scores:
    """Shares from 0 to 100. `answerable_f1` is over the questions with an answer, `refused` over those without.

    `forced_exact` and `forced_f1` are over those with an answer too, but where it may not refuse.
    """

    questions: int
    exact: float
    f1: float
    answerable_f1: float
    refused: float
    forced_exact: float = 0.0
    forced_f1: float = 0.0

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 2) for name, value in asdict(self).items()}


def score(examples: Sequence[Example], predictions: Sequence[Prediction], threshold: float) -> Scores:
    """The metrics when every prediction whose margin is not above the threshold counts as "no answer"."""
    texts = [each.text if each.margin > threshold else "" for each in predictions]
    golds = [[gold.text for gold in example.answers] for example in examples]
    matches = [exact(text, gold) for text, gold in zip(texts, golds, strict=True)]
    overlaps = [f1(text, gold) for text, gold in zip(texts, golds, strict=True)]
    answerable = [overlap for overlap, gold in zip(overlaps, golds, strict=True) if gold]
    others = [overlap for overlap, gold in zip(overlaps, golds, strict=True) if not gold]
    pairs = [(each.text, gold) for each, gold in zip(predictions, golds, strict=True) if gold]
    forced = _share([exact(*pair) for pair in pairs]), _share([f1(*pair) for pair in pairs])
    return Scores(len(texts), _share(matches), _share(overlaps), _share(answerable), _share(others), *forced)


def _share(values: Sequence[float]) -> float:
    return 100 * sum(values) / len(values) if values else 0.0


def best_threshold(examples: Sequence[Example], predictions: Sequence[Prediction]) -> float:
    """The margin above which to answer, so that F1 is highest; half-way between two predictions' margins."""
    order = sorted(range(len(predictions)), key=lambda at: -predictions[at].margin)
    total = float(sum(not example.answers for example in examples))  # nothing is answered: all refusals are right
    best, threshold = total, predictions[order[0]].margin + 1.0
    for rank, at in enumerate(order):
        golds = [gold.text for gold in examples[at].answers]
        total += f1(predictions[at].text, golds) if golds else -1.0
        below = predictions[order[rank + 1]].margin if rank + 1 < len(order) else predictions[at].margin - 1.0
        if total > best and below < predictions[at].margin:  # like margins are answered all or none
            middle = (predictions[at].margin + below) / 2
            best, threshold = total, middle if middle < predictions[at].margin else below
    return threshold


def right(examples: Sequence[Example], predictions: Sequence[Prediction]) -> NDArray[np.bool_]:
    """Which spans answer their question: at least half of the words agree with an answer that a person gave."""
    pairs = zip(examples, predictions, strict=True)
    return np.array([bool(e.answers) and f1(p.text, [gold.text for gold in e.answers]) >= 0.5 for e, p in pairs])


def calibrate(margins: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[float, float]:
    """(temperature, bias) of Platt's sigmoid 1 / (1 + exp(-(margin - bias) / temperature)), by Newton's method.

    Labels are smoothed as in Platt (1999), so that a perfect separation does not run away.
    """
    positive, negative = int(labels.sum()), int((~labels).sum())
    wanted = np.where(labels, (positive + 1) / (positive + 2), 1 / (negative + 2))
    slope, offset = 0.1, 0.0
    for _ in range(100):
        guess = 1 / (1 + np.exp(-np.clip(slope * margins + offset, -30, 30)))
        weight = guess * (1 - guess) + 1e-9
        gradient = np.array([((guess - wanted) * margins).sum(), (guess - wanted).sum()])
        mixed = (weight * margins).sum()
        hessian = np.array([[(weight * margins**2).sum(), mixed], [mixed, weight.sum()]])
        step = np.linalg.solve(hessian + 1e-6 * np.eye(2), gradient)
        step *= min(1.0, 1.0 / (np.abs(step).max() + 1e-12))
        slope, offset = slope - step[0], offset - step[1]
        if np.abs(step).max() < 1e-9:
            break
    slope = max(float(slope), 1e-3)
    return 1 / slope, -float(offset) / slope


def calibration_error(probabilities: NDArray[np.float64], labels: NDArray[np.bool_], bins: int = 10) -> float:
    """Expected calibration error, 0 to 1 (Guo et al. 2017): the mean gap of confidence and accuracy over equal bins."""
    gaps = 0.0
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    for place in range(bins):
        inside = places == place
        if inside.any():
            gaps += inside.mean() * abs(probabilities[inside].mean() - labels[inside].mean())
    return float(gaps)
