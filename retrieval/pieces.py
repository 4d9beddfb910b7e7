"""Vectors of the pieces of passages that a question is compared with, beside an index, found by their text.

What answers is a sentence, an item or a row of a passage. Encoding six of them with each question took a fifth of a
turn; here they are encoded once, when the index is made. Half precision, mapped into memory: only what is asked for is
read.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import SnapshotError
from retrieval.texts import write_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

KEYS, VECTORS = "pieces-keys.npy", "pieces.npy"


@dataclass(frozen=True, slots=True)
class Pieces:
    """`keys` are the texts' digests in order, uint64 [pieces]; `vectors` float16 [pieces, dimensions] beside them."""

    keys: NDArray[np.uint64]
    vectors: NDArray[np.float16]

    @classmethod
    def none(cls, dimensions: int) -> Pieces:
        """No pieces at all: everything is encoded when it is asked for."""
        import numpy as np

        return cls(np.zeros(0, np.uint64), np.zeros((0, dimensions), np.float16))

    @classmethod
    def of(cls, texts: Sequence[str], vectors: NDArray[np.floating]) -> Pieces:
        """These texts with their vectors [len(texts), dimensions]."""
        import numpy as np

        keys, rows = np.unique(_keys(texts), return_index=True)
        return cls(keys, vectors[rows].astype(np.float16))

    def find(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], list[int]]:
        """Vectors float32 [len(texts), dimensions], and which rows are not known (zeros)."""
        import numpy as np

        found = np.zeros((len(texts), self.vectors.shape[1]), np.float32)
        wanted = _keys(texts)
        at = np.searchsorted(self.keys, wanted)
        at[at == len(self.keys)] = 0
        known = self.keys[at] == wanted if len(self.keys) else np.zeros(len(texts), np.bool_)
        found[known] = self.vectors[at[known]]
        return found, np.flatnonzero(~known).tolist()

    def save(self, folder: Path) -> None:
        """Two files in the folder. OSError when they cannot be written."""
        import numpy as np

        for name, array in ((KEYS, self.keys), (VECTORS, self.vectors)):
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            write_whole(folder / name, content.getvalue())

    @classmethod
    def load(cls, folder: Path) -> Pieces:
        """Raises SnapshotError when the files are missing or damaged."""
        import numpy as np

        try:
            keys = np.load(folder / KEYS, allow_pickle=False)
            vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise SnapshotError(f"{folder / VECTORS} cannot be read: {error}") from None
        if keys.dtype != np.uint64 or vectors.dtype != np.float16 or len(keys) != len(vectors):
            raise SnapshotError(f"{folder / VECTORS} is damaged: its parts do not belong together")
        return cls(keys, vectors)


def _keys(texts: Sequence[str]) -> NDArray[np.uint64]:
    """64 bits of SHA-256 each: two texts of one company share them once in thousands of years."""
    import numpy as np

    digests = b"".join(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8] for text in texts)
    return np.frombuffer(digests, np.uint64)
