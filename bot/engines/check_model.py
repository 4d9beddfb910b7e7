"""A model that reads a sentence beside a piece of evidence and says whether the evidence says it.

What was trained (`frontdesk train check`) lies in the weights "check": a LoRA adapter with its head, merged into the
body when it is loaded. The body is the encoder's with the layers in the weights "check-body", where `check.json` asks
for them: those of the reader that it was trained from, which stay the same when the bot has another reader.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, ValidationError

from bot.engines import devices
from bot.engines.loaded import Loaded
from bot.engines.weights import Weights, sha256
from bot.errors import WeightsError
from bot.settings import Settings
from bot.types import Plain

if TYPE_CHECKING:
    import torch

CALLS = 32
"""Calls that go into one batch."""
HEADLESS = "qa_outputs"
"""The reader's own head, which the check has no use for."""
_WORDS = """yes no ok okay sure well great good correct right exactly absolutely certainly of course alright fine
    perfect unfortunately gladly indeed sorry hello hi thanks thank you it is it does you can that is that's yeah yep
    nope not at all glad happy to help i see i understand please we have do are have"""
_OPENERS = frozenset(_WORDS.split())

Pair = tuple[str, str]


class Recipe(Plain):
    """`check.json`. A sentence passes when its log odds are at least `threshold`; `temperature` and `bias` make a
    probability of them. `body` is the sha256 of the layers that stand in the place of the encoder's own, "" for none.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    max_length: int = 192
    threshold: float
    temperature: float = 1.0
    bias: float = 0.0
    body: str = ""


def read_recipe(folder: Path) -> Recipe:
    """Raises WeightsError for a `check.json` that is missing or wrong."""
    try:
        return Recipe.model_validate(json.loads((folder / "check.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, ValidationError) as error:
        raise WeightsError(f"{folder / 'check.json'} cannot be read: {error}") from None


def asserted(sentences: Sequence[str]) -> list[str]:
    """What each sentence asserts. A bare opener ("Yes.", "Sure, you can.") says what follows it: the two are one."""
    found = list(sentences)
    for at in range(len(found) - 2, -1, -1):
        if is_opener(found[at]):
            found[at] = found[at + 1] = f"{found[at]} {found[at + 1]}"
    return found


def is_opener(sentence: str) -> bool:
    """Whether a sentence has no words but those that only lead to what is said ("Yes, of course.")."""
    return set(re.findall(r"[\w']+", sentence.lower().replace("’", "'"))) <= _OPENERS


def untrained(body: Path, layers: Path | None) -> Any:
    """The body in fp32 with a new head of one number; `layers` is a folder of weights that take the place of its own.

    Raises WeightsError when they do not fit.
    """
    import torch
    from safetensors.torch import load_file
    from transformers import AutoModelForSequenceClassification

    devices.quiet()
    model = AutoModelForSequenceClassification.from_pretrained(
        body,
        local_files_only=True,
        dtype=torch.float32,
        num_labels=1,
        attn_implementation="eager",  # on a CPU quicker than the fused one for texts this short
        hidden_dropout_prob=0.05,
        attention_probs_dropout_prob=0.0,
    )
    if layers is not None:
        file = layers / "model.safetensors"
        try:
            given = {name: value.float() for name, value in load_file(file).items() if not name.startswith(HEADLESS)}
            strange = model.load_state_dict(given, strict=False).unexpected_keys
        except (OSError, RuntimeError) as error:
            raise WeightsError(f"{file} does not fit the body: {error}") from None
        if strange:
            raise WeightsError(f"{file} is of another model: {', '.join(strange)}")
    return model


def load_model(body: Path, layers: Path | None, trained: Path) -> Any:
    """The model in fp32, in evaluation mode, with the adapter in `trained` merged into it. Raises WeightsError."""
    from peft import PeftModel

    model = untrained(body, layers)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 under an old name
            return PeftModel.from_pretrained(model, str(trained)).merge_and_unload().eval()
    except (OSError, ValueError, RuntimeError) as error:
        raise WeightsError(f"the adapter in {trained} does not fit the body: {error}") from None


def encoded(tokenizer: Any, pairs: Sequence[Pair], max_length: int) -> list[Any]:
    """(sentence, evidence) pairs as tokens. What is too long is cut at the evidence's end, or, where the sentence alone
    leaves no room for any, at the ends of both.
    """
    room = max_length // 2
    long = [sum(1 for _ in re.finditer(r"\w+|[^\w\s]", sentence)) > room for sentence, _ in pairs]
    found: list[Any] = []
    for (sentence, evidence), both in zip(pairs, long, strict=True):
        tokenizer.enable_truncation(max_length, strategy="longest_first" if both else "only_second")
        found.append(tokenizer.encode(sentence, evidence))
    return found


def margins(model: Any, inputs: dict[str, torch.Tensor]) -> torch.Tensor:
    """Log odds of "the evidence says it", [pairs]. peft's own wrapper (0.21) would drop token_type_ids."""
    body = model.get_base_model() if hasattr(model, "get_base_model") else model
    logits: torch.Tensor = body(**inputs).logits
    return logits[:, 0]


