"""Train the check: a cross-encoder that reads a sentence beside the evidence and says whether the evidence says it.

A BERT body with LoRA and one number as its head. It may begin with what the reader learned, which has read questions
beside passages already. What is chosen (the epoch, the threshold) is chosen on passages that are held out.
"""

from __future__ import annotations

import math
import random
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.engines import check_model, devices
from finetune import check_data, training
from finetune.check_data import Example, Parts
from finetune.check_report import Scores, least, scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOKENS = 4_096
"""Tokens in one forward pass without gradients."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. `rank` is LoRA's; `frozen` layers stay as they are, counted from below.

    `each` is how many false replies a pass makes of a real one, `own` how many texts lend it a sentence; `smooth` is
    taken off a label's certainty, since people's replies are not all grounded; `max_length` is in tokens. What is
    judged and kept is the average of the weights, of which a step leaves the share `average`.
    """

    rank: int = 48
    frozen: int = 1
    epochs: int = 4
    rate: float = 3e-4
    batch: int = 32
    each: int = 3
    own: int = 800
    smooth: float = 0.05
    warmup: float = 0.05
    decay: float = 0.01
    average: float = 0.99
    max_length: int = 192
    seed: int = 13
    bf16: bool = False


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's training loss and what the model found on the part to choose on, at its best threshold there."""

    number: int
    loss: float
    chosen_on: Scores
    seconds: float


@dataclass(frozen=True, slots=True)
class Judge:
    """A model, with what it takes to ask it."""

    model: Any
    tokenizer: Any
    max_length: int
    device: str
    bf16: bool = False

    def margins(self, made: Sequence[Example]) -> NDArray[np.float64]:
        """Each example's log odds of being grounded."""
        import torch

        self.model.eval()
        encodings = _encoded(self.tokenizer, made, self.max_length)
        found = np.zeros(len(made))
        with torch.inference_mode(), torch.autocast(self.device, torch.bfloat16, enabled=self.bf16):
            for at in devices.batches([len(each.ids) for each in encodings], TOKENS):
                inputs = devices.tensors([encodings[row] for row in at], self.device)
                found[at] = check_model.margins(self.model, inputs).float().cpu().numpy()
        return found


def _encoded(tokenizer: Any, made: Sequence[Example], max_length: int) -> list[Any]:
    return check_model.encoded(tokenizer, [(each.sentence, each.evidence) for each in made], max_length)


