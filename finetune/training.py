"""What every training shares: a checkpoint that is whole, steps that stay finite, early stopping, figures and a curve.

A run keeps all of its state in one file, `checkpoint.pt` in its output folder, so that it can be stopped anywhere and
taken up again; `metrics.json` and `curve.png` tell afterwards how it went.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.data import DataError

if TYPE_CHECKING:
    import torch

Progress = Callable[..., None]
"""`progress(steps=1)`: so many steps more are done."""
CHECKPOINT = "checkpoint.pt"


class Clock:
    """Seconds of a run over all its sittings: on the wall, and of the processor, all threads together."""

    def __init__(self, wall: float = 0.0, processor: float = 0.0) -> None:
        """`wall` and `processor`: of the sittings before this one."""
        self._wall, self._processor = wall - time.monotonic(), processor - time.process_time()

    def spent(self) -> tuple[float, float]:
        """(wall, processor) until now."""
        return self._wall + time.monotonic(), self._processor + time.process_time()


def save(out: Path, state: Mapping[str, Any]) -> None:
    """Write a run's state and torch's random state to its folder, whole or not at all. Tensors lie on the CPU."""
    import torch

    out.mkdir(parents=True, exist_ok=True)
    partial = out / f"{CHECKPOINT}.part"
    torch.save({**state, "random": torch.get_rng_state()}, partial)
    partial.replace(out / CHECKPOINT)


def saved(out: Path) -> dict[str, Any] | None:
    """The state that was saved, on the CPU; None where there is none. Only plain data and tensors are read."""
    import torch

    file = out / CHECKPOINT
    return torch.load(file, map_location="cpu", weights_only=True) if file.is_file() else None


def draw_on(state: Mapping[str, Any]) -> None:
    """Let torch's random numbers go on from where they were when the state was saved."""
    import torch

    torch.set_rng_state(state["random"])


def another(out: Path) -> DataError:
    """What to raise for a checkpoint that a run with other options left."""
    return DataError(f"{out / CHECKPOINT} is of a run with other options or data: use --fresh, or another --out")


def forget(out: Path) -> None:
    """Remove the checkpoint of a run that is over."""
    (out / CHECKPOINT).unlink(missing_ok=True)


def trained(model: Any) -> dict[str, Any]:
    """The weights that learn, by name."""
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def backward(loss: torch.Tensor, step: int) -> float:
    """Add the loss's gradients, and return it. Raises DataError when it is not finite."""
    loss.backward()  # type: ignore[no-untyped-call]
    value = float(loss.detach())
    if not math.isfinite(value):
        raise DataError(f"the loss became {value} in step {step}: try a lower --rate")
    return value


def update(
    model: Any, optimizer: torch.optim.Optimizer, rate: float, before_clearing: Callable[[], None] | None = None
) -> None:
    """One step of the optimizer at a learning rate, on gradients of a norm of at most 1, which are then cleared.

    `before_clearing` is called when the weights were changed and the gradients are still there.
    """
    import torch

    for group in optimizer.param_groups:
        group["lr"] = rate
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if before_clearing:
        before_clearing()
    optimizer.zero_grad(set_to_none=True)


def exhausted(marks: Sequence[float], patience: int) -> bool:
    """Whether the last `patience` epochs were all worse than one before them, by their marks (higher is better)."""
    return len(marks) > patience and max(marks) > max(marks[-patience:])


def write_metrics(out: Path, metrics: Mapping[str, Any]) -> None:
    """`metrics.json`."""
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n", encoding="utf-8")


def write_curve(out: Path, losses: Sequence[float], marks: Sequence[float], *, label: str, axis: str) -> bool:
    """Plot loss and mark of every epoch as `curve.png`. `label` names the mark, `axis` says its unit.

    False where matplotlib (extra 'train') is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(5, 3), layout="constrained")
    axes = figure.subplots()
    numbers = list(range(1, len(losses) + 1))
    axes.plot(numbers, losses, "o-", color="tab:gray", label="training loss")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.set_xticks(numbers)
    right = axes.twinx()
    right.plot(numbers, marks, "s-", color="tab:blue", label=label)
    right.set_ylabel(axis)
    figure.legend(loc="outside upper center", ncols=2)
    figure.savefig(out / "curve.png", dpi=80)
    return True
