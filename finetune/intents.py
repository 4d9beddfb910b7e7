"""Train intents: the body's upper layers and a direction in its space for every intent, and one for none of them.

A sentence's vector is held against the directions by cosine, as the untuned encoder's would be against the mean of each
intent's sentences, which is where the directions begin: so ten sentences an intent are enough to start from. For "none
of them" there is a direction too where there are sentences that are marked so; what decides in any case is a threshold
for the probability of the best intent (Hendrycks and Gimpel 2017, arXiv:1610.02136).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bot.engines.classifier import OUT_OF_SCOPE, probabilities
from finetune.body import Body, HeadTraining
from finetune.intents_data import Sentence

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

SCALE = 20.0
"""1 / temperature of the cosines."""
NEVER = -1e4
"""The bias of "none of them" where no sentence is: it has no probability then, and learns nothing."""


class IntentHead:
    """Directions [intents + 1, wide] and a bias each; the last is "none of them"."""

    def __init__(self, body: Body, sentences: Sequence[Sentence], held: Sequence[int]) -> None:
        """`sentences` are those that `body` keeps, by number; those in `held` are only judged."""
        import torch

        self.labels = tuple(sorted({each.intent for each in sentences} - {OUT_OF_SCOPE}))
        numbers = {label: at for at, label in enumerate(self.labels)}
        self.wanted = [numbers.get(each.intent, len(self.labels)) for each in sentences]
        self.held = list(held)
        self._body = body
        hidden = set(held)
        learnt = [at for at in range(len(sentences)) if at not in hidden]
        vectors = torch.from_numpy(self.vectors(learnt))
        start = torch.zeros(len(self.labels) + 1, body.width)
        start.index_add_(0, torch.tensor([self.wanted[at] for at in learnt]), vectors)
        start[-1] = 0
        self.directions = torch.nn.Parameter(torch.nn.functional.normalize(start, dim=1).to(body.device))
        bias = torch.zeros(len(start), device=body.device)
        bias[-1] = 0.0 if len(self.labels) in self.wanted else NEVER
        self.bias = torch.nn.Parameter(bias)

    def weights(self) -> dict[str, torch.nn.Parameter]:
        return {"head.weight": self.directions, "head.bias": self.bias}

    def loss(self, states: torch.Tensor, mask: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """Cross-entropy of the sentences."""
        import torch

        logits = self.logits(pooled(states, mask))
        wanted = torch.tensor([self.wanted[row] for row in rows], device=logits.device)
        return torch.nn.functional.cross_entropy(logits, wanted)

    def logits(self, vectors: torch.Tensor) -> torch.Tensor:
        """[texts, intents + 1]. "None of them" has no length of its own to keep: it may grow as it needs."""
        import torch

        known = torch.nn.functional.normalize(self.directions[:-1], dim=1)
        every = torch.cat([known, self.directions[-1:]])
        return SCALE * vectors @ every.T + self.bias

    def mark(self, run: HeadTraining) -> float:
        """Accuracy on the held-out sentences that have an intent, without a threshold."""
        rows = [row for row in self.held if self.wanted[row] < len(self.labels)]
        if not rows:
            return float("nan")
        found = self.scores(rows)[:, :-1].argmax(1)
        return 100 * float(np.mean(found == np.array([self.wanted[row] for row in rows])))

    def vectors(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Without gradients, in the rows' order."""
        import torch

        self._body.layers.eval()
        found = np.zeros((len(rows), self._body.width), np.float32)
        places = {row: at for at, row in enumerate(rows)}
        with torch.inference_mode():
            for batch in self._body.batches(rows):
                found[[places[row] for row in batch]] = pooled(*self._body.above(batch)).cpu().numpy()
        return found

    def scores(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """Logits [rows, intents + 1]."""
        import torch

        with torch.inference_mode():
            vectors = torch.from_numpy(self.vectors(rows)).to(self._body.device)
            found: NDArray[np.float32] = self.logits(vectors).cpu().numpy()
        return found


def pooled(states: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean over the tokens, length 1: float32 [texts, wide]."""
    import torch

    return torch.nn.functional.normalize((states * mask.unsqueeze(-1)).sum(1), dim=1)


def threshold(logits: NDArray[np.float32], wanted: Sequence[int], lost: float) -> float:
    """The probability of the best intent below which a sentence counts as out of scope.

    So high that of the sentences that would be told rightly a share of `lost` falls below it; where they are too few to
    lose one, the least of their probabilities stands for one and is lowered in proportion. 0 when none was right.
    """
    found = probabilities(logits)
    right = np.sort(found.max(1)[found.argmax(1) == np.asarray(wanted)])
    if not len(right):
        return 0.0
    return float(right[int(lost * len(right))] * min(1.0, lost * len(right)))


def outcome(logits: NDArray[np.float32], wanted: Sequence[int], least: float) -> dict[str, float]:
    """Accuracy over all, over those with an intent, and the share of those without that are told so, 0 to 100."""
    shares = probabilities(logits)
    none = shares.shape[1]
    found = np.where(shares.max(1) >= least, shares.argmax(1), none)
    gold = np.asarray(wanted)
    parts = {"accuracy": gold >= 0, "in_scope_accuracy": gold < none, "oos_recall": gold == none}
    return {
        name: round(100 * float((found[part] == gold[part]).mean()), 2) for name, part in parts.items() if part.any()
    }
