from __future__ import annotations

from pathlib import Path

from finetune.similar import similar_words
from tests.finetune import squad


def test_neighbours_among_the_embeddings_are_similar(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    base = squad.tiny_bert(tmp_path)
    model, vocabulary = AutoModel.from_pretrained(base), AutoTokenizer.from_pretrained(base).get_vocab()
    table = model.get_input_embeddings().weight
    with torch.no_grad():
        table[vocabulary["aare"]] = table[vocabulary["rhine"]] * 1.5
    model.save_pretrained(base)
    found = similar_words(base, ["aare", "rhine", "unheard", "bern"])
    assert found["aare"] == ["rhine"]
    assert found["rhine"] == ["aare"]
    assert "unheard" not in found