class CheckModel:
    """The model behind the batcher: (sentence, evidence) pairs to log odds. bf16 on CUDA, fp32 on the CPU."""

    def __init__(self, settings: Settings, weights: Weights) -> None:
        self.recipe = Recipe(version="0", threshold=0.0)
        self._settings, self._weights = settings, weights
        self._tokenizer: Any = None
        self._device = "cpu"
        self._loaded: Loaded[Any, tuple[Pair, ...], list[float]] = Loaded(
            self._load, self._run, name="check", settings=settings, max_batch=CALLS
        )

    async def start(self) -> None:
        """Load the model; WeightsError when a part of it is not there."""
        await self._loaded.start()

    async def close(self) -> None:
        """Stop the worker and let go of the model."""
        await self._loaded.close()

    def ready(self) -> bool:
        """Loaded and not hanging."""
        return self._loaded.ready()

    async def judge(self, pairs: Sequence[Pair]) -> list[float]:
        """One log odds a pair."""
        return await self._loaded.submit(tuple(pairs)) if pairs else []

    # -- in threads ----------------------------------------------------------------------------------------------------

    def _load(self) -> Any:
        trained, body = self._weights.path("check"), self._weights.path("encoder")
        recipe = read_recipe(trained)
        layers = self._weights.path("check-body") if recipe.body else None
        if layers is not None and sha256(layers / "model.safetensors") != recipe.body:
            raise WeightsError(f"the check in {trained} was trained from other layers than those in {layers}")
        devices.calm_threads()
        with devices.LOADING:
            model = load_model(body, layers, trained)
            devices.prepare_torch(self._settings)
        self._tokenizer, self.recipe = devices.tokenizer(body), recipe
        self._device = devices.pick(self._settings)
        model = model.to(self._device, devices.dtype(self._device))
        self._run(model, [(("The first pass is slow.", "It is."),)])
        return model

    def _run(self, model: Any, calls: list[tuple[Pair, ...]]) -> list[list[float]]:
        """All pairs of all calls together, handed back call by call."""
        import torch

        encodings = encoded(self._tokenizer, [pair for pairs in calls for pair in pairs], self.recipe.max_length)
        found = [0.0] * len(encodings)
        most = devices.CUDA_TOKENS if self._device == "cuda" else devices.CPU_TOKENS
        with torch.inference_mode():
            for rows in devices.batches([len(each.ids) for each in encodings], most):
                inputs = devices.tensors([encodings[row] for row in rows], self._device)
                for row, margin in zip(rows, margins(model, inputs).float().cpu().tolist(), strict=True):
                    found[row] = margin
        each = iter(found)
        return [[next(each) for _ in pairs] for pairs in calls]
