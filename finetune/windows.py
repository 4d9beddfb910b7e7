"""Questions with their passages as the model reads them: tokens in windows, in batches of like length."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune.data import Example, Gold

if TYPE_CHECKING:
    import torch

QUESTION_TOKENS = 64
"""A longer question is cut, so that there is always room for the passage."""


@dataclass(frozen=True, slots=True)
class Window:
    """One stretch of an example. `first` to `last` (not included) are the passage's tokens; `offsets` their characters.

    `targets` are the (start, end) tokens of the answers that lie whole in the window, one for each person who gave
    one, with (0, 0) for "no answer here". `spans` are where to look: those answers, or else the plausible ones.
    """

    example: int
    ids: tuple[int, ...]
    types: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]
    first: int
    last: int
    targets: tuple[tuple[int, int], ...]
    spans: tuple[tuple[int, int], ...] = ()

    @property
    def answerable(self) -> bool:
        return self.targets != ((0, 0),)


def windows(examples: Sequence[Example], tokenizer: Any, max_length: int, stride: int) -> list[Window]:
    """Tokenise with a fast tokenizer. `stride` is how many tokens neighbouring windows share."""
    made: list[Window] = []
    for number, example in enumerate(examples):
        encoded = tokenizer(
            shorten(example.question, tokenizer),
            example.context,
            max_length=max_length,
            stride=stride,
            truncation="only_second",
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            return_token_type_ids=True,
        )
        for index, ids in enumerate(encoded["input_ids"]):
            places = [at for at, part in enumerate(encoded.sequence_ids(index)) if part == 1]
            first, last = (places[0], places[-1] + 1) if places else (0, 0)
            offsets = tuple((int(start), int(end)) for start, end in encoded["offset_mapping"][index])
            right, plausible = (
                tuple(target for gold in golds if (target := _target(gold, offsets, first, last)) is not None)
                for golds in (example.answers, example.plausible)
            )
            types = tuple(encoded["token_type_ids"][index])
            spans = right or plausible
            made.append(Window(number, tuple(ids), types, offsets, first, last, right or ((0, 0),), spans))
    return made


def shorten(question: str, tokenizer: Any) -> str:
    """The question, cut after `QUESTION_TOKENS` tokens."""
    offsets = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return question if len(offsets) <= QUESTION_TOKENS else question[: offsets[QUESTION_TOKENS - 1][1]]


def _target(gold: Gold, offsets: Sequence[tuple[int, int]], first: int, last: int) -> tuple[int, int] | None:
    """The tokens of an answer, or None when the window does not hold all of it."""
    end = gold.start + len(gold.text)
    if first == last or offsets[first][0] > gold.start or offsets[last - 1][1] < end:
        return None
    begin = max(at for at in range(first, last) if offsets[at][0] <= gold.start)
    finish = min(at for at in range(first, last) if offsets[at][1] >= end)
    return (begin, finish) if begin <= finish else None


def batches(made: Sequence[Window], size: int, seed: int | None) -> list[list[int]]:
    """Indices of windows in batches of like length, so that little is padded.

    With a seed the order is random: windows are shuffled, sorted by length within stretches of 50 batches, and the
    batches shuffled. Without one the order is by length.
    """
    order = list(range(len(made)))
    if seed is None:
        order.sort(key=lambda at: len(made[at].ids))
        return [order[at : at + size] for at in range(0, len(order), size)]
    chance = random.Random(seed)  # noqa: S311
    chance.shuffle(order)
    cut: list[list[int]] = []
    for at in range(0, len(order), size * 50):
        stretch = sorted(order[at : at + size * 50], key=lambda each: len(made[each].ids))
        cut += [stretch[begin : begin + size] for begin in range(0, len(stretch), size)]
    chance.shuffle(cut)
    return cut


def tensors(made: Sequence[Window], device: str) -> dict[str, torch.Tensor]:
    """The model's inputs, [windows, longest], padded with 0."""
    import torch

    longest = max(len(window.ids) for window in made)
    ids = np.zeros((len(made), longest), dtype=np.int64)
    types, mask = np.zeros_like(ids), np.zeros_like(ids)
    for row, window in enumerate(made):
        ids[row, : len(window.ids)] = window.ids
        types[row, : len(window.ids)] = window.types
        mask[row, : len(window.ids)] = 1
    named = {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}
    return {name: torch.from_numpy(array).to(device) for name, array in named.items()}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a batch should say. `starts`, `ends` [windows, width]: where people say the span lies, every person having
    one vote; all 0 where nobody gave one. `passage` [windows, width]: its tokens. `answerable` [windows]: 0 or 1.
    """

    starts: torch.Tensor
    ends: torch.Tensor
    passage: torch.Tensor
    answerable: torch.Tensor


def wanted(made: Sequence[Window], width: int, device: str) -> Wanted:
    """The targets of a batch whose longest window has `width` tokens."""
    import torch

    starts = np.zeros((len(made), width), dtype=np.float32)
    ends, passage = np.zeros_like(starts), np.zeros(starts.shape, dtype=np.bool_)
    for row, window in enumerate(made):
        passage[row, window.first : window.last] = True
        for start, end in window.spans:
            starts[row, start] += 1 / len(window.spans)
            ends[row, end] += 1 / len(window.spans)
    answerable = np.array([window.answerable for window in made], dtype=np.float32)
    return Wanted(*(torch.from_numpy(array).to(device) for array in (starts, ends, passage, answerable)))


def in_batches(made: Sequence[Window], size: int, seed: int | None) -> Iterator[list[Window]]:
    """The windows themselves, as `batches` orders them."""
    for batch in batches(made, size, seed):
        yield [made[at] for at in batch]
