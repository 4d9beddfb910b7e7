"""A tiny data set in SQuAD's format, and a tiny BERT to train on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TOWNS = {
    "Bern": ("Bern lies on the river Aare.", "Which river runs through Bern?", "Aare"),
    "Turin": ("Turin lies on the river Po.", "Which river runs through Turin?", "Po"),
    "Cologne": ("Cologne lies on the river Rhine.", "Which river runs through Cologne?", "Rhine"),
    "Vienna": ("Vienna lies on the river Danube.", "Which river runs through Vienna?", "Danube"),
}

PROSE = (
    "The Aare rises in the Bernese Alps and reaches the Rhine at Koblenz after 288 kilometres. In 1714 the engineers "
    "of the town led the Kander into the lake of Thun, and a flood destroyed many bridges of the old road. The wooden "
    "bridge of Olten was built in 1803 by Blasius Baltenschwiler. Today the river drives 43 power stations, and the "
    "largest station of the Aare was opened by the canton in 1962."
)


def content(repeat: int = 3) -> dict[str, Any]:
    """One article a town, with an answerable and an unanswerable question on each of its paragraphs."""
    data = []
    for town, (context, question, answer) in TOWNS.items():
        paragraphs = []
        for number in range(repeat):
            text = f"{context} It has {number + 2} bridges."
            gold = {"text": answer, "answer_start": text.index(answer)}
            asked = {"id": f"{town}-{number}", "question": question, "answers": [gold], "is_impossible": False}
            other = {"id": f"{town}-{number}-no", "question": f"Who is the mayor of {town}?", "answers": []}
            paragraphs.append({"context": text, "qas": [asked, {**other, "is_impossible": True}]})
        data.append({"title": town, "paragraphs": paragraphs})
    return {"version": "v2.0", "data": data}


def write(folder: Path, name: str = "train.json") -> Path:
    """The data set as a file."""
    file = folder / name
    file.write_text(json.dumps(content()), encoding="utf-8")
    return file


def tiny_bert(folder: Path, dimensions: int = 32) -> Path:
    """A BERT of two layers with random weights, and a word-piece tokenizer over the towns' words."""
    import torch
    from transformers import BertConfig, BertModel, BertTokenizerFast

    words = sorted({w.strip(".?").lower() for c, q, _ in TOWNS.values() for w in f"{c} {q}".split()})
    letters = [*"abcdefghijklmnopqrstuvwxyz0123456789.?"]
    vocabulary = [
        "[PAD]",
        "[UNK]",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        *words,
        *letters,
        *(f"##{letter}" for letter in letters),
    ]
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=dimensions,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
    )
    folder.mkdir(parents=True, exist_ok=True)
    BertModel(config).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    BertTokenizerFast(vocab={word: at for at, word in enumerate(vocabulary)}).save_pretrained(folder)
    return folder
