"""Rows that are wrong are told with their line and field."""

from __future__ import annotations

from pathlib import Path

import pytest

from finetune.evals.judging import Asked
from finetune.evals.rows import RowError, bytes_of, read, some
from tests.finetune.evals.company import rows


def test_rows_come_in_order_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(
        '\ufeff{"question": "a", "kind": "attack", "note": "mine"}\n\n'
        '{"question": "b", "must_contain": ["x", ["y", "z"]]}\n'
    )
    first, second = read(file, Asked)
    assert (first.line, second.line) == (1, 3)
    assert second.must_contain == (("x",), ("y", "z"))


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"question": ""}', "line 1: question"),
        ('{"question": "a"}', "must_contain"),
        ('{"question": "a", "must_contain": [[]]}', "must_contain"),
        ('{"question": "a", "must_contain": [[" "]]}', "must_contain"),
        ('{"question": "a", "kind": "attack", "history": [{"role": "user", "text": "b"}]}', "history.0.role"),
        ("[1]", "line 1 must be an object"),
        ("{", "line 1 is not JSON"),
    ],
)
def test_a_wrong_row_is_told_with_line_and_field(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(RowError, match=told):
        read(file, Asked)


def test_a_file_that_is_not_there_or_empty_is_told(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="cannot be read"):
        read(tmp_path / "none.jsonl", Asked)
    with pytest.raises(RowError, match="no rows"):
        read(rows(tmp_path / "empty.jsonl", []), Asked)
    with pytest.raises(RowError, match=r"line 4: audio: gone\.wav"):
        bytes_of(tmp_path / "rows.jsonl", 4, "audio", "gone.wav")


def test_a_limit_takes_rows_from_all_over_the_file() -> None:
    for limit in (1, 4, 7, 60, 99):
        taken = some(range(100), limit)
        assert len(set(taken)) == limit
        assert all(abs(row - at * 100 / limit) <= 100 / limit for at, row in enumerate(taken))
        assert taken == some(range(100), limit)
    assert len({row % 4 for row in some(range(100), 25)}) == 4
    assert some(range(3), 9) == [0, 1, 2]
    assert some(range(3), None) == [0, 1, 2]
