"""Tune the sentence encoder on queries and the passages that answer them, so that a company's customers find its pages.

Few pairs are soon learned by heart, and an encoder that knows one subject by heart forgets the others. So the word
embeddings and the lower layers stay as they are, the replies that people gave count as passages too, and texts of other
kinds (`keep`) are held where the untuned encoder put them. What is chosen (the epoch) is chosen on held-out passages.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from finetune import contrastive, training
from finetune.data import DataError
from finetune.encoder_data import Pair, Parts, alike
from finetune.encoder_report import Scores, scores
from finetune.encoder_texts import encode, pooled, shortened, tokenizer
from finetune.training import Progress

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. Lengths are in tokens, `scale` is 1 / temperature.

    `frozen` layers stay as they are, counted from below. `back`, `reply_query` and `reply_passage` weigh the losses
    passage -> query, query -> reply and reply -> passage against query -> passage; `hold` weighs the texts to be kept,
    of which each step sees `kept`. `drop` is the share of tokens left out at random, `dropout` the layers'.
    """

    frozen: int = 3
    epochs: int = 2
    rate: float = 1e-4
    batch: int = 64
    scale: float = 20.0
    back: float = 0.3
    reply_query: float = 0.5
    reply_passage: float = 0.3
    hold: float = 2.0
    kept: int = 48
    drop: float = 0.0
    dropout: float = 0.1
    warmup: float = 0.1
    decay: float = 0.01
    query_tokens: int = 48
    passage_tokens: int = 144
    seed: int = 13
    bf16: bool = False


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch's training loss, how far the kept texts moved, and the scores on the part to choose on."""

    number: int
    loss: float
    drift: float
    chosen_on: Scores
    seconds: float


