"""A BERT body of which only the upper layers learn, and the run of a small head on it.

The lower layers stay as they are, so that what they make of a text is computed once and kept: an epoch costs less than
half of what it would. A head says how it is judged (`Head`); the run is the same for all of them.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from bot.engines import devices
from finetune import training
from finetune.data import DataError

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding

TOKENS = 4_096
"""Tokens in one forward pass without gradients."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. `frozen` layers stay, counted from below; `head_rate` is the head's own learning rate.

    `epochs` 0: three, or more where there are few texts, until `least` steps are done (at most `most` epochs). `drop`
    is the share of tokens left out at random, `dropout` the layers'. `tokens` is the longest text.
    """

    frozen: int = 3
    epochs: int = 0
    least: int = 250
    most: int = 20
    rate: float = 2e-4
    head_rate: float = 5e-3
    batch: int = 32
    drop: float = 0.1
    dropout: float = 0.1
    warmup: float = 0.1
    tokens: int = 64
    seed: int = 13


class Head(Protocol):
    """What a run trains on top of the body. `weights()` are its parameters by name."""

    def weights(self) -> dict[str, torch.nn.Parameter]: ...

    def loss(self, states: torch.Tensor, mask: torch.Tensor, rows: Sequence[int]) -> torch.Tensor:
        """Of the texts with these numbers: states [texts, tokens, wide], mask [texts, tokens] (0 where left out)."""
        ...

    def mark(self, run: HeadTraining) -> float:
        """How good it is on the part to choose on, 0 to 100; NaN where there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass: the mean loss, the mark on the held-out part (0 to 100), and its seconds."""

    number: int
    loss: float
    mark: float
    seconds: float


class Body:
    """The model of a folder, with its lower layers' states of texts kept in fp16."""

    def __init__(self, base: Path, recipe: Recipe, device: str) -> None:
        import torch
        from transformers import AutoModel

        devices.quiet()
        torch.manual_seed(recipe.seed)
        self.device, self.recipe = device, recipe
        self.tokenizer = devices.tokenizer(base)
        self.tokenizer.enable_truncation(recipe.tokens)
        model: Any = AutoModel.from_pretrained(
            base,
            local_files_only=True,
            dtype=torch.float32,
            add_pooling_layer=False,
            attn_implementation="eager",  # on a CPU quicker than the fused one for texts this short
            hidden_dropout_prob=recipe.dropout,
            attention_probs_dropout_prob=0.0,
        )
        if not 0 <= recipe.frozen < len(model.encoder.layer):
            raise DataError(
                f"--frozen is {recipe.frozen}; the model has {len(model.encoder.layer)} layers, and one must be tuned"
            )
        for weight in model.parameters():
            weight.requires_grad = False
        self.layers = model.encoder.layer[recipe.frozen :]
        self.layers.to(device)
        for weight in self.layers.parameters():
            weight.requires_grad = True
        self.width = int(model.config.hidden_size)
        self._below = model
        self.kept: list[torch.Tensor] = []

    def keep(self, encodings: Sequence[Encoding], progress: Callable[[int], None] | None = None) -> None:
        """Run the lower layers over texts; from now on a text is known by its number here."""
        import torch

        start = len(self.kept)
        self.kept += [torch.empty(0)] * len(encodings)
        below = self._below.eval().to(self.device)
        every = below.encoder.layer
        below.encoder.layer = every[: self.recipe.frozen]
        try:
            with torch.inference_mode():
                for rows in devices.batches([len(each.ids) for each in encodings], TOKENS):
                    inputs = devices.tensors([encodings[row] for row in rows], self.device)
                    states = below(**inputs).last_hidden_state
                    for row, each in zip(rows, states, strict=True):
                        self.kept[start + row] = each[: len(encodings[row].ids)].to("cpu", torch.float16).clone()
                    if progress:
                        progress(len(rows))
        finally:
            below.encoder.layer = every

    def above(self, rows: Sequence[int], drop: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
        """(states [texts, longest, wide], mask) after the upper layers; with `drop`, tokens are left out at random."""
        import torch

        longest = max(len(self.kept[row]) for row in rows)
        states = torch.zeros(len(rows), longest, self.width)
        mask = torch.zeros(len(rows), longest)
        for at, row in enumerate(rows):
            kept = self.kept[row]
            states[at, : len(kept)] = kept
            mask[at, : len(kept)] = 1
        if drop:
            left = (torch.rand(mask.shape) >= drop).float()
            left[:, 0] = 1
            mask *= left
        states, mask = states.to(self.device), mask.to(self.device)
        hidden = (1 - mask)[:, None, None, :] * -1e9
        for layer in self.layers:
            states = layer(states, attention_mask=hidden)
        return states, mask

    def batches(self, rows: Sequence[int]) -> Iterator[list[int]]:
        """Numbers in batches of like length, for passes without gradients."""
        for batch in devices.batches([len(self.kept[row]) for row in rows], TOKENS):
            yield [rows[at] for at in batch]

    def trained(self) -> dict[str, torch.Tensor]:
        """The weights of the layers that learn, by the names that the whole model gives them."""
        return {
            f"encoder.layer.{self.recipe.frozen + at}.{name}": value
            for at, layer in enumerate(self.layers)
            for name, value in layer.named_parameters()
        }


class HeadTraining:
    """A run that can be stopped anywhere and taken up again (`finetune.training`). `rows` are learnt from."""

    def __init__(self, body: Body, head: Head, rows: Sequence[int], *, out: Path, told: dict[str, Any]) -> None:
        import torch

        if not rows:
            raise DataError("there is nothing to learn from")
        self.body, self.head, self.out, self.recipe = body, head, out, body.recipe
        self.rows = list(rows)
        self.steps = math.ceil(len(self.rows) / self.recipe.batch)
        wanted = self.recipe.epochs or min(self.recipe.most, max(3, math.ceil(self.recipe.least / self.steps)))
        self.epochs = wanted
        self.total = self.steps * wanted
        self.step = 0
        self.history: list[Epoch] = []
        self._sum = 0.0
        self._told = {"recipe": asdict(self.recipe), "rows": len(self.rows), **told}
        groups = [
            {"params": list(body.layers.parameters()), "base": self.recipe.rate, "weight_decay": 0.01},
            {"params": list(head.weights().values()), "base": self.recipe.head_rate, "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, self.recipe.rate)

    def run(self, progress: training.Progress, said: Callable[[str], None], *, save_seconds: float = 60.0) -> None:
        """Train to the end; the rate rises at first, then falls to nothing, so that the last weights are the best."""
        saved = begun = time.monotonic()
        progress(self.step)
        while self.step < self.total:
            epoch, within = divmod(self.step, self.steps)
            for batch in self._order(epoch)[within:]:
                self._learn(batch)
                progress(1)
                if time.monotonic() - saved > save_seconds and self.step % self.steps:
                    self.save()
                    saved = time.monotonic()
            mark = self.head.mark(self)
            self.history.append(Epoch(epoch + 1, self._sum / self.steps, mark, time.monotonic() - begun))
            self._sum = 0.0
            last = self.history[-1]
            held = "" if math.isnan(mark) else f"held out {mark:.1f}, "
            said(f"epoch {last.number} of {self.epochs}: loss {last.loss:.3f}, {held}{last.seconds:.0f} s")
            self.save()
            saved = begun = time.monotonic()

    def _order(self, epoch: int) -> list[list[int]]:
        """The epoch's batches, each of texts of like length: less padding."""
        chance = random.Random(self.recipe.seed * 1000 + epoch)  # noqa: S311 - an order, not a secret
        order, size = list(self.rows), self.recipe.batch
        chance.shuffle(order)
        lengths = self.body.kept
        found = []
        for start in range(0, len(order), size * 16):
            stretch = sorted(order[start : start + size * 16], key=lambda row: len(lengths[row]))
            found += [stretch[at : at + size] for at in range(0, len(stretch), size)]
        chance.shuffle(found)
        return found

    def _learn(self, batch: Sequence[int]) -> None:
        import torch

        torch.manual_seed(self.recipe.seed * 1_000_000 + self.step)
        self.body.layers.train()
        states, mask = self.body.above(batch, self.recipe.drop)
        self._sum += training.backward(self.head.loss(states, mask, batch), self.step)
        warm = max(1.0, self.recipe.warmup * self.total)
        share = min((self.step + 1) / warm, (self.total - self.step) / max(1.0, self.total - warm))
        for group in self.optimizer.param_groups:
            group["lr"] = group["base"] * share
        weights = [weight for group in self.optimizer.param_groups for weight in group["params"]]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.step += 1

    def _weights(self) -> dict[str, Any]:
        return {**self.body.trained(), **self.head.weights()}

    def save(self) -> None:
        """Write the checkpoint."""
        weights = {name: value.detach().cpu() for name, value in self._weights().items()}
        history = [asdict(epoch) for epoch in self.history]
        state = {"told": self._told, "weights": weights, "optimizer": self.optimizer.state_dict()}
        training.save(self.out, {**state, "history": history, "step": self.step, "sum": self._sum})

    def resume(self) -> bool:
        """Take up the checkpoint in `out`, if there is one. DataError when it is of another recipe or other data."""
        import torch

        state = training.saved(self.out)
        if state is None:
            return False
        if state["told"] != self._told:
            raise training.another(self.out)
        with torch.no_grad():
            for name, value in self._weights().items():
                value.copy_(state["weights"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.history = [Epoch(**each) for each in state["history"]]
        self.step, self._sum = state["step"], state["sum"]
        return True
