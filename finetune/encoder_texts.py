"""Texts to vectors while the encoder is being tuned: mean over the tokens, length 1, as the encoder serves them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bot.engines import devices

if TYPE_CHECKING:
    import torch
    from numpy.typing import NDArray

TOKENS = 4_096
"""Tokens in one forward pass without gradients."""


def tokenizer(base: Path) -> Any:
    """The fast tokenizer in a folder."""
    return devices.tokenizer(base)


def shortened(tokenizer: Any, texts: Sequence[str], tokens: int) -> list[Any]:
    """Encodings of at most `tokens` tokens, the two special ones among them."""
    tokenizer.enable_truncation(tokens)
    encodings: list[Any] = tokenizer.encode_batch(list(texts))
    tokenizer.no_truncation()
    return encodings


def pooled(model: Any, texts: Sequence[Sequence[int]], device: str, *, bf16: bool) -> torch.Tensor:
    """Vectors of texts given as token ids, float32 [texts, dimensions], with gradients where they are on."""
    import torch

    longest = max(len(ids) for ids in texts)
    padded = np.zeros((len(texts), longest), np.int64)
    shown = np.zeros_like(padded)
    for row, ids in enumerate(texts):
        padded[row, : len(ids)] = ids
        shown[row, : len(ids)] = 1
    mask = torch.from_numpy(shown).to(device)
    with torch.autocast(device, torch.bfloat16, enabled=bf16):
        states = model(input_ids=torch.from_numpy(padded).to(device), attention_mask=mask).last_hidden_state
    return torch.nn.functional.normalize((states.float() * mask.unsqueeze(-1)).sum(1), dim=1)


def encode(model: Any, texts: Sequence[Sequence[int]], device: str, *, bf16: bool = False) -> NDArray[np.float32]:
    """Vectors without gradients, float32 [texts, dimensions]. Leaves the model in evaluation mode."""
    import torch

    model.eval()
    vectors = np.zeros((len(texts), int(model.config.hidden_size)), np.float32)
    with torch.inference_mode():
        for rows in devices.batches([len(ids) for ids in texts], TOKENS):
            vectors[rows] = pooled(model, [texts[row] for row in rows], device, bf16=bf16).cpu().numpy()
    return vectors
