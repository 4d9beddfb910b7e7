"""Search by meaning: passages' vectors in a FAISS index, exact or (`retrieval.grow`) as good as it was asked to be."""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval.errors import SnapshotError
from retrieval.grow import REFINE, Growth, Kind, Progress, make, nobody, refined
from retrieval.texts import write_whole
from retrieval.types import IndexMade

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

VECTORS = "vectors.npy"
"""Beside an index of codes: the vectors themselves, half precision, read where they are needed."""
SELECTIVE = 0.1
"""Where a filter leaves a smaller share than this, all that it leaves is compared: a graph or lists made over the whole
would mostly find what may not be seen."""
FEW = 10_000
"""So many are compared at once whatever their share."""
GPU_MOST = 2048
"""FAISS brings no more hits from a GPU."""
_BLOCK = 65_536


@dataclass(frozen=True, slots=True)
class DenseIndex:
    """Row i is passage i. Vectors have length 1, so that the inner product is the cosine.

    `made` says how it was made; None after loading, where the manifest has it. `_kept` are the vectors of an index of
    codes, float16 [passages, dimensions], `_gpu` a copy of the index there, if there is one.
    """

    _index: Any
    kind: Kind = "flat"
    made: IndexMade | None = None
    _kept: NDArray[np.float16] | None = None
    _gpu: Any = None

    @classmethod
    def build(
        cls, vectors: NDArray[np.float32], growth: Growth | None = None, progress: Progress = nobody
    ) -> DenseIndex:
        """From float32 [passages, dimensions]; of the kind that their number asks for. `progress` as for `make`."""
        import numpy as np

        index, made = make(vectors, growth or Growth(), progress)
        kept = vectors.astype(np.float16) if made.kind == "ivfpq" else None
        return cls(index, made.kind, made, kept)

    @classmethod
    def load(cls, file: Path, *, gpu: bool = False) -> DenseIndex:
        """Raises SnapshotError where the file is missing or damaged. `gpu`: on a GPU, where FAISS has one."""
        import faiss
        import numpy as np

        try:
            index = faiss.read_index(str(file))
            kind: Kind = "flat"
            kept = None
            if isinstance(index, faiss.IndexHNSWFlat):
                kind = "hnsw"
            elif isinstance(index, faiss.IndexIVFPQ):
                kind, kept = "ivfpq", np.load(file.with_name(VECTORS), mmap_mode="r", allow_pickle=False)
        except (RuntimeError, OSError, ValueError, EOFError) as error:
            raise SnapshotError(f"{file} is damaged: {error}") from None
        if kept is not None and kept.shape != (index.ntotal, index.d):
            raise SnapshotError(f"{file} is damaged: {VECTORS} does not belong to it")
        return cls(index, kind, None, kept, _on_gpu(index, kind) if gpu else None)

    def save(self, file: Path) -> None:
        """OSError. Not by FAISS itself, which does not notice when the disk is full at the file's end."""
        import faiss
        import numpy as np

        write_whole(file, faiss.serialize_index(self._index).data)
        if self._kept is not None:
            content = io.BytesIO()
            np.save(content, self._kept, allow_pickle=False)
            write_whole(file.with_name(VECTORS), content.getbuffer())

    @property
    def size(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimensions(self) -> int:
        return int(self._index.d)

    def vectors(self) -> NDArray[np.float32]:
        """All of them, float32 [passages, dimensions]; those of an index of codes to three digits."""
        import numpy as np

        if self._kept is not None:
            return np.asarray(self._kept, np.float32)
        found: NDArray[np.float32] = self._index.reconstruct_n(0, self.size)
        return found

    def row(self, row: int) -> NDArray[np.float32]:
        """One passage's vector."""
        import numpy as np

        if self._kept is not None:
            return np.asarray(self._kept[row], np.float32)
        found: NDArray[np.float32] = self._index.reconstruct(row)
        return found

    def cosines(self, vector: NDArray[np.float32], rows: Sequence[int]) -> dict[int, float]:
        """The cosines of single rows, by row."""
        return {row: float(self.row(row) @ vector) for row in rows}

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The best `k` rows among the allowed ones and their cosines, best first; fewer when fewer are allowed.

        A row that is not allowed is never given, whatever the index; where an index that is not exact finds fewer than
        there are, all that is allowed is compared.
        """
        import numpy as np

        query = np.ascontiguousarray(vector, np.float32).reshape(1, -1)
        if query.shape[1] != self.dimensions:
            raise SnapshotError(
                f"the index holds vectors of {self.dimensions} dimensions and was asked with {query.shape[1]}: "
                "it was made with another encoder; ingest the documents again"
            )
        count = int(allowed.sum())
        k = min(k, count)
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        share = count / self.size
        if self._gpu is not None:
            rows, scores = self._from_gpu(query, k, allowed, share)
            if len(rows) == k:
                return rows, scores
        if self.kind != "flat" and share >= SELECTIVE and count > max(FEW, k):
            rows, scores = self._nearly(query, k, allowed, share)
            if len(rows) == k:
                return rows, scores
        return self._exactly(query, k, allowed)

    def _nearly(
        self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_], share: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """By the graph or the lists, wider by as much as the filter leaves out."""
        import faiss

        selector, _bits = _selector(allowed)  # the selector reads the bits: they must live as long as it
        if self.kind == "hnsw":
            width = max(int(self._index.hnsw.efSearch / share), k)
            parameters = faiss.SearchParametersHNSW(sel=selector, efSearch=width)  # type: ignore[attr-defined]
            scores, rows = self._index.search(query, k, params=parameters)
            return _lawful(rows[0], scores[0], allowed, k)
        probes = min(int(self._index.nprobe / share), self._index.nlist)
        parameters = faiss.SearchParametersIVF(sel=selector, nprobe=probes)  # type: ignore[call-arg]
        scores, rows = self._index.search(query, REFINE * k, params=parameters)
        rows, _ = _lawful(rows[0], scores[0], allowed, REFINE * k)
        assert self._kept is not None  # noqa: S101 - made and loaded with it
        return refined(self._kept, query[0], rows, k)

    def _exactly(
        self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        import faiss
        import numpy as np

        if self._kept is not None:
            rows, scores = np.zeros(0, np.int64), np.zeros(0, np.float32)
            open_to = np.flatnonzero(allowed)
            for start in range(0, len(open_to), _BLOCK):
                block = np.concatenate([rows, open_to[start : start + _BLOCK]])
                rows, scores = refined(self._kept, query[0], block, k)
            return rows, scores
        exact = faiss.downcast_index(self._index.storage) if self.kind == "hnsw" else self._index
        selector, _bits = _selector(allowed)
        found, near = exact.search(query, k, params=faiss.SearchParameters(sel=selector))  # type: ignore[call-arg]
        return _lawful(near[0], found[0], allowed, k)

    def _from_gpu(
        self, query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_], share: float
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """A GPU knows no filter: it brings more than is wanted, and what is not allowed is dropped."""
        more = REFINE if self._kept is not None else 1
        scores, rows = self._gpu.search(query, min(int(2 * more * k / share) + 1, GPU_MOST, self.size))
        found, near = _lawful(rows[0], scores[0], allowed, more * k)
        return (found, near) if self._kept is None else refined(self._kept, query[0], found, k)


def _selector(allowed: NDArray[np.bool_]) -> tuple[Any, NDArray[np.uint8]]:
    import faiss
    import numpy as np

    bits = np.packbits(allowed, bitorder="little")
    return faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits)), bits


def _lawful(
    rows: NDArray[np.int64], scores: NDArray[np.float32], allowed: NDArray[np.bool_], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """What was found and may be seen. FAISS has looked at the filter already; what customers see hangs on it."""
    keep = rows >= 0
    keep[keep] = allowed[rows[keep]]
    return rows[keep][:k], scores[keep][:k]


@cache
def _resources() -> Any:
    """The GPU's scratch memory: it must live as long as any index there."""
    import faiss

    return faiss.StandardGpuResources()


def _on_gpu(index: Any, kind: Kind) -> Any:
    """A copy on the first GPU; None where this FAISS has none, or cannot take it there: the CPU's is used then."""
    import faiss

    if kind == "hnsw" or not index.ntotal or not getattr(faiss, "get_num_gpus", int)():
        return None
    try:
        return faiss.index_cpu_to_gpu(_resources(), 0, index)
    except (RuntimeError, AttributeError) as error:
        log.warning("the index is searched on the CPU: %s", str(error).split("\n")[0])
        return None
