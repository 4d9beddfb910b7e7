"""The bank's questions, and the check that they agree with the bank's documents.

The documents are not part of the project, so this check is a command and not a test:

    python -m tests.answers.bank FOLDER
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from finetune.evals.words import says

FILE = Path(__file__).parent / "bank.jsonl"
LONGEST_SHARED_RUN = 7
"""Words in a row that a question may have in common with a document."""

Row = dict[str, Any]


def load(file: Path = FILE) -> list[Row]:
    """The rows, in the file's order; README.md says what is in one."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def words(text: str) -> list[str]:
    """The words of a text in lower case, without apostrophes and punctuation."""
    return re.sub(r"[^a-z0-9]+", " ", text.lower().replace("'", "")).split()


def runs(text: str, length: int) -> set[tuple[str, ...]]:
    """Every run of so many words."""
    said = words(text)
    return {tuple(said[at : at + length]) for at in range(len(said) - length + 1)}


def disagreements(rows: list[Row], folder: Path) -> Iterator[str]:
    """What a reader of the documents would object to, one line each.

    `folder` holds the documents as Markdown, each named in `expected_docs` without its suffix.
    """
    texts = {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.md"))}
    shared = set().union(*(runs(text, LONGEST_SHARED_RUN + 1) for text in texts.values()))
    for row in rows:
        if copied := runs(row["question"], LONGEST_SHARED_RUN + 1) & shared:
            yield f"{row['id']}: copied from a document: {' '.join(min(copied))}"
        for name in row["expected_docs"]:
            if name not in texts:
                yield f"{row['id']}: no document {name}"
                continue
            if "internal" in texts[name].partition("\n")[0].lower():
                yield f"{row['id']}: {name} is internal"
            for alternatives in row["must_contain"]:
                if not any(says(texts[name], each) for each in alternatives):
                    yield f"{row['id']}: {name} does not say {alternatives[0]!r}"
            for wrong in row["must_not_contain"]:
                if says(texts[name], wrong):
                    yield f"{row['id']}: {name} says {wrong!r}, which the answer may not"


if __name__ == "__main__":
    found = list(disagreements(load(), Path(sys.argv[1])))
    sys.stdout.write("".join(f"{line}\n" for line in [*found, f"{len(found)} disagreements"]))
    sys.exit(bool(found))
