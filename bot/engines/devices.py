"""What the engines that run on torch share: which device, how many threads, and batches with little padding."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bot.errors import ConfigError
from bot.settings import Settings

if TYPE_CHECKING:
    import torch
    from tokenizers import Encoding

LOADING = threading.Lock()
"""Held while transformers is imported and a model is built: neither is safe in several threads at once."""

CPU_TOKENS = 2_048
"""Tokens in one forward pass on a CPU: larger ones leave its cache and gain nothing."""
CUDA_TOKENS = 65_536


def calm_threads() -> None:
    """Let OpenMP's threads sleep when they have nothing to do. Call before torch is imported, else without effect.

    By default they spin, which is a little quicker for a model alone; where several models (or several processes) share
    a few cores they spin in each other's way: on 2 busy cores the generator made 1.1 tokens/s spinning, 8.3 sleeping.
    Whoever sets OMP_WAIT_POLICY themselves is obeyed.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pick(settings: Settings) -> str:
    """ "cuda" or "cpu". Raises ConfigError when CUDA was asked for and is not there."""
    if settings.device == "cpu":
        return "cpu"
    import torch

    there = torch.cuda.is_available()
    if settings.device == "cuda" and not there:
        raise ConfigError("device is 'cuda' but torch sees no CUDA device; set device = 'cpu' or 'auto'")
    return "cuda" if there else "cpu"


def dtype(device: str) -> torch.dtype:
    """bf16 on CUDA, fp32 on a CPU (many have no instructions for bf16)."""
    import torch

    return torch.bfloat16 if device == "cuda" else torch.float32


def threads(settings: Settings) -> int:
    """Threads for one model: as set, else one for each core that this process may use."""
    return settings.engines.threads or len(os.sched_getaffinity(0))


def prepare_torch(settings: Settings) -> None:
    """Settings of torch that hold for the whole process. Idempotent."""
    import torch

    torch.set_num_threads(threads(settings))
    quiet()


def quiet() -> None:
    """No bars and no advice by transformers: call it before a model is loaded, while LOADING is held."""
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]


def batches(lengths: Sequence[int], tokens: int) -> Iterator[list[int]]:
    """Indices in batches of like length, the shortest first, with at most `tokens` after padding (at least one)."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda at: lengths[at]):
        if batch and (len(batch) + 1) * lengths[index] > tokens:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def pad(encodings: Sequence[Encoding]) -> dict[str, NDArray[np.int64]]:
    """A BERT model's inputs, int64 [texts, longest], padded with 0."""
    longest = max(len(each.ids) for each in encodings)
    ids = np.zeros((len(encodings), longest), np.int64)
    types, mask = np.zeros_like(ids), np.zeros_like(ids)
    for row, each in enumerate(encodings):
        width = len(each.ids)
        ids[row, :width] = each.ids
        types[row, :width] = each.type_ids
        mask[row, :width] = 1
    return {"input_ids": ids, "token_type_ids": types, "attention_mask": mask}


def tensors(encodings: Sequence[Encoding], device: str) -> dict[str, torch.Tensor]:
    """`pad` on a device."""
    import torch

    return {name: torch.from_numpy(array).to(device) for name, array in pad(encodings).items()}


def tokenizer(folder: Any) -> Any:
    """The fast tokenizer in a folder, without the padding and truncation that it was saved with."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_file(str(folder / "tokenizer.json"))
    loaded.no_padding()
    loaded.no_truncation()
    return loaded
