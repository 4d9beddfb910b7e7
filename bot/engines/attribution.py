"""Which words weighed most: integrated gradients (Sundararajan, Taly and Yan 2017, arXiv:1703.01365) through captum.

From a text whose words are all masked to the text as it is, in small steps: what each word's vector adds to the figure
on the way is its weight. The weights of all words add up to the difference between the two ends; `rest` is what the
steps miss of it. Everything here blocks: call it in a thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.engines import devices
from bot.engines.reader import is_whole, load_model, read_recipe

if TYPE_CHECKING:
    import torch

STEPS = 24
"""Gauss-Legendre's points: on passages of 150 tokens the weights then miss a few hundredths of what they should add up
to."""
AT_ONCE = 8
"""Steps in one pass."""

Forward = Callable[..., "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class Word:
    """`text[start:end]` of the question ("question") or of what was read with it ("passage"), and its weight."""

    side: str
    start: int
    end: int
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """The words of both sides in their order. `figure` is what they add up to, above `baseline`: the same with all
    words masked. `rest` is figure less baseline less all weights."""

    words: tuple[Word, ...]
    figure: float
    baseline: float
    rest: float

    def heaviest(self, side: str, most: int = 8) -> list[Word]:
        """The words of one side with the largest weights, for or against, the largest first."""
        ours = [word for word in self.words if word.side == side and any(map(str.isalnum, word.text))]
        return sorted(ours, key=lambda word: -abs(word.weight))[:most]


def of_span(body: Path, trained: Path, question: str, passage: str, span: tuple[int, int]) -> Weighed | None:
    """What made the reader in `trained` (or `body` with what was trained in it) see this span of the passage.

    The figure is the span's margin over "no answer" in logits. None where no window of the passage holds the span.
    """
    recipe = read_recipe(trained)
    with devices.LOADING:
        model = load_model(body, trained, recipe)
    tokenizer = devices.tokenizer(trained if is_whole(trained) else body)
    tokenizer.enable_truncation(recipe.max_length, stride=recipe.stride, strategy="only_second")
    encoding = tokenizer.encode(question[: 8 * recipe.question_tokens], passage)
    for window in (encoding, *encoding.overflowing):
        first, last = (_token(window, at) for at in (span[0], span[1] - 1))
        if first is not None and last is not None:
            break
    else:
        return None

    def margin(ids: Any, types: Any, mask: Any) -> Any:
        out = model(input_ids=ids, token_type_ids=types, attention_mask=mask)
        starts, ends = out.start_logits, out.end_logits
        return starts[:, first] + ends[:, last] - starts[:, 0] - ends[:, 0]

    return _weighed(model, margin, window, tokenizer, (question, passage))


def of_cosine(folder: Path, question: str, sentence: str) -> Weighed:
    """Which words of a question bring its vector near a sentence's (the figure is their cosine), by the encoder in
    `folder`. The sentence's words are weighed the same way, against the question as it is."""
    import torch
    from transformers import AutoModel

    with devices.LOADING:
        devices.quiet()
        model: Any = AutoModel.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32, add_pooling_layer=False
        ).eval()
    tokenizer = devices.tokenizer(folder)
    tokenizer.enable_truncation(256)

    def vectors(ids: Any, types: Any, mask: Any) -> Any:
        states = model(input_ids=ids, token_type_ids=types, attention_mask=mask).last_hidden_state
        return torch.nn.functional.normalize((states * mask.unsqueeze(-1)).sum(1), dim=1)

    sides = []
    for side, (text, other) in enumerate(((question, sentence), (sentence, question))):
        with torch.no_grad():
            fixed = vectors(*_inputs(tokenizer.encode(other)))

        def cosine(ids: Any, types: Any, mask: Any, fixed: Any = fixed) -> Any:
            return (vectors(ids, types, mask) * fixed).sum(1)

        texts = (text, "") if side == 0 else ("", text)
        sides.append(_weighed(model, cosine, tokenizer.encode(text), tokenizer, texts, side=side))
    ours, theirs = sides
    return Weighed((*ours.words, *theirs.words), ours.figure, ours.baseline, ours.rest)


def _weighed(
    model: Any, forward: Forward, window: Any, tokenizer: Any, texts: tuple[str, str], *, side: int | None = None
) -> Weighed:
    import torch

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # captum imports matplotlib's pyplot, which complains of a home it cannot write
        from captum.attr import LayerIntegratedGradients

    ids, types, mask = _inputs(window)
    hidden = torch.tensor(window.special_tokens_mask, dtype=torch.bool)
    masked = torch.where(hidden, ids, torch.full_like(ids, tokenizer.token_to_id("[MASK]")))
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    layer = model.get_input_embeddings()
    layer.weight.requires_grad_(True)
    gradients = LayerIntegratedGradients(forward, layer)
    found = gradients.attribute(
        ids,
        baselines=masked,
        additional_forward_args=(types, mask),
        n_steps=STEPS,
        method="gausslegendre",
        internal_batch_size=AT_ONCE,
    )
    with torch.no_grad():
        figure, baseline = float(forward(ids, types, mask)[0]), float(forward(masked, types, mask)[0])
    weights = found.sum(-1)[0].tolist()
    words = _words(window, weights, texts, side)
    return Weighed(words, figure, baseline, figure - baseline - sum(word.weight for word in words))


def _words(window: Any, weights: Sequence[float], texts: tuple[str, str], side: int | None) -> tuple[Word, ...]:
    """Pieces of words put together again; their weights add up."""
    found: dict[tuple[int, int], tuple[int, int, float]] = {}
    rows = zip(window.sequence_ids, window.word_ids, window.offsets, weights, strict=True)
    for sequence, word, (start, end), weight in rows:
        if sequence is None or word is None:
            continue
        key = (sequence if side is None else side, word)
        begin, _, sum_ = found.get(key, (start, end, 0.0))
        found[key] = (begin, end, sum_ + weight)
    names = ("question", "passage")
    return tuple(
        Word(names[which], start, end, texts[which][start:end], weight)
        for (which, _), (start, end, weight) in found.items()
    )


def _inputs(window: Any) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    inputs = devices.tensors([window], "cpu")
    return inputs["input_ids"], inputs["token_type_ids"], inputs["attention_mask"]


def _token(window: Any, at: int) -> int | None:
    """The token of the passage that has this character."""
    pairs = enumerate(zip(window.sequence_ids, window.offsets, strict=True))
    return next((row for row, (side, (start, end)) in pairs if side == 1 and start <= at < end), None)
