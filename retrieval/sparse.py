"""Search by words: BM25.

bm25s computes every score when the index is built (Lù 2024, "BM25S", arXiv:2407.03618: "eager" scoring), in the
compressed sparse columns that are stored here. A search only adds columns up, which needs numpy and nothing else.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.concepts import NONE, Concepts
from retrieval.errors import SnapshotError
from retrieval.texts import write_whole
from retrieval.words import terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K1 = 0.9
B = 0.4
"""Anserini's defaults. Against Lucene's 1.2 and 0.75 they raised MRR@10 on the turns that `hybrid` names from 0.165 to
0.175 (0.218 without stop words), and on Chinese questions over CMRC 2018 passages from 0.904 to 0.906.
"""


@dataclass(frozen=True, slots=True)
class SparseIndex:
    """Term t's passages are `rows[starts[t]:starts[t + 1]]`, and what each gains by it the same part of `gains`.

    Texts and queries alike are counted by their words and by what these mean (`concepts`).
    """

    size: int
    _terms: dict[str, int]
    _starts: NDArray[np.int64]
    _rows: NDArray[np.int32]
    _gains: NDArray[np.float32]
    concepts: Concepts = NONE

    @classmethod
    def build(cls, texts: Sequence[str], concepts: Concepts = NONE) -> SparseIndex:
        """Row i is `texts[i]`."""
        import bm25s
        import numpy as np

        split = [terms(text) + concepts.terms(text) for text in texts]
        vocabulary = {term: number for number, term in enumerate(sorted({term for found in split for term in found}))}
        if not vocabulary:
            return cls(len(texts), {}, np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0, np.float32), concepts)
        index = bm25s.BM25(k1=K1, b=B, method="lucene")
        ids = [[vocabulary[term] for term in found] for found in split]
        index.index((ids, dict(vocabulary)), show_progress=False, create_empty_token=False)
        columns = index.scores
        return cls(
            len(texts),
            vocabulary,
            columns["indptr"].astype(np.int64),
            columns["indices"].astype(np.int32),
            columns["data"].astype(np.float32),
            concepts,
        )

    @classmethod
    def load(cls, folder: Path) -> SparseIndex:
        """Raises SnapshotError where a file is missing or damaged."""
        import numpy as np

        try:
            said = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
            arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("starts", "rows", "gains")]
            vocabulary = {term: number for number, term in enumerate(said["terms"])}
            concepts = Concepts({word: tuple(means) for word, means in said.get("means", {}).items()})
            return cls(int(said["size"]), vocabulary, arrays[0], arrays[1], arrays[2], concepts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise SnapshotError(f"{folder} is damaged: {error}") from None

    def save(self, folder: Path) -> None:
        """OSError."""
        import numpy as np

        folder.mkdir()
        said = {"size": self.size, "terms": list(self._terms), "means": dict(self.concepts.means)}
        write_whole(folder / "terms.json", json.dumps(said, ensure_ascii=False))
        for name, array in (("starts", self._starts), ("rows", self._rows), ("gains", self._gains)):
            written = io.BytesIO()
            np.save(written, array)
            write_whole(folder / f"{name}.npy", written.getvalue())

    def passages_with(self, term: str) -> int:
        """How many passages have this term (of `words.terms`, or of the concepts)."""
        number = self._terms.get(term)
        return 0 if number is None else int(self._starts[number + 1] - self._starts[number])

    def asked(self, text: str) -> list[str]:
        """The terms of a query: its words, and what they mean."""
        known = self.concepts.words(text)
        return terms(self.concepts.rest(text)) + known + self.concepts.terms(text)

    def scores(self, text: str) -> NDArray[np.float32]:
        """BM25 of every passage, float32 [passages]; 0 where no word is shared."""
        import numpy as np

        total = np.zeros(self.size, np.float32)
        for term in dict.fromkeys(self.asked(text)):
            number = self._terms.get(term)
            if number is not None:
                column = slice(int(self._starts[number]), int(self._starts[number + 1]))
                total[self._rows[column]] += self._gains[column]  # a passage stands once in a column
        return total

    def search(self, text: str, k: int, allowed: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best `k` rows among the allowed ones that share a word with the text, and their scores, best first."""
        import numpy as np

        scores = np.where(allowed, self.scores(text), 0)
        k = min(k, int(np.count_nonzero(scores)))
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        best = np.argpartition(-scores, k - 1)[:k]
        best = best[np.lexsort((best, -scores[best]))]
        return best.astype(np.int64), scores[best]
