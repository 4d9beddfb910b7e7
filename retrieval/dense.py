"""Search by meaning: passages' vectors in an exact FAISS index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import SnapshotError
from retrieval.texts import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class DenseIndex:
    """Row i is passage i. Vectors have length 1, so that the inner product is the cosine."""

    _index: Any

    @classmethod
    def build(cls, vectors: NDArray[np.float32]) -> DenseIndex:
        """From float32 [passages, dimensions]."""
        import faiss

        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        return cls(index)

    @classmethod
    def load(cls, file: Path) -> DenseIndex:
        """Raises SnapshotError where the file is missing or damaged."""
        import faiss

        try:
            return cls(faiss.read_index(str(file)))
        except RuntimeError as error:
            raise SnapshotError(f"{file} is damaged: {error}") from None

    def save(self, file: Path) -> None:
        """OSError. Not by FAISS itself, which does not notice when the disk is full at the file's end."""
        import faiss

        write_whole(file, faiss.serialize_index(self._index).tobytes())

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        return int(self._index.d)

    def vectors(self) -> NDArray[np.float32]:
        """All of them, float32 [passages, dimensions]."""
        found: NDArray[np.float32] = self._index.reconstruct_n(0, self.size)
        return found

    def cosines(self, vector: NDArray[np.float32], rows: Sequence[int]) -> dict[int, float]:
        """The cosines of single rows, by row."""
        return {row: float(self._index.reconstruct(row) @ vector) for row in rows}

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best `k` rows among the allowed ones and their cosines, best first; fewer when fewer are allowed.

        FAISS itself never looks at a row that is not allowed.
        """
        import faiss
        import numpy as np

        query = np.ascontiguousarray(vector, np.float32).reshape(1, -1)
        if query.shape[1] != self.dimensions:
            raise SnapshotError(
                f"the index holds vectors of {self.dimensions} dimensions and was asked with {query.shape[1]}: "
                "it was made with another encoder; ingest the documents again"
            )
        k = min(k, int(allowed.sum()))
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        bits = np.packbits(allowed, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
        parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, rows = self._index.search(query, k, params=parameters)
        found = rows[0] >= 0
        return rows[0][found], scores[0][found]
