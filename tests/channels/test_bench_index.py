"""`frontdesk bench index`, small: every kind is built, asked, and held against exact search."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from channels.bench.index import clustered
from channels.cli import main


def test_every_kind_stands_beside_exact_search(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sizes = ["--passages", "10500", "--dimensions", "16", "--queries", "20"]
    assert main(["bench", "index", *sizes, "--home", str(tmp_path), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["chosen"] == "flat"
    assert set(found["kinds"]) == {"flat", "hnsw", "ivfpq"}
    assert found["kinds"]["flat"]["recall_at_10"] == 100
    for figures in found["kinds"].values():
        assert figures["recall_at_10"] >= 60
        assert figures["p50_ms"] > 0
        assert figures["build_seconds"] >= 0
        assert figures["memory_mib"] > 0


def test_too_small_a_bench_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "index", "--passages", "10", "--home", str(tmp_path)]) == 1
    assert "--passages 1000" in capsys.readouterr().err


def test_the_made_up_vectors_are_the_same_every_time() -> None:
    first, second = clustered(2000, 24, 5), clustered(2000, 24, 5)
    assert np.array_equal(first[0], second[0])
    assert np.allclose(np.linalg.norm(first[1], axis=1), 1, atol=1e-5)
