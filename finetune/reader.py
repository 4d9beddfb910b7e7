"""Fine-tune the extractive reader: a BERT body with a QA head, by one of `finetune.methods`.

What is chosen (the epoch, the threshold, the calibration) is chosen on articles held out of the training file.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.engines.reader import load_model, read_recipe
from bot.engines.spans import Found, best_span, over_windows
from finetune import data, methods, training
from finetune.data import DataError, Example
from finetune.evaluate import Prediction, Scores, best_threshold, score
from finetune.training import Progress
from finetune.windows import Wanted, Window, batches, in_batches, tensors, wanted, windows

if TYPE_CHECKING:
    import torch

SHORT_WORDS = 45
LENGTH = frozenset({"cloze", "short", "epochs", "patience", "cooldown", "average"})
"""What of a recipe may change while a run is interrupted: how long it goes on, and how it ends."""
SPEED = {"attn_implementation": "eager", "hidden_dropout_prob": 0.05, "attention_probs_dropout_prob": 0.0}
"""On a CPU plain attention trains a third faster on windows this short than the fused one, and dropout costs time."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Lengths are in tokens; `rate` None means the method's own; `patience` in epochs.

    `rank` and `modules` are LoRA's and AdaLoRA's, `tokens` those of a prefix or prompt, `width` the adapters'.

    First come `cloze` passes over questions made from plain texts (`cloze_size` new ones each), then `short` passes
    over a few sentences of each passage (with `cloze_mix` made questions for each real one, and of those without an
    answer the share `unanswerable`), then those over whole passages (`epochs`). The rate stays after its warm-up, falls
    over the last `cooldown` of all steps. What is judged and kept is the average of the weights, of which a step leaves
    the share `average` (0: no averaging). A whole model's word embeddings stay as they are.
    Every pass but the cloze ones takes `replay_share` old questions for each new one, where there are old ones.
    `bf16` computes in it on a CPU too, which pays where the CPU has it; on CUDA it always does. LoRA's dropout is 0 by
    default: on a CPU it costs a third more time.
    """

    method: str = "lora"
    rank: int = 32
    modules: str = "all"
    tokens: int = 20
    width: int = 64
    cloze: int = 0
    cloze_size: int = 8000
    cloze_mix: float = 0.0
    short: int = 0
    epochs: int = 4
    rate: float | None = None
    batch: int = 16
    warmup: float = 0.1
    cooldown: float = 0.5
    average: float = 0.99
    decay: float = 0.01
    dropout: float = 0.0
    max_length: int = 256
    stride: int = 96
    max_answer_tokens: int = 30
    unanswerable: float = 0.4
    negatives: float = 0.0
    replay_share: float = 0.0
    patience: int = 2
    seed: int = 1
    bf16: bool = False

    @property
    def learning_rate(self) -> float:
        return self.rate if self.rate is not None else methods.METHODS[self.method].rate


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's training loss and its scores on the held-out part at the best threshold there."""

    number: int
    loss: float
    held_out: Scores
    seconds: float


def build(base: Path, recipe: Recipe, start: Path | None = None) -> tuple[Any, Any]:
    """The body in a local folder with a new head, or with the layers and head of the trained reader in `start`, and its
    tokenizer. Seeds torch. Raises DataError when that reader is of another body, or cannot be merged into one.
    """
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]  # it warns of the new QA head, which we are to train
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.manual_seed(recipe.seed)
    tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
    model = AutoModelForQuestionAnswering.from_pretrained(base, local_files_only=True, dtype=torch.float32, **SPEED)
    if start:
        there = read_recipe(start)
        if there.method not in methods.MERGED:
            raise DataError(f"{start} was trained by {there.method}; only a reader that is merged can be gone on from")
        try:
            model.load_state_dict(load_model(base, start, there).state_dict())
        except RuntimeError as error:
            raise DataError(f"{start} is not a reader of the body {base}: {str(error)[:200]}") from None
    return model, tokenizer


def predict(
    model: Any, tokenizer: Any, examples: Sequence[Example], recipe: Recipe, *, device: str
) -> list[Prediction]:
    """The best span of every example, with its margin over "no answer"."""
    import torch

    model.eval()
    made = windows(examples, tokenizer, recipe.max_length, recipe.stride)
    found: dict[int, list[Found]] = {}
    with torch.inference_mode():
        for batch in in_batches(made, 32, None):
            out = methods.body(model)(**tensors(batch, device))
            starts, ends = out.start_logits.float().cpu().numpy(), out.end_logits.float().cpu().numpy()
            for window, start, end in zip(batch, starts, ends, strict=True):
                span = best_span(start, end, window.offsets, **_bounds(window, recipe))
                found.setdefault(window.example, []).append(span)
    best = [over_windows(found[number]) for number in range(len(examples))]
    return [Prediction(e.context[f.start : f.end], f.margin) for e, f in zip(examples, best, strict=True)]


