"""The losses that the sentence encoder is tuned with. All vectors have length 1; a loss is a scalar.

InfoNCE (van den Oord et al. 2018, arXiv:1807.03748) with the batch's other texts as the wrong ones (Henderson et al.
2017, arXiv:1705.00652), and the similarities among texts of other kinds kept as they were (Tung and Mori 2019,
"Similarity-preserving knowledge distillation").
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

HIDDEN = -1e4
"""The logit of what is not to be compared."""


def infonce(
    queries: torch.Tensor, texts: torch.Tensor, right: torch.Tensor, hidden: torch.Tensor, scale: float
) -> torch.Tensor:
    """How badly each query picks a right text among all. Queries float [n, d], texts float [m, d].

    `right` and `hidden` are bool [n, m]: which texts fit (one at least for each query; a query's loss is the mean over
    them), and which are not compared. `scale` is 1 / temperature.
    """
    import torch

    logits = (scale * queries @ texts.T).masked_fill(hidden & ~right, HIDDEN)
    likely = torch.log_softmax(logits, 1).masked_fill(~right, 0.0).sum(1) / right.sum(1)
    return -likely.mean()


def drift(now: torch.Tensor, before: torch.Tensor, scale: float) -> torch.Tensor:
    """How far texts have moved from where the untuned encoder put them: against each other (as InfoNCE would see it)
    and, twice as heavy, by themselves. Both float [n, d], n at least 2; 0 when nothing moved.
    """
    import torch

    alone = HIDDEN * torch.eye(len(now), device=now.device)
    seen = torch.log_softmax(scale * now @ now.T + alone, 1)
    wanted = torch.log_softmax(scale * before @ before.T + alone, 1)
    moved = torch.nn.functional.kl_div(seen, wanted, reduction="batchmean", log_target=True)
    return moved + 2 * (1 - (now * before).sum(1)).mean()


def fits(wanted: Sequence[int], passages: Sequence[int], device: str = "cpu") -> torch.Tensor:
    """bool [len(wanted), len(passages)]: where the passage is the one that is wanted."""
    import torch

    return torch.tensor(wanted, device=device)[:, None] == torch.tensor(passages, device=device)[None]


def as_good(
    wanted: Sequence[int], passages: Sequence[int], alike: Sequence[Collection[int]], device: str = "cpu"
) -> torch.Tensor:
    """bool, shaped as `fits`: where the passage says the same as the wanted one, so that it is no wrong answer."""
    import torch

    rows = [[passage in alike[want] for passage in passages] for want in wanted]
    return torch.tensor(rows, dtype=torch.bool, device=device)
