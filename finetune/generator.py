"""Tune the generator to word evidence as people do: LoRA on a causal language model, the loss on the reply alone.

What counts is not the loss but how often the first sentence of what it then writes passes the rules of the check: that
is measured on passages held out, before and after, as the bot would ask it (the same prompt, greedy).
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

from finetune import training
from finetune.generator_data import Example, Prompt, passes
from finetune.training import Progress

if TYPE_CHECKING:
    import torch

MODULES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
"""The layers that LoRA changes, as Llama's family names them."""
WRITTEN = 48
"""Tokens of a reply that is written to be judged."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How it is tuned. Lengths are in tokens, `batch` in examples; `rank` and `alpha` are LoRA's."""

    epochs: int = 2
    batch: int = 8
    rate: float = 3e-4
    rank: int = 8
    alpha: int = 16
    warmup: float = 0.1
    longest: int = 384
    judged: int = 60
    seed: int = 0
    bf16: bool = False


@dataclass(frozen=True, slots=True)
class Epoch:
    """The mean training loss, and on what it is chosen: the loss there and the share that passes, 0 to 100."""

    loss: float
    held_loss: float
    passing: float
    seconds: float


class Training:
    """One run. `total` steps of `recipe.batch` examples; the best epoch's adapter is in place at the end."""

    def __init__(
        self,
        base: Path,
        learn: Sequence[Example],
        held: Sequence[Example],
        prompt: Prompt,
        *,
        recipe: Recipe,
        out: Path,
        device: str,
    ) -> None:
        import torch

        self.recipe, self.out, self.device = recipe, out, device
        self.learn, self.held, self._prompt = list(learn), list(held), prompt
        self.tokenizer, self.model = build(base, recipe)
        self.model.to(device)
        self._rows = [row for row in map(self._row, self.learn) if len(row[0]) <= recipe.longest]
        self._held = [row for row in map(self._row, self.held) if len(row[0]) <= recipe.longest]
        self.steps = math.ceil(len(self._rows) / recipe.batch)
        self.total = self.steps * recipe.epochs
        self.optimizer = torch.optim.AdamW(training.trained(self.model).values(), recipe.rate, weight_decay=0.0)
        self.history: list[Epoch] = []
        self.before: Epoch | None = None
        self.best: dict[str, Any] = {}
        self.step = 0
        self._sum = 0.0

    def run(self, progress: Progress, said: Callable[[str], None], *, save_seconds: float = 60.0) -> None:
        """Train to the end, then put the best epoch's weights in place."""
        if self.before is None:
            self.before = self._measure(0.0, 0.0)
            said(f"before: held-out loss {self.before.held_loss:.3f}, {self.before.passing:.0f} in 100 pass")
            self.save()
        saved = begun = time.monotonic()
        progress(self.step)
        while self.step < self.total:
            epoch, within = divmod(self.step, self.steps)
            order = list(range(len(self._rows)))
            random.Random(self.recipe.seed * 1000 + epoch).shuffle(order)  # noqa: S311 - an order, not a secret
            for at in range(within, self.steps):
                self._learn([self._rows[row] for row in order[at * self.recipe.batch : (at + 1) * self.recipe.batch]])
                self.step += 1
                progress(1)
                if time.monotonic() - saved > save_seconds and self.step % self.steps:
                    self.save()
                    saved = time.monotonic()
            self._end_epoch(epoch, time.monotonic() - begun, said)
            saved = begun = time.monotonic()
        if self.best:
            self.model.load_state_dict(self.best, strict=False)

    def write(self, example: Example, tokens: int = WRITTEN) -> str:
        """What the model says to an example's question and evidence, greedy."""
        import torch

        ids = self._asked(example)
        self.model.eval()
        with torch.inference_mode():
            found = self.model.generate(
                torch.tensor([ids], device=self.device),
                attention_mask=torch.ones((1, len(ids)), dtype=torch.long, device=self.device),
                max_new_tokens=tokens,
                do_sample=False,
                pad_token_id=self.tokenizer.eos_token_id,
            )
        return str(self.tokenizer.decode(found[0, len(ids) :], skip_special_tokens=True)).strip()

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        state = {
            "recipe": asdict(self.recipe),
            "examples": [len(self._rows), len(self._held)],
            "weights": {name: value.detach().cpu() for name, value in training.trained(self.model).items()},
            "optimizer": self.optimizer.state_dict(),
            "best": self.best,
            "before": asdict(self.before) if self.before else None,
            "history": [asdict(epoch) for epoch in self.history],
            "step": self.step,
            "sum": self._sum,
        }
        training.save(self.out, state)

    def resume(self) -> bool:
        """Take up the checkpoint in `out`, if there is one. DataError when it is of another recipe or other data."""
        state = training.saved(self.out)
        if state is None:
            return False
        if state["recipe"] != asdict(self.recipe) or state["examples"] != [len(self._rows), len(self._held)]:
            raise training.another(self.out)
        self.model.load_state_dict(state["weights"], strict=False)
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self.step, self._sum = state["best"], state["step"], state["sum"]
        self.before = Epoch(**state["before"]) if state["before"] else None
        self.history = [Epoch(**each) for each in state["history"]]
        training.draw_on(state)
        return True

    def _asked(self, example: Example) -> list[int]:
        messages = [
            {"role": each.role, "content": each.content} for each in self._prompt(example.question, example.evidence)
        ]
        text = self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        return list(self.tokenizer.encode(text, add_special_tokens=False))

    def _row(self, example: Example) -> tuple[list[int], int]:
        """Token ids of prompt and reply, and how many of them are the prompt's."""
        asked = self._asked(example)
        reply = self.tokenizer.encode(example.reply, add_special_tokens=False)
        return [*asked, *reply, self.tokenizer.eos_token_id], len(asked)

    def _loss(self, rows: Sequence[tuple[list[int], int]]) -> torch.Tensor:
        """Cross-entropy over the replies' tokens, a mean over all of them."""
        import torch

        longest = max(len(ids) for ids, _ in rows)
        inputs = torch.full((len(rows), longest), self.tokenizer.eos_token_id, dtype=torch.long)
        mask, wanted = torch.zeros_like(inputs), torch.full_like(inputs, -100)
        for number, (ids, asked) in enumerate(rows):
            inputs[number, : len(ids)] = torch.tensor(ids)
            mask[number, : len(ids)] = 1
            wanted[number, asked : len(ids)] = torch.tensor(ids[asked:])
        first = min(asked for _, asked in rows) - 1  # logits of the prompts are of no use and cost most of the memory
        with torch.autocast(self.device, torch.bfloat16, enabled=self.recipe.bf16 or self.device == "cuda"):
            out = self.model(
                input_ids=inputs.to(self.device),
                attention_mask=mask.to(self.device),
                logits_to_keep=longest - first,
            )
        logits = out.logits[:, :-1].float()
        return torch.nn.functional.cross_entropy(logits.flatten(0, 1), wanted[:, first + 1 :].flatten().to(self.device))

    def _learn(self, rows: Sequence[tuple[list[int], int]]) -> None:
        warm = max(1.0, self.recipe.warmup * self.total)
        share = min((self.step + 1) / warm, (self.total - self.step) / max(1.0, self.total - warm))
        self.model.train()
        self._sum += training.backward(self._loss(rows), self.step)
        training.update(self.model, self.optimizer, self.recipe.rate * share)

    def _measure(self, loss: float, seconds: float) -> Epoch:
        import torch

        self.model.eval()
        with torch.inference_mode():
            held = [float(self._loss([row])) for row in self._held]
        judged = self.held[: self.recipe.judged]
        passing = sum(passes(self.write(each), each.evidence) for each in judged)
        return Epoch(loss, sum(held) / max(1, len(held)), 100 * passing / max(1, len(judged)), seconds)

    def _end_epoch(self, epoch: int, seconds: float, said: Callable[[str], None]) -> None:
        found = self._measure(self._sum / self.steps, seconds)
        self._sum = 0.0
        self.history.append(found)
        said(
            f"epoch {epoch + 1}: loss {found.loss:.3f}, held-out {found.held_loss:.3f}, {found.passing:.0f} in 100 "
            f"pass, {seconds:.0f} s"
        )
        if found.passing >= max(each.passing for each in self.history):
            self.best = {name: value.detach().cpu().clone() for name, value in training.trained(self.model).items()}
        self.save()


def build(base: Path, recipe: Recipe) -> tuple[Any, Any]:
    """The tokenizer, and the model in a local folder with a LoRA adapter that changes nothing yet. Seeds torch."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from bot.engines import devices

    devices.quiet()
    torch.manual_seed(recipe.seed)
    model = AutoModelForCausalLM.from_pretrained(base, local_files_only=True, dtype=torch.float32)
    config = LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=0.0, target_modules=list(MODULES), task_type="CAUSAL_LM"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 under an old name
        adapted = get_peft_model(model, config)
    return AutoTokenizer.from_pretrained(base, local_files_only=True), adapted
