"""Readers that stay beside their body: prompts and prefixes in front of what is read, small layers between its own.

Prefix tuning: Li and Liang 2021 (arXiv:2101.00190). Prompt tuning: Lester et al. 2021 (arXiv:2104.08691). Bottleneck
adapters: Houlsby et al. 2019 (arXiv:1902.00751). It imports torch, so it is imported where a reader is loaded.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.modeling_outputs import QuestionAnsweringModelOutput

from bot.errors import WeightsError


class Prompted(nn.Module):
    """A question-answering BERT that reads virtual tokens first, which peft holds (prefix or prompt tuning).

    peft's own forward pass (0.21) drops the token types or moves the text to later positions; here the text is where it
    was in pre-training, and the logits are its tokens' alone, [texts, tokens].
    """

    def __init__(self, peft: Any) -> None:
        super().__init__()
        self.peft = peft

    def forward(
        self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor
    ) -> QuestionAnsweringModelOutput:
        config, body = self.peft.active_peft_config, self.peft.get_base_model()
        texts, width = input_ids.shape
        virtual: int = config.num_virtual_tokens
        mask = torch.cat((attention_mask.new_ones(texts, virtual), attention_mask), dim=1)
        places = torch.arange(width, device=input_ids.device)[None]
        given = self.peft.get_prompt(texts)
        if config.peft_type == "PREFIX_TUNING":
            out: QuestionAnsweringModelOutput = body(input_ids, mask, token_type_ids, position_ids=places, cache=given)
            return out
        first = token_type_ids.new_zeros(texts, virtual)
        embedded = body.get_input_embeddings()(input_ids)
        out = body(
            attention_mask=mask,
            token_type_ids=torch.cat((first, token_type_ids), dim=1),
            position_ids=torch.cat((first[:1], places), dim=1),
            inputs_embeds=torch.cat((given.to(embedded.dtype), embedded), dim=1),
        )
        starts, ends = (logits[:, virtual:] for logits in (out["start_logits"], out["end_logits"]))
        return QuestionAnsweringModelOutput(start_logits=starts, end_logits=ends)


class Bottleneck(nn.Module):
    """A layer of the body, and behind it a small one that adds to what it gives; at first it adds nothing."""

    def __init__(self, dense: nn.Linear, width: int) -> None:
        super().__init__()
        self.dense = dense
        self.down = nn.Linear(dense.out_features, width)
        self.up = nn.Linear(width, dense.out_features)
        nn.init.normal_(self.down.weight, std=0.02)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        given: torch.Tensor = self.dense(hidden)
        added: torch.Tensor = self.up(nn.functional.gelu(self.down(given)))
        return given + added


def insert(model: Any, width: int) -> None:
    """Put a bottleneck of `width` behind the attention and behind the feed-forward part of every layer of a BERT."""
    for layer in model.base_model.encoder.layer:
        for part in (layer.attention.output, layer.output):
            part.dense = Bottleneck(part.dense, width)


def insert_as(model: Any, names: dict[str, torch.Tensor]) -> None:
    """Bottlenecks as wide as those that were saved. Raises WeightsError when there are none among the weights."""
    widths = {len(value) for name, value in names.items() if name.endswith(".down.weight")}
    if len(widths) != 1:
        raise WeightsError("model.safetensors holds no bottleneck adapters, or of several widths")
    insert(model, widths.pop())
