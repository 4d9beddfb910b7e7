"""What every `frontdesk train` command takes, and the steps round a run: threads, device, resuming, the bar."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from finetune.data import DataError

Say = Callable[[str], None]
Bar = Callable[[str, int | None], AbstractContextManager[Callable[..., None]]]
"""A progress bar: `with bar("training", 100) as advance: advance()`."""


class Run(Protocol):
    """A training: `total` steps, of which `step` are done."""

    step: int
    total: int

    def resume(self) -> bool:
        """Take up the checkpoint in the output folder, if there is one."""

    def run(self, progress: Callable[..., None], said: Say) -> None:
        """Train to the end."""


def common(parser: argparse.ArgumentParser, *, name: str, base: str) -> None:
    """Options for where it is written, what it begins with, and what it runs on. `name` is of the folder of weights."""
    add = parser.add_argument
    add("--out", type=Path, metavar="DIR", help=f"where to write it (default: HOME/models/{name})")
    add("--base", type=Path, metavar="DIR", help=f"{base} (default: the weights 'encoder')")
    add("--device", choices=["auto", "cuda", "cpu"], default=None, help="default: the setting 'device'")
    add("--threads", type=int, default=0, metavar="N", help="threads to train with (0: one per core)")
    add("--fresh", action="store_true", help="start anew, even where a checkpoint lies in the output folder")
    add("--source", default="not said", help="what the card says of the data")


def recipe(parser: argparse._ArgumentGroup, default: Any, *, epochs: str, rate: str, batch: str) -> None:
    """Options that every recipe has, with the values of `default`; the others are what their help lines say."""
    add = parser.add_argument
    add("--epochs", type=int, default=default.epochs, help=epochs)
    add("--rate", type=float, default=default.rate, help=rate)
    add("--batch", type=int, default=default.batch, help=batch)
    add("--seed", type=int, default=default.seed)
    add("--bf16", action="store_true", help="compute in bf16 on a CPU too; for CPUs with AVX512-BF16 or AMX")


def begin(args: argparse.Namespace) -> str:
    """Set the threads, and say which device to train on."""
    import torch

    from bot.engines import devices

    devices.calm_threads()
    if args.threads:
        torch.set_num_threads(args.threads)
    return device_for(args.device or args.settings.device)


def device_for(wanted: str) -> str:
    """ "cuda" or "cpu". DataError when CUDA is wanted and not there."""
    import torch

    if wanted == "cuda" and not torch.cuda.is_available():
        raise DataError("--device cuda: this machine has no CUDA device (or torch was installed for the CPU only)")
    return "cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu"


def out_of(args: argparse.Namespace, name: str) -> Path:
    """The folder to write to."""
    return Path(args.out or args.settings.home / "models" / name)


def base_of(args: argparse.Namespace) -> Path:
    """The folder of the body to begin with."""
    from bot.engines.weights import Weights

    return args.base or Weights(args.settings).path("encoder")


def go(training: Run, *, fresh: bool, bar: Bar, say: Say) -> float:
    """Take up where it was left, unless it is to start anew, and train to the end. Seconds of this sitting."""
    if not fresh and training.resume():
        say(f"taken up again after step {training.step}")
    begun = time.monotonic()
    with bar("training", training.total) as advance:
        training.run(advance, say)
    return time.monotonic() - begun
