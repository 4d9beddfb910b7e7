"""Which FAISS index holds a number of vectors, and how good it is: flat, then HNSW, then IVF-PQ.

    flat    exact; a search reads every vector: 100,000 of 384 dimensions are 150 MB
    hnsw    a graph over the vectors (Malkov and Yashunin 2016, arXiv:1603.09320): more memory, far fewer vectors read
    ivfpq   lists around trained centres, vectors as codes, a byte for eight of their numbers (Jégou, Douze and Schmid
            2011); what the codes find is ranked again by the vectors themselves, which stay on disk

What an index that is not exact loses is measured when it is made: made-up questions are asked with and without it, and
it searches as widely as the recall that was asked for needs.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from retrieval.types import IndexMade

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Kind = Literal["flat", "hnsw", "ivfpq"]
Progress = Callable[[int], None]

LINKS, CONSTRUCTION = 16, 80
"""HNSW: neighbours of a vector in the graph (twice as many at the bottom), and how widely they are looked for."""
TRAINABLE = 10_000
"""A quantiser of 256 centres for each part wants 39 vectors for each of them."""
POINTS_PER_LIST = 64
SAMPLE, K = 200, 10
"""So many questions are asked to measure recall@10."""
ASTRAY = (0.6, 0.8)
"""What a question's vector has of a passage's and of a direction at random. Passages' own vectors would be too easy:
the graph was made by looking for them. On 100,000 made-up vectors (`bench index`) HNSW's recall at widths 32, 64 and
128 was 88, 96 and 99 for vectors kept back, 91, 96 and 99 for these at a cosine of 0.8, and 82, 94 and 97 at 0.6.
"""
BLOCK = 10_000
"""So many vectors are added at once: what takes minutes says how far it is."""
WIDTHS = (32, 64, 128, 256, 512)
"""HNSW's efSearch and IVF's nprobe, the narrowest that reaches the recall."""
REFINE = 10
"""IVF-PQ brings so many times the hits that are wanted, to be ranked by their vectors."""


@dataclass(frozen=True, slots=True)
class Growth:
    """When an index becomes another. `kind` other than "auto" is taken at any size that allows it.

    `hnsw_from` is the number of passages from which a search is no longer exact, `memory_mib` what an index in memory
    may take before its vectors become codes, `recall` the recall@10 (0 to 1) that an index has to reach.
    """

    kind: Literal["auto", "flat", "hnsw", "ivfpq"] = "auto"
    hnsw_from: int = 100_000
    memory_mib: int = 1024
    recall: float = 0.95


def nobody(_: int) -> None:
    """Nobody listens."""


def choose(passages: int, dimensions: int, growth: Growth) -> tuple[Kind, str]:
    """The kind for so many vectors, and why, in words."""
    graph = hnsw_mib(passages, dimensions)
    if growth.kind == "ivfpq" and passages < TRAINABLE:
        return "flat", f"{passages:,} passages are too few to train a quantiser ({TRAINABLE:,} are needed)"
    if growth.kind != "auto":
        return growth.kind, "it is set"
    if passages < growth.hnsw_from:
        return "flat", f"{passages:,} passages are fewer than {growth.hnsw_from:,}: all of them are compared"
    if graph <= growth.memory_mib or passages < TRAINABLE:
        return "hnsw", f"{passages:,} passages, and {graph:,.0f} MiB are within {growth.memory_mib:,}"
    return "ivfpq", f"{passages:,} passages would take {graph:,.0f} MiB as they are, more than {growth.memory_mib:,}"


def hnsw_mib(passages: int, dimensions: int) -> float:
    """What an HNSW index of so many vectors takes in memory: float32 each, and the links."""
    return passages * (4 * dimensions + 4 * 2 * LINKS + 16) / 2**20


def make(vectors: NDArray[np.float32], growth: Growth, progress: Progress = nobody) -> tuple[Any, IndexMade]:
    """A FAISS index of float32 [passages, dimensions] of length 1, and what is to be known of it.

    `progress` is told how many vectors are in it.
    """
    import faiss

    kind, why = choose(len(vectors), vectors.shape[1], growth)
    began = time.perf_counter()
    index: Any
    if kind == "flat":
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(vectors)
        progress(len(vectors))
        return index, IndexMade(kind, why, 1.0, 0, 0, _mib(vectors.size * 4), _since(began))
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(vectors.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        index.hnsw.efConstruction = CONSTRUCTION
        _add(index, vectors, progress)
        memory = hnsw_mib(len(vectors), vectors.shape[1])
    else:
        index = _ivfpq(vectors, progress)
        memory = _mib(len(vectors) * (index.pq.code_size + 8) + index.nlist * vectors.shape[1] * 4)
    width, recall, sample = _widened(index, kind, vectors, growth.recall)
    if recall < growth.recall:
        why += f"; its recall is below the {100 * growth.recall:.0f} in 100 that was asked for"
    return index, IndexMade(kind, why, round(recall, 4), sample, width, round(memory, 1), _since(began))


def widen(index: Any, kind: Kind, width: int) -> None:
    """How much of the index every later search looks at."""
    if kind == "hnsw":
        index.hnsw.efSearch = width
    elif kind == "ivfpq":
        index.nprobe = min(width, index.nlist)


def refined(
    vectors: NDArray[np.floating], query: NDArray[np.float32], rows: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The best `k` of these rows by their own vectors, and their cosines, best first."""
    import numpy as np

    scores = np.asarray(vectors[rows], np.float32) @ query
    best = np.lexsort((rows, -scores))[:k]
    return rows[best], scores[best]


