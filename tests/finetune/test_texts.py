from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune.data import DataError
from finetune.texts import Text, cut, read_texts
from tests.finetune import squad


def test_documents_json_and_json_lines_are_read_each_text_once(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(f"# Rivers\n\n{squad.PROSE}\n", encoding="utf-8")
    (tmp_path / "again.txt").write_text(squad.PROSE, encoding="utf-8")
    (tmp_path / "rows.jsonl").write_text(
        json.dumps({"id": 1, "text": "A mill. " + squad.PROSE}) + "\n", encoding="utf-8"
    )
    nested = {"data": [{"paragraphs": [{"context": "Its lake. " + squad.PROSE, "short": "Too short."}]}]}
    (tmp_path / "squad.json").write_text(json.dumps(nested), encoding="utf-8")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8")
    found = read_texts([tmp_path])
    assert sorted(text.document.rsplit("/")[-1].split("#")[0] for text in found) == [
        "again.txt",
        "page.md",
        "rows.jsonl",
        "squad.json",
    ]


def test_long_texts_are_cut_at_sentences_and_lose_their_markup() -> None:
    pieces = list(cut(Text("d", "## Title\n\n" + f"<p>**{squad.PROSE}**</p> " * 4)))
    assert len(pieces) > 1
    for piece in pieces:
        assert not {"<", "*", "#"} & set(piece.text)
        assert piece.text.endswith(".")
        assert len(piece.text.split()) < 170


def test_what_cannot_be_used_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist"):
        read_texts([tmp_path / "nowhere"])
    (tmp_path / "short.txt").write_text("Only a few words.", encoding="utf-8")
    with pytest.raises(DataError, match="no text of at least 25 words"):
        read_texts([tmp_path])
    (tmp_path / "broken.jsonl").write_text("{", encoding="utf-8")
    with pytest.raises(DataError, match="is not JSON"):
        read_texts([tmp_path])