def loss_of(starts: torch.Tensor, ends: torch.Tensor, target: Wanted) -> torch.Tensor:
    """Where the span lies, given that there is one, and whether the window answers at all; logits [windows, width].

    The second compares all spans together with "no answer" (token 0), so that the margin of `bot.engines.spans` means
    the same as under the usual loss, a softmax over all tokens. Plausible spans, which do not answer, teach the first.
    """
    import torch

    place = torch.zeros((), device=starts.device)
    odds = -(starts[:, 0] + ends[:, 0])
    for logits, where in ((starts, target.starts), (ends, target.ends)):
        inside = logits.masked_fill(~target.passage, -1e4)
        place = place - (torch.log_softmax(inside, dim=1) * where).sum() / max(1.0, float(where.sum())) / 2
        odds = odds + torch.logsumexp(inside, dim=1)
    return place + torch.nn.functional.binary_cross_entropy_with_logits(odds, target.answerable)


def _bounds(window: Window, recipe: Recipe) -> dict[str, int]:
    return {"first": window.first, "last": window.last, "max_tokens": recipe.max_answer_tokens}


class Training:
    """A run that can be stopped anywhere and taken up again: `checkpoint.pt` in `out` holds all of its state."""

    def __init__(
        self,
        base: Path,
        train: Sequence[Example],
        held: Sequence[Example],
        *,
        recipe: Recipe,
        out: Path,
        device: str,
        made: Sequence[Sequence[Example]] = (),
        replay: Sequence[Example] = (),
        start: Path | None = None,
    ) -> None:
        """`made` are cloze questions: a set for each cloze pass, then those to mix into the short passes, in turn.

        `replay` are old questions, of which every other pass draws some; `start` is the reader to go on from.
        """
        import torch

        self.recipe, self.held, self.out, self.device = recipe, held, out, device
        self.start = read_recipe(start).version if start else ""
        plain, self.tokenizer = build(base, recipe, start)
        self.passes = self._passes(train, made, replay)
        self.ends = list(accumulate(math.ceil(len(each) / recipe.batch) for each in self.passes))
        self.total = self.ends[-1]
        self.model = methods.adapt(plain, recipe, self.total).to(device)
        self.optimizer = torch.optim.AdamW(self._trained().values(), recipe.learning_rate, weight_decay=recipe.decay)
        self.averaged = {name: value.detach().clone() for name, value in self._trained().items()}
        self.history: list[Epoch] = []
        self.best: dict[str, Any] = {}
        self.step = 0
        self.clock = training.Clock()
        self.losses = 0.0

    def _passes(
        self, train: Sequence[Example], made: Sequence[Sequence[Example]], replay: Sequence[Example]
    ) -> list[list[Window]]:
        recipe = self.recipe

        def cut(examples: Sequence[Example]) -> list[Window]:
            cut = windows(examples, self.tokenizer, recipe.max_length, recipe.stride)
            return [replace(window, offsets=()) for window in cut]  # which learning does not need, and which are large

        seeds = range(recipe.seed * 1000, recipe.seed * 1000 + recipe.short)
        mixed = [cut(each) for each in made[recipe.cloze :]] or [[]]
        again = round(recipe.replay_share * len(train))
        short = [
            cut(
                data.crops(
                    [*train, *data.sample(replay, again, seed)], SHORT_WORDS, seed, unanswerable=recipe.unanswerable
                )
            )
            + mixed[at % len(mixed)]
            for at, seed in enumerate(seeds)
        ]
        new = cut(train)
        whole = [new + cut(data.sample(replay, again, seeds.stop + at)) for at in range(recipe.epochs)]
        return [*map(cut, made[: recipe.cloze]), *short, *whole]

    def run(self, progress: Progress, said: Callable[[str], None], *, save_seconds: float = 60.0) -> None:
        """Train to the end (or until `patience` epochs brought nothing), then put the best epoch's weights in place."""
        saved = begun = time.monotonic()
        progress(self.step)
        while self.step < self.total and not self._exhausted():
            epoch = bisect_right(self.ends, self.step)
            within = self.step - (self.ends[epoch - 1] if epoch else 0)
            order = batches(self.passes[epoch], self.recipe.batch, self.recipe.seed * 1000 + epoch)
            for batch in order[within:]:
                self.losses += self._learn([self.passes[epoch][at] for at in batch])
                self.step += 1
                progress(1)
                if time.monotonic() - saved > save_seconds:
                    self.save()
                    saved = time.monotonic()
            self._end_epoch(epoch, time.monotonic() - begun, said)
            saved = begun = time.monotonic()
        if self.best:
            self.model.load_state_dict(self.best, strict=False)

    def _learn(self, batch: list[Window]) -> float:
        import torch

        self.model.train()
        inputs = tensors(batch, self.device)
        with torch.autocast(self.device, torch.bfloat16, enabled=self.recipe.bf16 or self.device == "cuda"):
            out = methods.body(self.model)(**inputs)
        target = wanted(batch, inputs["input_ids"].shape[1], self.device)
        loss = loss_of(out.start_logits.float(), out.end_logits.float(), target)
        value = training.backward(loss + methods.apart(self.model, self.recipe.method), self.step)
        rate = self.recipe.learning_rate * self._share()
        training.update(self.model, self.optimizer, rate, self._after_step)
        self._average()
        return value

    def _after_step(self) -> None:
        methods.after_step(self.model, self.recipe.method, self.step)

    def _share(self) -> float:
        """Of the learning rate: it rises over the first steps, stays, and falls to nothing over the last `cooldown`."""
        warm = max(1.0, min(self.recipe.warmup * self.total, 300.0))
        cool = max(1.0, self.recipe.cooldown * self.total)
        return min(1.0, (self.step + 1) / warm, (self.total - self.step) / cool)

    def _average(self) -> None:
        """Let the averaged weights, which are the ones that are judged and kept, follow those that learn."""
        import torch

        keep = min(self.recipe.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for name, value in self._trained().items():
                self.averaged[name].lerp_(value.detach(), 1 - keep)

    def _end_epoch(self, epoch: int, seconds: float, said: Callable[[str], None]) -> None:
        learning = {name: value.detach().clone() for name, value in self._trained().items()}
        self.model.load_state_dict(self.averaged, strict=False)
        predictions = predict(self.model, self.tokenizer, self.held, self.recipe, device=self.device)
        self.model.load_state_dict(learning, strict=False)
        scores = score(self.held, predictions, best_threshold(self.held, predictions))
        steps = self.ends[epoch] - (self.ends[epoch - 1] if epoch else 0)
        self.history.append(Epoch(epoch + 1, self.losses / steps, scores, seconds))
        self.losses = 0.0
        said(
            f"epoch {epoch + 1}: loss {self.history[-1].loss:.3f}, held out EM {scores.exact:.1f} F1 {scores.f1:.1f} "
            f"(answerable F1 {scores.answerable_f1:.1f}, refused {scores.refused:.1f}; "
            f"{scores.forced_f1:.1f} where it may not refuse), {seconds:.0f} s"
        )
        if scores.f1 >= max(each.held_out.f1 for each in self.history):
            self.best = {name: value.cpu().clone() for name, value in self.averaged.items()}
        self.save()

    def _exhausted(self) -> bool:
        """The last `patience` epochs were all worse than one before them."""
        marks = [epoch.held_out.f1 for epoch in self.history]
        late = len(marks) > self.recipe.cloze + self.recipe.short
        return late and training.exhausted(marks, self.recipe.patience)

    def _trained(self) -> dict[str, Any]:
        return training.trained(self.model)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "recipe": asdict(self.recipe),
            "start": self.start,
            "steps": self.ends,
            "weights": {name: value.detach().cpu() for name, value in self._trained().items()},
            "averaged": {name: value.cpu() for name, value in self.averaged.items()},
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "history": [{**asdict(epoch), "held_out": asdict(epoch.held_out)} for epoch in self.history],
            "step": self.step,
            "clock": self.clock.spent(),
            "losses": self.losses,
            "method": methods.state(self.model, self.recipe.method),
        }
        training.save(self.out, state)

    def resume(self) -> bool:
        """Take up the checkpoint in `out`, if there is one. DataError when it is of another recipe or other data.

        What is still to come may be longer or shorter than it was to be when the run began.
        """
        state = training.saved(self.out)
        if state is None:
            return False
        begun = bisect_left(state["steps"], state["step"]) + 1
        same = {name: value for name, value in state["recipe"].items() if name not in LENGTH}
        ours = {name: value for name, value in asdict(self.recipe).items() if name not in LENGTH}
        if same != ours or state["start"] != self.start or state["steps"][:begun] != self.ends[:begun]:
            raise training.another(self.out)
        self.model.load_state_dict(state["weights"], strict=False)
        self.averaged = {name: value.to(self.device) for name, value in state["averaged"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        methods.restore(self.model, self.recipe.method, state["method"], self.device)
        self.best, self.step, self.losses = state["best"], state["step"], state["losses"]
        self.clock = training.Clock(*state["clock"])
        self.history = [Epoch(**{**each, "held_out": Scores(**each["held_out"])}) for each in state["history"]]
        training.draw_on(state)
        return True


def margins(predictions: Sequence[Prediction]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Their margins, kept finite (an empty passage has none)."""
    return np.clip(np.array([each.margin for each in predictions], dtype=np.float64), -50.0, 50.0)
