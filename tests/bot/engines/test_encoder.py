"""The encoder in the server and the encoder of ingestion give the same vectors: else nothing would be found."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from bot.engines.encoder import MiniLM
from bot.engines.weights import Entry, Local, Weights
from bot.settings import load
from retrieval.encoder import SentenceEncoder
from tests.contracts import engines

pytestmark = pytest.mark.models
TEXTS = ["Where is my parcel?", "", "How long may I keep it? " * 80, "包裹", "Returns cost 4.90 EUR."]


def test_its_vectors_and_its_name_are_those_of_ingestion() -> None:
    with engines.started("encoder", "minilm") as served:
        here = asyncio.run(served.encode(TEXTS))
        ingested = SentenceEncoder(Weights(load()).path("encoder"))
        assert np.allclose(here, ingested.encode(TEXTS), atol=1e-4)
        assert (served.name, served.dimensions) == (ingested.name, ingested.dimensions)


def test_in_int8_its_vectors_point_the_same_way(tmp_path: Path) -> None:
    small = MiniLM(load(device="cpu", models=tmp_path, engines={"int8": True}), Weights(load()))
    asyncio.run(small.start())
    with engines.started("encoder", "minilm") as served:
        cosines = (asyncio.run(served.encode(TEXTS)) * asyncio.run(small.encode(TEXTS))).sum(1)
        assert small.name == served.name
    asyncio.run(small.close())
    assert float(cosines.min()) > 0.9


def test_a_folder_that_sentence_transformers_wrote_is_read_alike(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    SentenceTransformer(str(Weights(load()).path("encoder")), device="cpu").save(str(tmp_path / "tuned"))
    tuned = Entry(name="encoder", role="", licence="", source=Local(path=tmp_path / "tuned"))
    encoder = MiniLM(load(device="cpu"), Weights(load(), {"encoder": tuned}))
    asyncio.run(encoder.start())
    here = asyncio.run(encoder.encode(TEXTS))
    asyncio.run(encoder.close())
    assert np.allclose(here, SentenceEncoder(tmp_path / "tuned").encode(TEXTS), atol=1e-4)