def _ivfpq(vectors: NDArray[np.float32], progress: Progress) -> Any:
    import faiss
    import numpy as np

    count, dimensions = vectors.shape
    lists = max(1, min(int(2 * count**0.5), count // POINTS_PER_LIST))
    most = max(1, dimensions // (8 if dimensions >= 256 else 2))
    parts = max(size for size in range(1, most + 1) if dimensions % size == 0)
    centres = faiss.IndexFlatIP(dimensions)
    index = faiss.IndexIVFPQ(centres, dimensions, lists, parts, 8, faiss.METRIC_INNER_PRODUCT)
    index.cp.max_points_per_centroid = POINTS_PER_LIST
    index.cp.min_points_per_centroid = 1
    index.pq.cp.max_points_per_centroid = POINTS_PER_LIST
    wanted = max(lists * POINTS_PER_LIST, 2 * TRAINABLE)
    taught = vectors
    if wanted < count:
        taught = vectors[np.sort(np.random.default_rng(0).choice(count, wanted, replace=False))]
    index.train(taught)
    _add(index, vectors, progress)
    return index


def _add(index: Any, vectors: NDArray[np.float32], progress: Progress) -> None:
    for start in range(0, len(vectors), BLOCK):
        index.add(vectors[start : start + BLOCK])
        progress(index.ntotal)


def _widened(index: Any, kind: Kind, vectors: NDArray[np.float32], wanted: float) -> tuple[int, float, int]:
    """Search as widely as `wanted` needs; the width, the recall@10 that it reached, over how many questions."""
    import faiss
    import numpy as np

    random = np.random.default_rng(1)
    size = min(SAMPLE, len(vectors))
    near = vectors[np.sort(random.choice(len(vectors), size, replace=False))]
    away = random.normal(size=near.shape).astype(np.float32)
    asked = ASTRAY[0] * near + ASTRAY[1] * away / np.linalg.norm(away, axis=1, keepdims=True)
    asked /= np.linalg.norm(asked, axis=1, keepdims=True)
    k = min(K, len(vectors))
    _, exact = faiss.knn(asked, vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
    width, recall = WIDTHS[0], 1.0
    for width in WIDTHS if size else ():
        widen(index, kind, width)
        _, rows = index.search(asked, min(k * (REFINE if kind == "ivfpq" else 1), len(vectors)))
        found = [near[near >= 0] for near in rows]
        if kind == "ivfpq":
            found = [refined(vectors, query, near, k)[0] for query, near in zip(asked, found, strict=True)]
        hits = sum(len(np.intersect1d(here, there)) for here, there in zip(found, exact, strict=True))
        recall = hits / (k * size)
        if recall >= wanted:
            break
    return width, recall, size


def _mib(size: float) -> float:
    return round(size / 2**20, 1)


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 2)
