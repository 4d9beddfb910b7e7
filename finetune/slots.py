"""Train slots: which words of a message fill one, told for every word (`bot.engines.tagger`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.engines.base import Tagged
from bot.engines.tagger import encode, spans, words
from finetune.body import Body, HeadTraining
from finetune.slots_data import Mark, Message

if TYPE_CHECKING:
    import torch

NOT_JUDGED = -100
"""A token that no loss is taken of: special ones, pieces behind a word's first, the asked slot's name."""


class SlotHead:
    """A linear layer over the tokens: none, then begin and inside of each slot."""

    def __init__(self, body: Body, messages: Sequence[Message], held: Sequence[int]) -> None:
        """`body` keeps these messages, by number; those in `held` are only judged."""
        import torch

        self.labels = tuple(sorted({mark[0] for message in messages for mark in message.marks}))
        self.held, self.messages, self._body = list(held), messages, body
        self._encodings = [encode(body.tokenizer, message.text, message.asked) for message in messages]
        self._words = [words(each, message.asked) for each, message in zip(self._encodings, messages, strict=True)]
        self._wanted = [self._tags(row) for row in range(len(messages))]
        size = 2 * len(self.labels) + 1
        self.weight = torch.nn.Parameter(0.02 * torch.randn(size, body.width, device=body.device))
        self.bias = torch.nn.Parameter(torch.zeros(size, device=body.device))

    def _tags(self, row: int) -> list[int]:
        tags = [NOT_JUDGED] * len(self._encodings[row].ids)
        before: Mark | None = None
        for first, start, end in self._words[row]:
            mark = next((each for each in self.messages[row].marks if each[1] < end and start < each[2]), None)
            begins = 1 + 2 * self.labels.index(mark[0]) if mark else 0
            tags[first] = begins + 1 if mark and mark == before else begins
            before = mark
        return tags

    def weights(self) -> dict[str, torch.nn.Parameter]:
        return {"head.weight": self.weight, "head.bias": self.bias}

    def loss(self, states: torch.Tensor, mask: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """Cross-entropy of the words' first tokens."""
        import torch

        wanted = torch.full(mask.shape, NOT_JUDGED)
        for at, row in enumerate(rows):
            wanted[at, : len(self._wanted[row])] = torch.tensor(self._wanted[row])
        logits = states @ self.weight.T + self.bias
        return torch.nn.functional.cross_entropy(
            logits.flatten(0, 1), wanted.flatten().to(logits.device), ignore_index=NOT_JUDGED
        )

    def mark(self, run: HeadTraining) -> float:
        """F1 on the held-out messages."""
        del run
        if not self.held:
            return float("nan")
        found = self.tagged(self.held)
        return 100 * f1([(each, self.messages[row].marks) for each, row in zip(found, self.held, strict=True)])

    def tagged(self, rows: Sequence[int]) -> list[list[Tagged]]:
        """What is found in these messages."""
        import torch

        self._body.layers.eval()
        found: dict[int, list[Tagged]] = {}
        with torch.inference_mode():
            for batch in self._body.batches(rows):
                states, _ = self._body.above(batch)
                scores = torch.log_softmax(states @ self.weight.T + self.bias, dim=-1).cpu().numpy()
                for row, score in zip(batch, scores, strict=True):
                    parts = self._words[row]
                    found[row] = spans(self.labels, score[[first for first, _, _ in parts]], parts) if parts else []
        return [found[row] for row in rows]

    @property
    def encodings(self) -> list[Any]:
        """Of the messages, for the body to keep."""
        return list(self._encodings)


def counts(pairs: Iterable[tuple[Sequence[Tagged], Sequence[Mark]]], label: str | None = None) -> tuple[int, int, int]:
    """(found and right, found, to be found): a value is right when its slot and both its ends are."""
    right = found = wanted = 0
    for tagged, marks in pairs:
        ours = Counter((each.label, each.start, each.end) for each in tagged if label in (None, each.label))
        theirs = Counter(mark for mark in marks if label in (None, mark[0]))
        right += sum((ours & theirs).values())
        found += sum(ours.values())
        wanted += sum(theirs.values())
    return right, found, wanted


def f1(pairs: Iterable[tuple[Sequence[Tagged], Sequence[Mark]]], label: str | None = None) -> float:
    """2 right / (found + wanted), 0 to 1; NaN where there was nothing and nothing was found."""
    right, found, wanted = counts(pairs, label)
    return 2 * right / (found + wanted) if found + wanted else float(np.nan)
