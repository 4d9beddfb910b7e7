"""What every classifier keeps to. The one with weights is a company's own: `tests/finetune/test_heads.py` makes one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bot.engines.base import Classifier
from bot.errors import EngineUnready
from tests.contracts import engines


@pytest.fixture(scope="module", params=engines.names("classifier"))
def classifier(request: pytest.FixtureRequest) -> Iterator[Classifier]:
    with engines.started("classifier", request.param) as engine:
        yield engine


async def test_every_text_has_a_result_with_the_likeliest_label_first(classifier: Classifier) -> None:
    results = await classifier.classify(["return this item", "cancel the subscription"])
    assert [result.label for result in results] == ["return_item", "cancel_subscription"]
    for result in results:
        shares = [share for _, share in result.ranking]
        assert shares == sorted(shares, reverse=True)
        assert result.score == shares[0]
        assert {label for label, _ in result.ranking} <= set(classifier.labels)


async def test_what_is_out_of_scope_has_no_label(classifier: Classifier) -> None:
    (result,) = await classifier.classify(["zebra"])
    assert result.label is None


async def test_no_texts_have_no_results(classifier: Classifier) -> None:
    assert await classifier.classify([]) == []


@pytest.mark.parametrize("name", engines.names("classifier"))
async def test_before_it_is_started_it_is_unready(name: str) -> None:
    with pytest.raises(EngineUnready):
        await engines.unstarted("classifier", name).classify(["a text"])
