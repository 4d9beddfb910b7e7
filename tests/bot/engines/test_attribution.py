"""Which words weighed most, on the real models: the weights add up, and fall where a reader would point."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.engines import attribution
from bot.engines.attribution import Weighed, Word
from bot.engines.weights import Weights
from bot.settings import load
from tests import needs

PASSAGE = "Orders over 50 euro are sent free of charge. Parcels to islands take up to five working days."
QUESTION = "How long does a parcel take to an island?"
SPAN = (PASSAGE.index("up to five"), PASSAGE.index(" days") + len(" days"))


def missed(found: Weighed) -> float:
    """The share of the way from baseline to figure that the weights do not account for."""
    return abs(found.rest / (found.figure - found.baseline))


def place(name: str) -> Path:
    needs.weights("encoder", "reader")
    return Weights(load()).path(name)


@pytest.mark.models
def test_the_weights_of_a_span_add_up_and_its_own_words_are_for_it() -> None:
    found = attribution.of_span(place("encoder"), place("reader"), QUESTION, PASSAGE, SPAN)
    assert found is not None
    assert missed(found) < 0.25
    texts = {"question": QUESTION, "passage": PASSAGE}
    assert all(texts[word.side][word.start : word.end] == word.text for word in found.words)
    assert [word.text for word in found.words if word.side == "question"][:3] == ["How", "long", "does"]
    assert "islands" in [word.text for word in found.words]  # pieces of words are put together again
    second = PASSAGE.index("Parcels")
    near = sum(word.weight for word in found.words if word.side == "passage" and word.start >= second)
    far = sum(word.weight for word in found.words if word.side == "passage" and word.start < second)
    assert near > far


@pytest.mark.models
def test_a_span_that_is_not_in_the_passage_has_no_weights() -> None:
    assert attribution.of_span(place("encoder"), place("reader"), QUESTION, PASSAGE, (5_000, 5_010)) is None


@pytest.mark.models
def test_the_words_that_bring_a_question_near_a_sentence_are_those_they_share() -> None:
    found = attribution.of_cosine(place("encoder"), QUESTION, "Parcels to islands take up to five working days.")
    assert 0.5 < found.figure <= 1.0
    assert missed(found) < 0.1
    weights = {word.text: word.weight for word in found.words if word.side == "question"}
    assert min(weights["parcel"], weights["island"]) > max(weights["a"], weights["an"])
    sides = {word.side for word in found.words}
    assert sides == {"question", "passage"}


def test_the_heaviest_words_are_told_first_and_marks_are_none() -> None:
    words = (("parcel", 0.2), ("?", 9.0), ("not", -0.5), ("the", 0.1))
    found = Weighed(tuple(Word("question", 0, 1, text, weight) for text, weight in words), 1.0, 0.0, 0.0)
    assert [word.text for word in found.heaviest("question", 2)] == ["not", "parcel"]
    assert found.heaviest("passage") == []
