"""What every tagger keeps to. The one with weights is a company's own: `tests/finetune/test_heads.py` makes one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest

from bot.engines.base import Tagger
from bot.errors import EngineUnready
from tests.contracts import engines


@pytest.fixture(scope="module", params=engines.names("tagger"))
def tagger(request: pytest.FixtureRequest) -> Iterator[Tagger]:
    with engines.started("tagger", request.param) as engine:
        yield engine


async def test_marks_lie_in_the_text_and_do_not_overlap(tagger: Tagger) -> None:
    text = "a table for 4 at 18"
    marks = await tagger.tag(text)
    assert marks
    assert all(0 <= mark.start < mark.end <= len(text) and 0 <= mark.score <= 1 for mark in marks)
    assert all(first.end <= second.start for first, second in pairwise(marks))


async def test_nothing_is_marked_where_there_is_no_value(tagger: Tagger) -> None:
    assert await tagger.tag("") == []


@pytest.mark.parametrize("name", engines.names("tagger"))
async def test_before_it_is_started_it_is_unready(name: str) -> None:
    with pytest.raises(EngineUnready):
        await engines.unstarted("tagger", name).tag("a text")
