"""Ways to fine-tune a question-answering BERT: all of it, or a small part that is added to it.

| method | what learns, beside the question-answering head | when it is served |
| --- | --- | --- |
| full | all layers, but not the word embeddings | as the body's layers |
| lora | low-rank changes of the layers (Hu et al. 2021) | merged |
| adalora | the same, the rank going where it helps (Zhang et al. 2023) | merged |
| ia3 | a factor for every key, value and feed-forward unit (Liu et al. 2022) | merged |
| prefix | keys and values that every layer reads before the text (Li and Liang 2021) | in front of the text |
| prompt | embeddings that the first layer reads before the text (Lester et al. 2021) | in front of the text |
| adapter | bottlenecks between the layers (Houlsby et al. 2019) | between the layers |
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

MODULES = {
    "attention": ("query", "key", "value", "attention.output.dense"),
    "all": ("query", "key", "value", "dense"),
}
"""Which layers LoRA and AdaLoRA change."""
HEAD = "qa_outputs"
APART = 0.1
"""AdaLoRA: what keeping the directions of a change apart weighs against the loss."""


@dataclass(frozen=True, slots=True)
class Method:
    """`rate` is its own learning rate. `longer`: so many times the passes of the quickest in a comparison."""

    rate: float
    longer: int
    what: str


METHODS: dict[str, Method] = {
    "lora": Method(1e-3, 1, "A LoRA adapter (rank {rank})"),
    "full": Method(1e-4, 1, "The layers"),
    "adalora": Method(3e-3, 2, "An AdaLoRA adapter (rank {rank} on average)"),
    "ia3": Method(1e-2, 2, "IA3 factors"),
    "prefix": Method(1e-2, 2, "A prefix of {tokens} tokens in every layer"),
    "prompt": Method(3e-2, 2, "A prompt of {tokens} tokens"),
    "adapter": Method(1e-3, 1, "Bottleneck adapters (width {width})"),
}
"""Name -> how it learns; `what` is for the card."""
MERGED = ("full", "lora", "adalora", "ia3")
"""What can be merged into the body."""
PLAIN = frozenset({"full", "adapter"})
"""What is kept as plain weights; the others are kept in peft's format."""


class Choice(Protocol):
    """What a recipe says of the method: its name, LoRA's rank, layers and dropout, virtual tokens, adapters' width."""

    @property
    def method(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def modules(self) -> str: ...
    @property
    def dropout(self) -> float: ...
    @property
    def tokens(self) -> int: ...
    @property
    def width(self) -> int: ...


def adapt(model: Any, choice: Choice, steps: int) -> Any:
    """The model with what the method adds, and what is not to learn held fast. `steps` of training are to come."""
    if choice.method == "full":
        model.get_input_embeddings().weight.requires_grad = False
        return model
    if choice.method == "adapter":
        from bot.engines.adapted import insert

        model.requires_grad_(False)
        insert(model, choice.width)
        for name, weight in model.named_parameters():
            weight.requires_grad = any(part in name for part in (HEAD, ".down.", ".up."))
        return model
    from peft import get_peft_model

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft 0.21 asks transformers 5.23 under an old name
        adapted = get_peft_model(model, _config(choice, steps))
    return _prompted(adapted, choice.method) if choice.method in ("prefix", "prompt") else adapted


def _config(choice: Choice, steps: int) -> Any:
    import peft

    task = peft.TaskType.QUESTION_ANS
    if choice.method == "ia3":
        return peft.IA3Config(task_type=task, modules_to_save=[HEAD])
    if choice.method == "prefix":
        return peft.PrefixTuningConfig(task_type=task, num_virtual_tokens=choice.tokens)
    if choice.method == "prompt":
        begin = peft.PromptTuningInit.SAMPLE_VOCAB
        return peft.PromptTuningConfig(task_type=task, num_virtual_tokens=choice.tokens, prompt_tuning_init=begin)
    low: dict[str, Any] = {
        "task_type": task,
        "lora_dropout": choice.dropout,
        "target_modules": list(MODULES[choice.modules]),
        "modules_to_save": [HEAD],
    }
    if choice.method == "lora":
        return peft.LoraConfig(r=choice.rank, lora_alpha=2 * choice.rank, **low)
    return peft.AdaLoraConfig(
        init_r=max(choice.rank + 1, choice.rank * 3 // 2),
        target_r=choice.rank,
        lora_alpha=2 * choice.rank,
        tinit=steps // 10,
        tfinal=steps // 3,
        deltaT=10,
        total_step=max(1, steps),
        orth_reg_weight=APART,
        **low,
    )


def _prompted(adapted: Any, method: str) -> Any:
    import torch

    from bot.engines.adapted import Prompted

    if method == "prefix":  # peft draws it as large as what the layers say themselves, and drowns that
        with torch.no_grad():
            adapted.prompt_encoder["default"].embedding.weight.mul_(0.1)
    return Prompted(adapted)


def body(model: Any) -> Any:
    """The model to call. peft's own wrapper (0.21) drops token_type_ids, and question and passage become one."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def wrapped(model: Any) -> Any:
    """peft's wrapper, which saves in peft's format."""
    return getattr(model, "peft", model)


def merged(model: Any) -> Any:
    """A plain model with what was trained in it; all its layers count as trained then."""
    plain = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    plain.requires_grad_(True)
    plain.get_input_embeddings().weight.requires_grad = False
    return plain


def apart(model: Any, method: str) -> torch.Tensor | float:
    """What AdaLoRA adds to the loss: how far the directions of each change are from being apart. 0.0 for others."""
    import torch

    if method != "adalora":
        return 0.0
    norms = []
    for name, weight in model.named_parameters():
        if ".lora_A." in name or ".lora_B." in name:
            square = weight @ weight.T if ".lora_A." in name else weight.T @ weight
            norms.append(torch.norm(square - torch.eye(len(square), device=weight.device)))
    return APART * torch.stack(norms).mean()


def after_step(model: Any, method: str, step: int) -> None:
    """To be called when weights were changed and gradients are still there: AdaLoRA moves rank to where it helps."""
    if method == "adalora":
        config = model.peft_config["default"]
        due = config.total_step - config.tfinal  # a run that is to end sooner than it was to has its last say now
        model.base_model.update_and_allocate(due if step > due and config.rank_pattern is None else step)


def state(model: Any, method: str) -> dict[str, Any]:
    """What a checkpoint keeps beside the weights: AdaLoRA's opinion of where rank helps."""
    if method != "adalora":
        return {}
    allocator = model.base_model.rankallocator
    kept = {name: _on_cpu(getattr(allocator, name)) for name in ("ipt", "exp_avg_ipt", "exp_avg_unc")}
    return {**kept, "pattern": model.peft_config["default"].rank_pattern}


def restore(model: Any, method: str, kept: Mapping[str, Any], device: str) -> None:
    """Take up what `state` gave."""
    if method != "adalora":
        return
    allocator = model.base_model.rankallocator
    for name in ("ipt", "exp_avg_ipt", "exp_avg_unc"):
        setattr(allocator, name, {each: value.to(device) for each, value in kept[name].items()})
    model.peft_config["default"].rank_pattern = kept["pattern"]


def _on_cpu(values: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: value.detach().cpu() for name, value in values.items()}


def what(choice: Choice) -> str:
    """What was trained, for the card: "A LoRA adapter (rank 32) and a QA head"."""
    said = METHODS[choice.method].what.format(rank=choice.rank, tokens=choice.tokens, width=choice.width)
    return f"{said} and a QA head"