class Training:
    """A run that can be stopped anywhere and taken up again: `checkpoint.pt` in `out` holds all of its state."""

    def __init__(
        self,
        body: Path,
        warm: Path | None,
        parts: Parts,
        texts: Sequence[str],
        *,
        recipe: Recipe,
        out: Path,
        device: str,
    ) -> None:
        """`warm`: the reader's folder, whose layers take the place of the body's. `texts` lend sentences."""
        import torch

        self.recipe, self.parts, self.texts, self.out, self.device = recipe, parts, list(texts), out, device
        self.model = build(body, warm, recipe).to(device)
        self.tokenizer = devices.tokenizer(body)
        self.held = check_data.with_false(parts.choose, recipe.seed)
        self.steps = math.ceil(len(self._lesson(0)) / recipe.batch)
        self.total = self.steps * recipe.epochs
        learning = training.trained(self.model)
        self.optimizer = torch.optim.AdamW(learning.values(), recipe.rate, weight_decay=recipe.decay)
        self.averaged = {name: value.detach().clone() for name, value in learning.items()}
        self.history: list[Epoch] = []
        self.best: dict[str, Any] = {}
        self.step, self.loss = 0, 0.0

    def _lesson(self, epoch: int) -> list[Example]:
        seed = self.recipe.seed * 1000 + epoch
        texts = random.Random(seed).sample(self.texts, min(self.recipe.own, len(self.texts)))  # noqa: S311
        return check_data.lesson(self.parts, texts, seed, each=self.recipe.each)

    def run(self, progress: training.Progress, said: Callable[[str], None], *, save_seconds: float = 60.0) -> None:
        """Train to the end, then put the best epoch's weights in place."""
        saved = begun = time.monotonic()
        progress(self.step)
        while self.step < self.total:
            epoch, within = divmod(self.step, self.steps)
            batches = _batches(self._lesson(epoch), self.recipe, self.steps, epoch)
            for batch in batches[within:]:
                self._learn(batch)
                progress(1)
                if time.monotonic() - saved > save_seconds and self.step % self.steps:
                    self.save()
                    saved = time.monotonic()
            self._end_epoch(epoch, time.monotonic() - begun, said)
            saved = begun = time.monotonic()
        if self.best:
            self.model.load_state_dict(self.best, strict=False)

    def _learn(self, batch: Sequence[Example]) -> None:
        import torch

        warm = max(1.0, self.recipe.warmup * self.total)
        share = min((self.step + 1) / warm, (self.total - self.step) / max(1.0, self.total - warm))
        self.model.train()
        inputs = devices.tensors(_encoded(self.tokenizer, batch, self.recipe.max_length), self.device)
        wanted = torch.tensor([float(each.grounded) for each in batch], device=self.device)
        wanted = wanted * (1 - 2 * self.recipe.smooth) + self.recipe.smooth
        with torch.autocast(self.device, torch.bfloat16, enabled=self._bf16):
            margins = check_model.margins(self.model, inputs)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(margins.float(), wanted)
        self.loss += training.backward(loss, self.step)
        training.update(self.model, self.optimizer, self.recipe.rate * share)
        self.step += 1
        keep = min(self.recipe.average, self.step / (self.step + 9))
        with torch.no_grad():
            for name, value in training.trained(self.model).items():
                self.averaged[name].lerp_(value.detach(), 1 - keep)

    @property
    def _bf16(self) -> bool:
        return self.recipe.bf16 or self.device == "cuda"

    def _end_epoch(self, epoch: int, seconds: float, said: Callable[[str], None]) -> None:
        learning = {name: value.detach().clone() for name, value in training.trained(self.model).items()}
        self.model.load_state_dict(self.averaged, strict=False)
        judge = Judge(self.model, self.tokenizer, self.recipe.max_length, self.device, bf16=self._bf16)
        made = check_data.examples(self.held)
        found = scores(self.held, least(len(self.held), made, judge.margins(made)))
        self.model.load_state_dict(learning, strict=False)
        self.history.append(Epoch(epoch + 1, self.loss / self.steps, found, seconds))
        self.loss = 0.0
        said(f"epoch {epoch + 1}: loss {self.history[-1].loss:.3f}, chosen on: {found}, {seconds:.0f} s")
        if found.mean >= max(each.chosen_on.mean for each in self.history):
            self.best = {name: value.cpu().clone() for name, value in self.averaged.items()}
        self.save()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        weights = {name: value.detach().cpu() for name, value in training.trained(self.model).items()}
        state = {
            "of": self._of(),
            "weights": weights,
            "averaged": {name: value.cpu() for name, value in self.averaged.items()},
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "history": [asdict(epoch) for epoch in self.history],
            "step": self.step,
            "loss": self.loss,
        }
        training.save(self.out, state)

    def _of(self) -> dict[str, Any]:
        return {**asdict(self.recipe), **self.parts.counts(), "texts": len(self.texts)}

    def resume(self) -> bool:
        """Take up the checkpoint in `out`, if there is one. DataError when it is of another recipe or other data."""
        state = training.saved(self.out)
        if state is None:
            return False
        if state["of"] != self._of():
            raise training.another(self.out)
        self.model.load_state_dict(state["weights"], strict=False)
        self.averaged = {name: value.to(self.device) for name, value in state["averaged"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.step, self.loss = state["best"], state["step"], state["loss"]
        self.history = [Epoch(**{**each, "chosen_on": Scores(**each["chosen_on"])}) for each in state["history"]]
        training.draw_on(state)
        return True


def build(body: Path, warm: Path | None, recipe: Recipe) -> Any:
    """The model to be trained, with LoRA in all its layers. Seeds torch."""
    import torch
    from peft import LoraConfig, TaskType, get_peft_model

    torch.manual_seed(recipe.seed)
    model = check_model.untrained(body, warm)
    config = LoraConfig(
        task_type=TaskType.SEQ_CLS,
        r=recipe.rank,
        lora_alpha=2 * recipe.rank,
        lora_dropout=0.0,
        target_modules=["query", "key", "value", "dense"],
        layers_to_transform=list(range(recipe.frozen, model.config.num_hidden_layers)),
        modules_to_save=["pooler", "classifier"],
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 under an old name
        return get_peft_model(model, config)


def _batches(made: Sequence[Example], recipe: Recipe, steps: int, epoch: int) -> list[list[Example]]:
    """So many batches of like length, in random order; a lesson that came out shorter begins again."""
    chance = random.Random(recipe.seed * 1000 + epoch)  # noqa: S311
    wanted = steps * recipe.batch
    drawn = [made[at % len(made)] for at in range(wanted)]
    cut: list[list[Example]] = []
    for at in range(0, wanted, recipe.batch * 50):
        stretch = sorted(drawn[at : at + recipe.batch * 50], key=lambda each: len(each.sentence) + len(each.evidence))
        cut += [stretch[begin : begin + recipe.batch] for begin in range(0, len(stretch), recipe.batch)]
    chance.shuffle(cut)
    return cut
