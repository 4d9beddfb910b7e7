from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from finetune import contrastive
from finetune import encoder_data as data
from finetune.data import DataError
from finetune.encoder_data import Pair
from finetune.encoder_report import fused, scores, words
from tests.finetune import squad


def test_pairs_and_grounded_turns_are_read(tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    lines = [
        {"query": "Where?", "passage": "Here."},
        {"question": "When?", "passage": "Now.", "reply": "<b>Now</b>, please."},
        {"question": "Why?", "passage": "Because.", "reply": "Unfortunately, no relevant information is found."},
    ]
    file.write_text("\n".join(map(json.dumps, lines)) + "\n\n", encoding="utf-8")
    assert data.read(file) == [Pair("Where?", "Here."), Pair("When?", "Now.", "Now, please."), Pair("Why?", "Because.")]


@pytest.mark.parametrize("line", ['{"query": "Where?"}', '{"query": "", "passage": "Here."}', "[]", "no JSON"])
def test_a_line_that_is_no_pair_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text('{"query": "Where?", "passage": "Here."}\n' + line, encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        data.read(file)


def test_a_file_that_is_not_there_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        data.read(tmp_path / "nowhere.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(DataError, match="no pairs"):
        data.read(tmp_path / "empty.jsonl")


def test_a_passage_is_in_one_part_only_and_the_same_one_each_time() -> None:
    pairs = [Pair(f"question {at}", f"passage {at % 20}") for at in range(60)]
    parts = data.split(pairs, 7)
    found = [{pair.passage for pair in part} for part in (parts.train, parts.choose, parts.report)]
    assert [len(part) for part in found] == [12, 3, 5]
    assert len(set.union(*found)) == 20
    assert parts.counts() == {"train": 36, "choose": 9, "report": 15, "passages": 20}
    assert data.split(pairs, 7) == parts
    assert data.split(pairs, 8) != parts


def test_too_few_passages_to_split_are_refused() -> None:
    with pytest.raises(DataError, match="too few"):
        data.split([Pair("a", "b"), Pair("c", "d")], 1)


def test_passages_that_say_the_same_are_found() -> None:
    passages = [
        "You must renew your licence within ten days of moving.",
        "you must renew your licence, within ten days of moving!  Bring a bill.",
        "You may keep the plates of your car.",
        "Yes.",
        "Yes, you may.",
    ]
    assert data.alike(passages) == [{1}, {0}, set(), set(), set()]


def test_texts_to_keep_are_read_from_all_formats(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ntwo\n")
    (tmp_path / "b.csv").write_text("text,category\nthree,x\none,y\n")
    (tmp_path / "c.jsonl").write_text('{"query": "four"}\n{"text": "five"}\n')
    files = [tmp_path / name for name in ("a.txt", "b.csv", "c.jsonl")]
    assert data.read_kept(files) == ["one", "two", "three", "four", "five"]
    assert "Which river runs through Bern?" in data.read_kept([squad.write(tmp_path)])
    (tmp_path / "d.csv").write_text("question\nsix\n")
    with pytest.raises(DataError, match=r"d\.csv"):
        data.read_kept([tmp_path / "d.csv"])


def test_scores_count_where_the_passage_stands() -> None:
    found = np.zeros((2, 12), np.float32)
    found[0, 3] = 1.0
    found[1] = np.linspace(1, 0, 12)
    both = scores(found, [3, 5])
    assert (both.recall_1, both.recall_5, both.recall_10) == (50, 50, 100)
    assert both.mrr == pytest.approx(100 * (1 + 1 / 6) / 2)


def test_meaning_and_words_are_fused_as_the_product_does() -> None:
    cosines = np.array([[0.5, 0.4, 0.1]], np.float32)
    bm25 = words(["rivers flow", "a licence is renewed", "plates"], ["renew licence"])
    assert np.allclose(fused(cosines, bm25, 0.7), [[0.35, 0.58, 0.07]])
    assert np.allclose(fused(cosines, np.zeros_like(cosines), 0.7), 0.7 * cosines)


def test_only_what_is_worse_counts_as_wrong() -> None:
    import torch

    queries = torch.tensor([[1.0, 0.0]])
    texts = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    right = contrastive.fits([0], [0, 1, 2])
    nothing = torch.zeros_like(right)
    plain = contrastive.infonce(queries, texts, right, nothing, 20.0)
    hidden = contrastive.infonce(queries, texts, right, contrastive.as_good([0], [0, 1, 2], [{1}, {0}, set()]), 20.0)
    assert plain.item() == pytest.approx(np.log(2), abs=1e-4)
    assert hidden.item() == pytest.approx(0, abs=1e-4)


def test_texts_that_stay_have_not_drifted() -> None:
    import torch

    before = torch.nn.functional.normalize(torch.randn(6, 8, generator=torch.Generator().manual_seed(1)), dim=1)
    assert contrastive.drift(before, before, 20.0).item() == pytest.approx(0, abs=1e-5)
    assert contrastive.drift(before.flip(0), before, 20.0).item() > 0.1
