"""The encoder "minilm": texts to vectors by a BERT model with mean pooling, behind the batcher.

The same weights, tuned on customers' questions, are the encoder "minilm-tuned"; its vectors are others.

The same vectors (in int8: nearly) as `retrieval.encoder.SentenceEncoder` gives for the same folder (a test compares
them), from the model alone: it is ready sooner and needs less memory than with sentence-transformers.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bot.engines import devices, onnx_int8
from bot.engines.loaded import Loaded
from bot.engines.weights import Weights
from bot.errors import WeightsError
from bot.settings import Settings
from retrieval.encoder import merged, name_of

CALLS = 32
"""Calls that go into one batch; their texts are run in batches of like length."""

TUNED = "minilm-tuned"
"""The setting `engines.encoder` that asks for the tuned one."""

Texts = tuple[str, ...]
Vectors = NDArray[np.float32]


class MiniLM:
    """BERT, mean over the tokens, length 1. bf16 on CUDA, fp32 (or int8, by `engines.int8`) on the CPU."""

    def __init__(self, settings: Settings, weights: Weights, *, tuned: bool = False) -> None:
        self.name = TUNED if tuned else "minilm"
        self._tuned = tuned
        self.dimensions = 0
        self._settings, self._weights = settings, weights
        self._tokenizer: Any = None
        self._device = "cpu"
        held: Loaded[Any, Texts, Vectors] = Loaded(
            self._load, self._run, name="encoder", settings=settings, max_batch=CALLS
        )
        self._held = held
        # `name` and `dimensions` are known from `start` on; it raises WeightsError when the model is not there.
        self.start, self.close, self.ready, self.figures = held.start, held.close, held.ready, held.figures

    async def encode(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, float32 [len(texts), dimensions], of length 1."""
        if not texts:
            return np.zeros((0, self.dimensions), np.float32)
        return await self._held.submit(tuple(texts))

    # -- in threads ----------------------------------------------------------------------------------------------------

    def _load(self) -> Any:
        folder = folder_of(self._settings, self._weights, tuned=self._tuned)
        self.name = name_of(folder)
        self._tokenizer = devices.tokenizer(folder)
        self._tokenizer.enable_truncation(_most_tokens(folder))
        self.dimensions = int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["hidden_size"])
        devices.calm_threads()
        model: Any
        if self._settings.engines.int8 and devices.pick(self._settings) == "cpu":
            model = onnx_int8.load(self._settings, self.name, ["last_hidden_state"], lambda: _bert(folder))
        else:
            with devices.LOADING:
                model = _bert(folder)
                devices.prepare_torch(self._settings)
            self._device = devices.pick(self._settings)
            model = model.to(self._device, devices.dtype(self._device))
        self._run(model, [("a first text, since the first pass is slow",)])
        return model

    def _run(self, model: Any, calls: list[Texts]) -> list[Vectors]:
        """All texts of all calls, encoded together and handed back call by call."""
        texts = [text for call in calls for text in call]
        encodings = self._tokenizer.encode_batch(texts)
        vectors = np.empty((len(texts), self.dimensions), np.float32)
        tokens = devices.CUDA_TOKENS if self._device == "cuda" else devices.CPU_TOKENS
        for rows in devices.batches([len(each.ids) for each in encodings], tokens):
            vectors[rows] = self._forward(model, [encodings[row] for row in rows])
        ends = np.cumsum([len(call) for call in calls])
        return np.split(vectors, ends[:-1])

    def _forward(self, model: Any, encodings: list[Any]) -> Vectors:
        if isinstance(model, onnx_int8.Int8):
            (hidden,) = model(encodings)
            mask = devices.pad(encodings)["attention_mask"][..., None].astype(np.float32)
            sums: Vectors = (hidden * mask).sum(1)
            sums /= np.linalg.norm(sums, axis=1, keepdims=True)
            return sums
        import torch

        with torch.inference_mode():
            inputs = devices.tensors(encodings, self._device)
            states = model(**inputs).last_hidden_state.float()
            mean = (states * inputs["attention_mask"].unsqueeze(-1)).sum(1)  # its length is made 1: no need to divide
            vectors: Vectors = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
        return vectors


def _most_tokens(folder: Path) -> int:
    """How much of a text is read. sentence-transformers wrote it in a file of its own, since 6 with the tokenizer."""
    for name, key in (("sentence_bert_config.json", "max_seq_length"), ("tokenizer_config.json", "model_max_length")):
        limits = json.loads((folder / name).read_text(encoding="utf-8"))
        if key in limits:
            return int(limits[key])
    raise WeightsError(f"{folder} does not say how many tokens its encoder reads")


def tuned(settings: Settings, weights: Weights) -> MiniLM:
    """The encoder "minilm-tuned": `frontdesk train encoder` wrote the layers that differ."""
    return MiniLM(settings, weights, tuned=True)


def folder_of(settings: Settings, weights: Weights, *, tuned: bool | None = None) -> Path:
    """The folder of the encoder that is set (`tuned` None), or of the one that is meant. The tuned one is put together
    in the models' cache when it is first asked for. Raises WeightsError, SnapshotError.
    """
    base = weights.path("encoder")
    if tuned or (tuned is None and settings.engines.encoder == TUNED):
        return merged(base, weights.path("encoder-tuned"), settings.models)
    return base


def _bert(folder: Path) -> Any:
    import torch
    from transformers import AutoModel

    devices.quiet()
    return AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32, add_pooling_layer=False).eval()
