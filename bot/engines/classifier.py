"""The classifier "bert": which intent a sentence has, or none, by the encoder's body with layers and a head of its own.

`frontdesk train intents` writes what is loaded here: `model.safetensors` (the layers that differ from the encoder's,
and the head) and `intents.json`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, ValidationError

from bot.engines import devices
from bot.engines.base import Classified
from bot.engines.loaded import Loaded
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings
from bot.types import Plain
from retrieval.encoder import digest_of

OUT_OF_SCOPE = "oos"
"""The label of a sentence that has none of the intents."""
CALLS = 32
SHOWN = 5
"""Labels that a result ranks."""

Texts = tuple[str, ...]


class HeadSettings(Plain):
    """`intents.json` (and, with `labels` for a token, `slots.json`). `base` is the encoder's digest.

    `scale` is 1 / temperature of the cosines; what is less probable than `threshold` is out of scope; `tokens` are read
    at most.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    base: str
    version: str
    labels: tuple[str, ...]
    frozen: int
    tokens: int = 64
    scale: float = 1.0
    threshold: float = 0.0


def read_settings(file: Path) -> HeadSettings:
    """Raises WeightsError for a file that is missing or wrong."""
    try:
        return HeadSettings.model_validate(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise WeightsError(f"{file} cannot be read: {error}") from None


def load_body(base: Path, trained: Path, told: HeadSettings) -> tuple[Any, dict[str, Any]]:
    """(the encoder's body with the trained layers in it, the head's tensors by name), in fp32.

    Raises WeightsError when they were trained on another encoder or do not fit.
    """
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModel

    if (found := digest_of(base)) != told.base:
        raise WeightsError(f"{trained} was trained on an encoder with the digest {told.base}, and {base} has {found}")
    devices.quiet()
    model = AutoModel.from_pretrained(base, local_files_only=True, dtype=torch.float32, add_pooling_layer=False)
    file = trained / "model.safetensors"
    try:
        given = {name: value.float() for name, value in load_file(file).items()}
        head = {name.removeprefix("head."): given.pop(name) for name in list(given) if name.startswith("head.")}
        strange = model.load_state_dict(given, strict=False).unexpected_keys
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"{file} does not fit the encoder: {error}") from None
    if strange or not {"weight", "bias"} <= set(head):
        raise WeightsError(f"{file} is of another model: {', '.join(strange) or 'it has no head'}")
    return model.eval(), head


def probabilities(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """[texts, labels]: what is left for the labels when "none of them", the logits' last column, had its share."""
    shares = np.exp(logits - logits.max(1, keepdims=True))
    shares /= shares.sum(1, keepdims=True)
    known: NDArray[np.float32] = shares[:, :-1]
    return known


class BertClassifier:
    """One forward pass a sentence. bf16 on CUDA, fp32 on the CPU."""

    def __init__(self, settings: Settings, weights: Weights) -> None:
        self.name = "intents"
        self.labels: tuple[str, ...] = ()
        self._settings, self._weights = settings, weights
        self._told: HeadSettings | None = None
        self._tokenizer: Any = None
        self._device = "cpu"
        held: Loaded[Any, Texts, list[Classified]] = Loaded(
            self._load, self._run, name="classifier", settings=settings, max_batch=CALLS
        )
        self._held = held
        # `name` and `labels` are known from `start` on; it raises WeightsError when the model is not there.
        self.start, self.close, self.ready, self.figures = held.start, held.close, held.ready, held.figures

    async def classify(self, texts: Sequence[str]) -> list[Classified]:
        """One result a text."""
        return await self._held.submit(tuple(texts)) if texts else []

    # -- in threads ----------------------------------------------------------------------------------------------------

    def _load(self) -> Any:
        import torch

        trained, base = self._weights.path("intents"), self._weights.path("encoder")
        told = read_settings(trained / "intents.json")
        self._tokenizer = devices.tokenizer(base)
        self._tokenizer.enable_truncation(told.tokens)
        self._told, self.labels, self.name = told, told.labels, f"intents-{told.version}"
        devices.calm_threads()
        with devices.LOADING:
            model, head = load_body(base, trained, told)
            devices.prepare_torch(self._settings)
        if len(head["weight"]) != len(told.labels) + 1:
            raise WeightsError(f"{trained} has {len(told.labels)} labels and a head for {len(head['weight']) - 1}")
        self._device = devices.pick(self._settings)
        known = torch.nn.functional.normalize(head["weight"][:-1], dim=1)
        directions = told.scale * torch.cat([known, head["weight"][-1:]])
        parts = (model.to(self._device, devices.dtype(self._device)), directions.numpy(), head["bias"].numpy())
        self._run(parts, [("a first text, since the first pass is slow",)])
        return parts

    def _run(self, parts: Any, calls: list[Texts]) -> list[list[Classified]]:
        import torch

        model, directions, bias = parts
        texts = [text for call in calls for text in call]
        encodings = self._tokenizer.encode_batch(texts)
        logits = np.zeros((len(texts), len(bias)), np.float32)
        limit = devices.CUDA_TOKENS if self._device == "cuda" else devices.CPU_TOKENS
        with torch.inference_mode():
            for rows in devices.batches([len(each.ids) for each in encodings], limit):
                inputs = devices.tensors([encodings[row] for row in rows], self._device)
                states = model(**inputs).last_hidden_state.float()
                sums = (states * inputs["attention_mask"].unsqueeze(-1)).sum(1)
                vectors = torch.nn.functional.normalize(sums, dim=1).cpu().numpy()
                logits[rows] = vectors @ directions.T + bias
        results = iter(self._classified(logits))
        return [[next(results) for _ in call] for call in calls]

    def _classified(self, logits: NDArray[np.float32]) -> list[Classified]:
        assert self._told is not None  # noqa: S101 - set by _load, which comes first
        found = []
        for row in probabilities(logits):
            ranking = tuple((self.labels[at], float(row[at])) for at in np.argsort(-row)[:SHOWN])
            label, score = ranking[0]
            found.append(Classified(label if score >= self._told.threshold else None, score, ranking))
        return found
