"""What evaluations run on in tests: a small bot on fakes, files of rows, and the command as it is typed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from channels.cli import main
from tests.bot import acme

Evaluate = Callable[..., dict[str, Any]]


def rows(file: Path, lines: Iterable[dict[str, Any]]) -> Path:
    """The lines as a file of JSON lines."""
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return file


def evaluator(folder: Path, capsys: pytest.CaptureFixture[str]) -> Evaluate:
    """`evaluate("answers", "--file", file)` -> what it prints; `wrong=True`: its complaint, under "error"."""
    bot = acme.write(folder / "bot")

    def evaluate(*words: str | Path, wrong: bool = False) -> dict[str, Any]:
        code = main(["eval", *map(str, words), "--home", str(folder / "home"), "--bot", str(bot), "--json"])
        said = capsys.readouterr()
        assert code == int(wrong), said.err
        if wrong:
            return {"error": said.err}
        found: dict[str, Any] = json.loads(said.out)
        return found

    return evaluate
