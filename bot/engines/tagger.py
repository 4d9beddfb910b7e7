"""The tagger "bert": the words of a message that fill a slot, by the encoder's body with layers and a head of its own.

`frontdesk train slots` writes what is loaded here: `model.safetensors` and `slots.json`. Every token is told whether it
begins a value (B), goes on with one (I) or is none (Ramshaw and Marcus 1995, arXiv:cmp-lg/9505040).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices
from bot.engines.base import Tagged
from bot.engines.classifier import CALLS, HeadSettings, load_body, read_settings
from bot.engines.loaded import Loaded
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings

Asked = tuple[str, str]
"""(text, the slot that was just asked for or "")."""


def encode(tokenizer: Any, text: str, asked: str) -> Any:
    """The text's tokens, behind the asked slot's name where there is one."""
    return tokenizer.encode(asked.replace("_", " "), text) if asked else tokenizer.encode(text)


def words(encoding: Any, asked: str) -> list[tuple[int, int, int]]:
    """(first token, character start, end) of every word of the text; pieces of one word belong together."""
    wanted = 1 if asked else 0
    found: list[tuple[int, int, int]] = []
    before: int | None = None
    for at, (sequence, word) in enumerate(zip(encoding.sequence_ids, encoding.word_ids, strict=True)):
        if sequence != wanted or word is None:
            continue
        start, end = encoding.offsets[at]
        if word == before:
            found[-1] = (found[-1][0], found[-1][1], end)
        else:
            found.append((at, start, end))
        before = word
    return found


def spans(labels: Sequence[str], scores: NDArray[np.float32], parts: Sequence[tuple[int, int, int]]) -> list[Tagged]:
    """What the words' log-probabilities [words, 1 + 2 * labels] say. Column 0 is none, then B and I of each label."""
    found: list[Tagged] = []
    best = scores.argmax(1)
    for at, (_, start, end) in enumerate(parts):
        if best[at] == 0:
            continue
        label, inside = labels[(best[at] - 1) // 2], (best[at] - 1) % 2 == 1
        sure = float(np.exp(scores[at, best[at]]))
        last = found[-1] if found else None
        goes_on = inside and last and last.label == label and at and last.end == parts[at - 1][2]
        if last and goes_on:
            found[-1] = Tagged(label, last.start, end, min(last.score, sure))
        else:
            found.append(Tagged(label, start, end, sure))
    return found


class BertTagger:
    """One forward pass a message. bf16 on CUDA, fp32 on the CPU."""

    def __init__(self, settings: Settings, weights: Weights) -> None:
        self.name = "slots"
        self.labels: tuple[str, ...] = ()
        self._settings, self._weights = settings, weights
        self._tokenizer: Any = None
        self._device = "cpu"
        held: Loaded[Any, Asked, list[Tagged]] = Loaded(
            self._load, self._run, name="tagger", settings=settings, max_batch=CALLS
        )
        self._held = held
        # `name` and `labels` are known from `start` on; it raises WeightsError when the model is not there.
        self.start, self.close, self.ready, self.figures = held.start, held.close, held.ready, held.figures

    async def tag(self, text: str, asked: str = "") -> list[Tagged]:
        """What is found, in the text's order."""
        return await self._held.submit((text, asked))

    # -- in threads ----------------------------------------------------------------------------------------------------

    def _load(self) -> Any:
        trained, base = self._weights.path("slots"), self._weights.path("encoder")
        told: HeadSettings = read_settings(trained / "slots.json")
        self._tokenizer = devices.tokenizer(base)
        self._tokenizer.enable_truncation(told.tokens)
        self.labels, self.name = told.labels, f"slots-{told.version}"
        devices.calm_threads()
        with devices.LOADING:
            model, head = load_body(base, trained, told)
            devices.prepare_torch(self._settings)
        if len(head["weight"]) != 2 * len(told.labels) + 1:
            raise WeightsError(f"{trained} has {len(told.labels)} labels and a head for another number")
        self._device = devices.pick(self._settings)
        parts = (model.to(self._device, devices.dtype(self._device)), head["weight"], head["bias"])
        self._run(parts, [("a first text, since the first pass is slow", "")])
        return parts

    def _run(self, parts: Any, calls: list[Asked]) -> list[list[Tagged]]:
        import torch

        model, weight, bias = parts
        encodings = [encode(self._tokenizer, text, asked) for text, asked in calls]
        found: list[list[Tagged]] = [[] for _ in calls]
        limit = devices.CUDA_TOKENS if self._device == "cuda" else devices.CPU_TOKENS
        with torch.inference_mode():
            for rows in devices.batches([len(each.ids) for each in encodings], limit):
                inputs = devices.tensors([encodings[row] for row in rows], self._device)
                states = model(**inputs).last_hidden_state.float().cpu()
                scores = torch.log_softmax(states @ weight.T + bias, dim=-1).numpy()
                for row, score in zip(rows, scores, strict=True):
                    each = words(encodings[row], calls[row][1])
                    found[row] = spans(self.labels, score[[first for first, _, _ in each]], each) if each else []
        return found
