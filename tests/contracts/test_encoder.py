"""What every encoder keeps to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from bot.engines import tables
from bot.engines.base import Encoder
from bot.errors import EngineUnready
from tests.contracts import engines


@pytest.fixture(scope="module", params=engines.names("encoder"))
def encoder(request: pytest.FixtureRequest) -> Iterator[Encoder]:
    with engines.started("encoder", request.param) as engine:
        yield engine


async def test_vectors_are_float32_of_length_one_also_for_an_empty_text(encoder: Encoder) -> None:
    vectors = await encoder.encode(["Where is my parcel?", "", "包裹在哪里?", "word " * 2000])
    assert vectors.dtype == np.float32
    assert vectors.shape == (4, encoder.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


async def test_nothing_gives_no_vectors(encoder: Encoder) -> None:
    assert (await encoder.encode([])).shape == (0, encoder.dimensions)


async def test_what_means_alike_lies_closer(encoder: Encoder) -> None:
    a, b, c = await encoder.encode(["return an item", "how to return an item", "the battery of the lamp is empty"])
    assert a @ b > a @ c


async def test_a_text_has_the_same_vector_alone_in_a_batch_and_in_a_crowd(encoder: Encoder) -> None:
    texts = ["one", "a somewhat longer text about returns", "two words " * 40]
    alone = np.concatenate([await encoder.encode([text]) for text in texts])
    assert np.allclose(alone, await encoder.encode(texts), atol=1e-4)
    crowd = await asyncio.gather(*(encoder.encode([texts[number % 3]]) for number in range(12)))
    assert all(np.allclose(crowd[number][0], alone[number % 3], atol=1e-4) for number in range(12))


async def test_it_has_a_name_and_is_ready(encoder: Encoder) -> None:
    assert encoder.name
    assert encoder.ready()


@pytest.mark.parametrize("name", tables.ENCODERS)
async def test_one_that_was_not_started_says_so(name: str) -> None:
    engine = engines.unstarted("encoder", name)
    assert not engine.ready()
    with pytest.raises(EngineUnready):
        await engine.encode(["text"])
