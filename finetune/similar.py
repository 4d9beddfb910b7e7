"""Words to say instead of a word: those next to it among the body's own word embeddings."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

LIKE, MOST = 0.5, 4


def similar_words(base: Path, words: Iterable[str]) -> dict[str, list[str]]:
    """For each of the words (lower case) that the tokenizer of the body in `base` knows whole, up to 4 others.

    Likeness is the cosine of the embeddings, at least 0.5: other forms of the word and words of like meaning, now and
    then its opposite. Words without such neighbours are left out.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    vocabulary: dict[str, int] = AutoTokenizer.from_pretrained(base, local_files_only=True).get_vocab()
    known = sorted(word for word in vocabulary if len(word) > 2 and word.isalpha() and word.isascii())
    asked = sorted(set(words) & set(known))
    weights = AutoModel.from_pretrained(base, local_files_only=True).get_input_embeddings().weight.detach().float()
    unit = torch.nn.functional.normalize(weights, dim=1)
    among = unit[[vocabulary[word] for word in known]]
    found: dict[str, list[str]] = {}
    for at in range(0, len(asked), 1000):
        part = asked[at : at + 1000]
        likeness = unit[[vocabulary[word] for word in part]] @ among.T
        values, places = likeness.topk(min(MOST + 1, len(known)), dim=1)
        for word, row, columns in zip(part, values.tolist(), places.tolist(), strict=True):
            near = [known[place] for value, place in zip(row, columns, strict=True) if value >= LIKE]
            others = [other for other in near if other != word][:MOST]
            if others:
                found[word] = others
    return found
