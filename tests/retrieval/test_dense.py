"""Whatever the index: what may not be seen never comes, a selective filter gives its k, and the loss is measured."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from retrieval import dense as dense_module
from retrieval.dense import DenseIndex
from retrieval.errors import SnapshotError
from retrieval.grow import Growth, choose, hnsw_mib

ROWS, DIMENSIONS, CLUSTERS = 10_400, 16, 40
KINDS = ("flat", "hnsw", "ivfpq")


def clustered(rows: int, seed: int = 0) -> NDArray[np.float32]:
    """Vectors of length 1 around `CLUSTERS` places, cluster after cluster: row `i` is in `i * CLUSTERS // rows`."""
    random = np.random.default_rng(seed)
    places = np.random.default_rng(99).normal(size=(CLUSTERS, DIMENSIONS))
    found = places[np.arange(rows) * CLUSTERS // rows] + 0.4 * random.normal(size=(rows, DIMENSIONS))
    return np.ascontiguousarray(found / np.linalg.norm(found, axis=1, keepdims=True), np.float32)


VECTORS = clustered(ROWS)
ASKED = clustered(200, seed=5)


@pytest.fixture(scope="module")
def indexes() -> dict[str, DenseIndex]:
    return {kind: DenseIndex.build(VECTORS, Growth(kind=kind)) for kind in KINDS}  # type: ignore[arg-type]


def best(query: NDArray[np.float32], k: int, allowed: NDArray[np.bool_]) -> list[int]:
    rows = np.flatnonzero(allowed)
    return rows[np.argsort(-(VECTORS[rows] @ query), kind="stable")[:k]].tolist()


def recall(index: DenseIndex, allowed: NDArray[np.bool_], k: int = 10) -> float:
    shares = [len(set(index.search(query, k, allowed)[0]) & set(best(query, k, allowed))) / k for query in ASKED]
    return float(np.mean(shares))


def test_the_kind_follows_size_and_memory() -> None:
    growth = Growth(hnsw_from=1000, memory_mib=100)
    assert choose(999, 384, growth)[0] == "flat"
    assert choose(1000, 384, growth)[0] == "hnsw"
    kind, why = choose(1_000_000, 384, growth)
    assert kind == "ivfpq"
    assert "MiB" in why
    assert choose(60_000, 384, growth)[0] == ("hnsw" if hnsw_mib(60_000, 384) <= 100 else "ivfpq")
    assert choose(500, 384, Growth(kind="ivfpq"))[0] == "flat"
    assert choose(500, 384, Growth(kind="hnsw")) == ("hnsw", "it is set")


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_against_exact_search_is_measured_and_within_what_was_asked(
    indexes: dict[str, DenseIndex], kind: str
) -> None:
    made = indexes[kind].made
    assert made is not None
    assert (made.kind, indexes[kind].kind) == (kind, kind)
    assert made.recall >= 0.95
    assert recall(indexes[kind], np.ones(ROWS, np.bool_)) >= 0.9
    assert (made.sample, made.width) == (0, 0) if kind == "flat" else made.sample == 200


def test_an_index_that_cannot_reach_the_recall_says_so() -> None:
    made = DenseIndex.build(clustered(500), Growth(kind="hnsw", recall=1.01)).made
    assert made is not None
    assert "below" in made.why


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    share=st.sampled_from([0.0001, 0.001, 0.05, 0.11, 0.5, 0.9, 0.9999]),
    k=st.integers(1, 300),
    aimed=st.booleans(),
    by_cluster=st.booleans(),
)
def test_what_is_not_allowed_never_comes_and_k_hits_do(
    indexes: dict[str, DenseIndex], kind: str, seed: int, share: float, k: int, aimed: bool, by_cluster: bool
) -> None:
    """Filters at random and filters that leave whole regions out, asked with the very vector of what is hidden."""
    random = np.random.default_rng(seed)
    allowed = random.random(ROWS) < share
    if by_cluster:
        allowed = np.repeat(random.random(CLUSTERS) < share, ROWS // CLUSTERS)
    hidden = np.flatnonzero(~allowed)
    query = VECTORS[random.choice(hidden)] if aimed and len(hidden) else ASKED[seed % len(ASKED)]
    rows, scores = indexes[kind].search(query, k, allowed)
    assert len(rows) == len(set(rows.tolist())) == min(k, int(allowed.sum()))
    assert allowed[rows].all()
    assert (np.diff(scores) <= 1e-6).all()
    assert np.allclose(scores, VECTORS[rows] @ query, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("left", [1, 3, 12, 30])
def test_a_filter_that_leaves_regions_far_from_the_question_still_finds_the_best_there(
    indexes: dict[str, DenseIndex], kind: str, left: int
) -> None:
    allowed = np.repeat(np.arange(CLUSTERS) < left, ROWS // CLUSTERS)
    assert recall(indexes[kind], allowed) >= 0.9


@pytest.mark.parametrize("kind", KINDS)
def test_an_index_comes_back_as_it_was_saved(indexes: dict[str, DenseIndex], kind: str, tmp_path: Path) -> None:
    made = indexes[kind]
    made.save(tmp_path / "dense.faiss")
    loaded = DenseIndex.load(tmp_path / "dense.faiss")
    assert (loaded.kind, loaded.size, loaded.dimensions) == (kind, ROWS, DIMENSIONS)
    everything = np.ones(ROWS, np.bool_)
    for query in ASKED[:20]:
        assert loaded.search(query, 10, everything)[0].tolist() == made.search(query, 10, everything)[0].tolist()
    assert np.allclose(loaded.vectors(), VECTORS, atol=1e-3)
    assert loaded.cosines(ASKED[0], [5])[5] == pytest.approx(float(VECTORS[5] @ ASKED[0]), abs=2e-3)


def test_codes_without_their_vectors_are_damaged(indexes: dict[str, DenseIndex], tmp_path: Path) -> None:
    indexes["ivfpq"].save(tmp_path / "dense.faiss")
    np.save(tmp_path / dense_module.VECTORS, np.zeros((3, DIMENSIONS), np.float16))
    with pytest.raises(SnapshotError, match="does not belong"):
        DenseIndex.load(tmp_path / "dense.faiss")
    (tmp_path / dense_module.VECTORS).unlink()
    with pytest.raises(SnapshotError, match="damaged"):
        DenseIndex.load(tmp_path / "dense.faiss")


@pytest.mark.parametrize("kind", ["flat", "ivfpq"])
def test_a_gpu_that_knows_no_filter_shows_nothing_hidden_either(
    indexes: dict[str, DenseIndex], kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the CPU's index in the GPU's place: FAISS for the CPU has no other."""
    import faiss

    indexes[kind].save(tmp_path / "dense.faiss")
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)
    monkeypatch.setattr(faiss, "StandardGpuResources", SimpleNamespace, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", lambda _resources, _device, index: index, raising=False)
    loaded = DenseIndex.load(tmp_path / "dense.faiss", gpu=True)
    assert loaded._gpu is not None
    for share in (0.001, 0.3, 0.95):
        allowed = np.random.default_rng(3).random(ROWS) < share
        rows, _ = loaded.search(ASKED[0], 10, allowed)
        assert len(rows) == min(10, allowed.sum())
        assert allowed[rows].all()
        assert len(set(rows.tolist()) & set(best(ASKED[0], 10, allowed))) >= 8


def test_a_gpu_that_fails_leaves_the_search_to_the_cpu(
    indexes: dict[str, DenseIndex], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import faiss

    def refuse(*_: object) -> object:
        raise RuntimeError("out of memory")

    indexes["flat"].save(tmp_path / "dense.faiss")
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1, raising=False)
    monkeypatch.setattr(faiss, "StandardGpuResources", SimpleNamespace, raising=False)
    monkeypatch.setattr(faiss, "index_cpu_to_gpu", refuse, raising=False)
    loaded = DenseIndex.load(tmp_path / "dense.faiss", gpu=True)
    assert loaded._gpu is None
    assert len(loaded.search(ASKED[0], 3, np.ones(ROWS, np.bool_))[0]) == 3