class Training:
    """A run that can be stopped anywhere and taken up again: `checkpoint.pt` in `out` holds all of its state."""

    def __init__(
        self, base: Path, parts: Parts, keep: Sequence[str], *, recipe: Recipe, out: Path, device: str
    ) -> None:
        import torch

        if len(parts.train) < 2:
            raise DataError("at least two pairs are needed to learn from: the others of a batch are the wrong answers")
        self.recipe, self.parts, self.out, self.device = recipe, parts, out, device
        self.model = build(base, recipe).to(device)
        self.layers = len(self.model.encoder.layer)
        self.tokenizer = tokenizer(base)
        numbers = {passage: at for at, passage in enumerate(parts.passages)}
        self._alike = alike(parts.passages)
        self._gold = [numbers[pair.passage] for pair in parts.train]
        self._queries = self._ids([pair.query for pair in parts.train], recipe.query_tokens)
        self._passages = self._ids(parts.passages, recipe.passage_tokens)
        self._replies = self._ids([pair.reply for pair in parts.train], recipe.query_tokens + 16)
        self.keep = list(keep)
        self._keep = self._ids(keep, recipe.query_tokens) if recipe.hold else []
        self._before: NDArray[np.float32] = encode(self.model, self._keep, device, bf16=self._bf16)
        self.steps = math.ceil(len(parts.train) / recipe.batch)
        self.total = self.steps * recipe.epochs
        self.optimizer = torch.optim.AdamW(self.trained().values(), recipe.rate, weight_decay=recipe.decay)
        self.history: list[Epoch] = []
        self.best: dict[str, Any] = {}
        self.step = 0
        self._sums = [0.0, 0.0]

    @property
    def _bf16(self) -> bool:
        return self.recipe.bf16 or self.device == "cuda"

    def _ids(self, texts: Sequence[str], tokens: int) -> list[list[int]]:
        return [encoding.ids for encoding in shortened(self.tokenizer, texts, tokens)]

    def run(self, progress: Progress, said: Callable[[str], None], *, save_seconds: float = 60.0) -> None:
        """Train to the end, then put the best epoch's weights in place."""
        saved = begun = time.monotonic()
        progress(self.step)
        while self.step < self.total:
            epoch, within = divmod(self.step, self.steps)
            order = list(range(len(self.parts.train)))
            random.Random(self.recipe.seed * 1000 + epoch).shuffle(order)  # noqa: S311
            for at in range(within, self.steps):
                self._learn(order[at * self.recipe.batch : (at + 1) * self.recipe.batch])
                self.step += 1
                progress(1)
                if time.monotonic() - saved > save_seconds and self.step % self.steps:
                    self.save()
                    saved = time.monotonic()
            self._end_epoch(epoch, time.monotonic() - begun, said)
            saved = begun = time.monotonic()
        if self.best:
            self.model.load_state_dict(self.best, strict=False)

    def _learn(self, rows: Sequence[int]) -> None:
        import torch

        warm = max(1.0, self.recipe.warmup * self.total)
        share = min((self.step + 1) / warm, (self.total - self.step) / max(1.0, self.total - warm))
        chance = random.Random(self.recipe.seed * 1_000_000 + self.step)  # noqa: S311
        self.model.train()
        if len(rows) > 1:
            self._sums[0] += training.backward(self._loss(rows, chance), self.step)
        if len(self._keep) > 1 and self.recipe.hold:
            kept = chance.sample(range(len(self._keep)), min(self.recipe.kept, len(self._keep)))
            now = self._encode([self._keep[at] for at in kept])
            before = torch.from_numpy(self._before[kept]).to(self.device)
            loss = self.recipe.hold * contrastive.drift(now, before, self.recipe.scale)
            self._sums[1] += training.backward(loss, self.step)
        training.update(self.model, self.optimizer, self.recipe.rate * share)

    def _loss(self, rows: Sequence[int], chance: random.Random) -> torch.Tensor:
        """Query -> passage, passage -> query, query -> reply and reply -> passage, each against the batch's others."""
        recipe, device = self.recipe, self.device
        gold = [self._gold[row] for row in rows]
        unique = list(dict.fromkeys(gold))
        queries = self._encode([self._queries[row] for row in rows], chance)
        passages = self._encode([self._passages[number] for number in unique], chance)
        right = contrastive.fits(gold, unique, device)
        same = contrastive.as_good(gold, unique, self._alike, device)
        loss = contrastive.infonce(queries, passages, right, same, recipe.scale)
        loss = loss + recipe.back * contrastive.infonce(passages, queries, right.T, same.T, recipe.scale)
        told = [at for at, row in enumerate(rows) if len(self._replies[row]) > 6]
        if len(told) > 1 and recipe.reply_query + recipe.reply_passage > 0:
            replies = self._encode([self._replies[rows[at]] for at in told], chance)
            of = [gold[at] for at in told]
            own = contrastive.fits(range(len(of)), range(len(of)), device)
            hidden = contrastive.fits(of, of, device) | contrastive.as_good(of, of, self._alike, device)
            asked = contrastive.infonce(queries[told], replies, own, hidden, recipe.scale)
            answered = contrastive.infonce(replies, passages, right[told], same[told], recipe.scale)
            loss = loss + recipe.reply_query * asked + recipe.reply_passage * answered
        return loss

    def _encode(self, texts: Sequence[list[int]], chance: random.Random | None = None) -> torch.Tensor:
        """With gradients, in four passes of texts of like length: less padding."""
        import torch

        if chance and self.recipe.drop:
            texts = [_thinned(ids, self.recipe.drop, chance) for ids in texts]
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        size = max(1, math.ceil(len(order) / 4))
        groups = [order[start : start + size] for start in range(0, len(order), size)]
        vectors = [pooled(self.model, [texts[at] for at in group], self.device, bf16=self._bf16) for group in groups]
        back = torch.empty(len(order), dtype=torch.long, device=self.device)
        back[torch.tensor(order, device=self.device)] = torch.arange(len(order), device=self.device)
        return torch.cat(vectors)[back]

    def _end_epoch(self, epoch: int, seconds: float, said: Callable[[str], None]) -> None:
        found = self.scores(self.parts.choose)
        loss, moved = (each / self.steps for each in self._sums)
        self.history.append(Epoch(epoch + 1, loss, moved, found, seconds))
        self._sums = [0.0, 0.0]
        said(f"epoch {epoch + 1}: loss {loss:.3f}, kept texts moved {moved:.3f}, chosen on: {found}, {seconds:.0f} s")
        if found.mrr >= max(each.chosen_on.mrr for each in self.history):
            self.best = {name: value.detach().cpu().clone() for name, value in self.trained().items()}
        self.save()

    def scores(self, pairs: Sequence[Pair]) -> Scores:
        """How well the encoder alone finds the pairs' passages among all."""
        queries = self._ids([pair.query for pair in pairs], self.recipe.query_tokens)
        numbers = {passage: at for at, passage in enumerate(self.parts.passages)}
        found = encode(self.model, queries, self.device, bf16=self._bf16)
        pool = encode(self.model, self._passages, self.device, bf16=self._bf16)
        return scores(found @ pool.T, [numbers[pair.passage] for pair in pairs])

    def trained(self) -> dict[str, Any]:
        """The weights that are tuned, by name."""
        return training.trained(self.model)

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "recipe": asdict(self.recipe),
            "parts": self.parts.counts(),
            "weights": {name: value.detach().cpu() for name, value in self.trained().items()},
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "history": [asdict(epoch) for epoch in self.history],
            "step": self.step,
            "sums": self._sums,
        }
        training.save(self.out, state)

    def resume(self) -> bool:
        """Take up the checkpoint in `out`, if there is one. DataError when it is of another recipe or other data."""
        state = training.saved(self.out)
        if state is None:
            return False
        if state["recipe"] != asdict(self.recipe) or state["parts"] != self.parts.counts():
            raise training.another(self.out)
        self.model.load_state_dict(state["weights"], strict=False)
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.step, self._sums = state["best"], state["step"], state["sums"]
        self.history = [Epoch(**{**each, "chosen_on": Scores(**each["chosen_on"])}) for each in state["history"]]
        training.draw_on(state)
        return True


def build(base: Path, recipe: Recipe) -> Any:
    """The BERT body in a local folder, with what may be tuned marked. Seeds torch. DataError when nothing is left."""
    import torch
    from transformers import AutoModel
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.manual_seed(recipe.seed)
    model = AutoModel.from_pretrained(
        base,
        local_files_only=True,
        dtype=torch.float32,
        add_pooling_layer=False,
        attn_implementation="eager",  # on a CPU quicker than the fused one for texts this short
        hidden_dropout_prob=recipe.dropout,
        attention_probs_dropout_prob=0.0,
    )
    layers = model.encoder.layer
    if not 0 <= recipe.frozen < len(layers):
        raise DataError(f"--frozen is {recipe.frozen}; the model has {len(layers)} layers, and one must be tuned")
    for part in (model.embeddings, *layers[: recipe.frozen]):
        for weight in part.parameters():
            weight.requires_grad = False
        for inner in part.modules():
            if isinstance(inner, torch.nn.Dropout):
                inner.p = 0.0
    return model


def _thinned(ids: list[int], share: float, chance: random.Random) -> list[int]:
    """Without a share of the tokens between the first and the last."""
    inner = [token for token in ids[1:-1] if chance.random() >= share]
    return [ids[0], *(inner or ids[1:-1]), ids[-1]]
