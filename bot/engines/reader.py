"""The reader "bert": the span of a passage that answers a question, by a BERT body with a question-answering head.

What was trained (`frontdesk train reader`) lies in the weights "reader": an adapter with the head, merged into the
encoder's body when it is loaded or put beside it (`adapted`); the layers and the head, which take the place of the
body's; or a whole model with its `config.json`. Its `reader.json` says how to read with it.
"""

from __future__ import annotations

import asyncio
import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, ValidationError

from bot.engines import devices, onnx_int8
from bot.engines.base import Span
from bot.engines.batcher import Batcher, Figures
from bot.engines.spans import Found, best_span, over_windows, probability
from bot.engines.weights import Weights
from bot.errors import EngineUnready, WeightsError
from bot.settings import Settings
from bot.types import Plain

CPU_CALLS, CUDA_CALLS = 4, 32
"""Calls that go into one batch. A CPU gains nothing from large ones, and everybody in them waits for the last."""
NONE = 0.01
"""Below this probability no span is given."""

Question = tuple[str, tuple[str, ...]]


class Recipe(Plain):
    """`reader.json`. Lengths are in tokens; `temperature` and `bias` calibrate a margin (`spans.probability`).

    `threshold` is the probability from which answering was right more often than not where it was trained.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    method: Literal["lora", "full", "adalora", "ia3", "prefix", "prompt", "adapter"] = "lora"
    version: str
    max_length: int = 256
    stride: int = 96
    question_tokens: int = 64
    max_answer_tokens: int = 30
    temperature: float = 1.0
    bias: float = 0.0
    threshold: float = 0.5


def read_recipe(folder: Path) -> Recipe:
    """Raises WeightsError for a `reader.json` that is missing or wrong."""
    try:
        return Recipe.model_validate(json.loads((folder / "reader.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise WeightsError(f"{folder / 'reader.json'} cannot be read: {error}") from None


def is_whole(trained: Path) -> bool:
    """Whether a folder holds a model that needs no other body."""
    return (trained / "config.json").is_file()


def load_model(body: Path, trained: Path, recipe: Recipe) -> Any:
    """The model in fp32, in evaluation mode, with what was trained in it; WeightsError when that does not fit."""
    import torch
    from transformers import AutoModelForQuestionAnswering

    devices.quiet()
    if is_whole(trained):
        return AutoModelForQuestionAnswering.from_pretrained(trained, local_files_only=True, dtype=torch.float32).eval()
    model = AutoModelForQuestionAnswering.from_pretrained(body, local_files_only=True, dtype=torch.float32)
    if recipe.method in ("full", "adapter"):
        return _overlaid(model, trained, bottlenecks=recipe.method == "adapter").eval()
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 under an old name
        adapted = PeftModel.from_pretrained(model, str(trained))
    if recipe.method in ("prefix", "prompt"):
        from bot.engines.adapted import Prompted

        return Prompted(adapted).eval()
    return adapted.merge_and_unload().eval()


def _overlaid(model: Any, trained: Path, *, bottlenecks: bool) -> Any:
    """The model with the weights of `model.safetensors` in the place of its own, and those of bottlenecks beside."""
    from safetensors.torch import load_file

    file = trained / "model.safetensors"
    try:
        given = {name: value.float() for name, value in load_file(file).items()}
        if bottlenecks:
            from bot.engines.adapted import insert_as

            insert_as(model, given)
        strange = model.load_state_dict(given, strict=False).unexpected_keys
    except (OSError, RuntimeError) as error:
        raise WeightsError(f"{file} does not fit the body: {error}") from None
    if strange or "qa_outputs.weight" not in given:
        raise WeightsError(f"{file} is of another model: {', '.join(strange) or 'it has no question-answering head'}")
    return model


class BertReader:
    """One forward pass for each question with a passage (or a window of one). bf16 on CUDA, fp32 or int8 on the CPU.

    Below the probability `least` there is no span at all; an evaluation in which it may not refuse makes it 0.
    """

    def __init__(self, settings: Settings, weights: Weights) -> None:
        self.name = "bert"
        self.threshold = 0.5
        self.least = NONE
        self._settings, self._weights = settings, weights
        self._model: Any = None
        self._tokenizer: Any = None
        self._recipe = Recipe(version="0")
        self._device = "cpu"
        self._batcher: Batcher[Question, list[Span]] | None = None

    async def start(self) -> None:
        """Load the model; WeightsError when a part of it is not there."""
        if self._batcher is None:
            await asyncio.to_thread(self._load)
            self._batcher = Batcher(
                self._run,
                name="reader",
                max_batch=CUDA_CALLS if self._device == "cuda" else CPU_CALLS,
                queue=self._settings.engines.queue,
                timeout=self._settings.engines.timeout_seconds,
                key=lambda asked: sum(len(passage) for passage in asked[1]),
            )
        await self._batcher.start()

    async def close(self) -> None:
        """Stop the worker and let go of the model."""
        batcher, self._batcher, self._model = self._batcher, None, None
        if batcher is not None:
            await batcher.close()

    def ready(self) -> bool:
        """Loaded and not hanging."""
        return self._batcher is not None and self._batcher.ready()

    def figures(self) -> Figures | None:
        """What the batcher has done; None before it is started."""
        return self._batcher.figures() if self._batcher else None

    async def read(self, question: str, passages: Sequence[str]) -> list[Span]:
        """One span a passage. Its score is calibrated: of spans with 0.8, eight in ten answer."""
        if not passages:
            return []
        if self._batcher is None:
            raise EngineUnready("reader is not started")
        return await self._batcher.submit((question, tuple(passages)))

    # -- in threads ----------------------------------------------------------------------------------------------------

    def _load(self) -> None:
        trained = self._weights.path("reader")
        recipe = read_recipe(trained)
        body = trained if is_whole(trained) else self._weights.path("encoder")
        self._tokenizer = devices.tokenizer(body)
        self._cutter = devices.tokenizer(body)
        self._tokenizer.enable_truncation(recipe.max_length, stride=recipe.stride, strategy="only_second")
        self._recipe, self.threshold, self.name = recipe, recipe.threshold, f"bert-{recipe.version}"
        devices.calm_threads()
        if self._settings.engines.int8 and devices.pick(self._settings) == "cpu":
            name = f"reader-{recipe.version}-{body.name}"
            outputs = ["start_logits", "end_logits"]
            self._model = onnx_int8.load(self._settings, name, outputs, lambda: load_model(body, trained, recipe))
        else:
            with devices.LOADING:
                model = load_model(body, trained, recipe)
                devices.prepare_torch(self._settings)
            self._device = devices.pick(self._settings)
            self._model = model.to(self._device, devices.dtype(self._device))
        self._run([("What is the first pass?", ("The first pass is slow.",))])

    def _run(self, calls: list[Question]) -> list[list[Span]]:
        """All windows of all passages of all calls together, handed back call by call."""
        windows, owners = [], []
        pairs = [(self._shorten(question), passage) for question, passages in calls for passage in passages]
        for number, encoding in enumerate(self._tokenizer.encode_batch(pairs)):
            for window in (encoding, *encoding.overflowing):
                windows.append(window)
                owners.append(number)
        found: list[list[Found]] = [[] for _ in pairs]
        tokens = devices.CUDA_TOKENS if self._device == "cuda" else devices.CPU_TOKENS
        for rows in devices.batches([len(window.ids) for window in windows], tokens):
            batch = [windows[row] for row in rows]
            for row, window, start, end in zip(rows, batch, *self._forward(batch), strict=True):
                found[owners[row]].append(self._best(window, start, end))
        spans = iter([self._span(each) for each in found])
        return [[next(spans) for _ in passages] for _, passages in calls]

    def _shorten(self, question: str) -> str:
        """The question, cut so that there is always room for the passage."""
        limit = self._recipe.question_tokens
        offsets = self._cutter.encode(question, add_special_tokens=False).offsets
        return question if len(offsets) <= limit else question[: offsets[limit - 1][1]]

    def _forward(self, batch: list[Any]) -> tuple[Any, Any]:
        if isinstance(self._model, onnx_int8.Int8):
            start, end = self._model(batch)
            return start, end
        import torch

        with torch.inference_mode():
            out = self._model(**devices.tensors(batch, self._device))
            return out.start_logits.float().cpu().numpy(), out.end_logits.float().cpu().numpy()

    def _best(self, window: Any, start: Any, end: Any) -> Found:
        sequence = window.sequence_ids
        first = sequence.index(1) if 1 in sequence else 0
        last = len(sequence) - sequence[::-1].index(1) if 1 in sequence else 0
        limit = self._recipe.max_answer_tokens
        return best_span(start, end, window.offsets, first=first, last=last, max_tokens=limit)

    def _span(self, windows: list[Found]) -> Span:
        best = over_windows(windows)
        score = probability(best.margin, self._recipe.temperature, self._recipe.bias)
        return Span(best.start, best.end, score) if score >= self.least else Span(0, 0, score)
