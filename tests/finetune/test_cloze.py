from __future__ import annotations

from pathlib import Path

import pytest

from finetune.cloze import Maker, made_sets
from finetune.data import Example
from finetune.grammar import FUNCTION, Grammar
from finetune.texts import Text
from tests.finetune import squad

TEXTS = [Text("rivers", squad.PROSE), Text("towns", squad.PROSE.replace("Aare", "Reuss").replace("1803", "1840"))]


def test_every_answer_stands_where_it_is_said_to() -> None:
    made = Maker(TEXTS).make(200, 1)
    assert len(made) == 200
    for example in made:
        for gold in (*example.answers, *example.plausible):
            assert example.context[gold.start : gold.start + len(gold.text)] == gold.text


def test_a_seed_gives_the_same_questions_and_another_gives_others() -> None:
    maker = Maker(TEXTS)
    assert maker.make(30, 1) == Maker(TEXTS).make(30, 1) != maker.make(30, 2)


def test_a_share_has_no_answer_and_some_of_those_look_as_if() -> None:
    made = Maker(TEXTS).make(300, 1, unanswerable=0.4)
    without = [example for example in made if not example.answers]
    assert 0.3 < len(without) / len(made) < 0.5
    assert 0 < sum(bool(example.plausible) for example in without) < len(without)
    assert all(example.answers for example in Maker(TEXTS).make(50, 1, unanswerable=0.0))


def test_a_question_says_enough_and_does_not_give_its_answer_away() -> None:
    for example in Maker(TEXTS).make(200, 1):
        assert sum(word.lower() not in FUNCTION for word in example.question.split()) >= 4
        for gold in example.answers:
            assert gold.text not in example.question or example.context.count(gold.text) > 1


def test_passages_are_about_as_long_as_asked_for() -> None:
    for example in Maker(TEXTS).make(100, 1, words=40):
        assert len(example.context.split()) <= 40 + 30  # a last whole sentence


def test_similar_words_take_the_place_of_a_sentences_own() -> None:
    plain = " ".join(example.question for example in Maker(TEXTS).make(200, 1))
    made = " ".join(example.question for example in Maker(TEXTS, {"built": ["constructed"]}).make(200, 1))
    assert "constructed" not in plain
    assert "constructed" in made


def test_the_first_texts_are_asked_about_as_often_as_all_others() -> None:
    other = "In 1921 the company of Zofingen moved its large printing works to the station. It closed again in 1950."
    texts = [Text("own", squad.PROSE), *(Text(f"other{n}", other) for n in range(20))]
    made = Maker(texts, first=1).make(400, 1)
    assert 0.4 < sum(example.article == "own" for example in made) / len(made) < 0.65


def test_texts_with_nothing_to_ask_give_no_questions() -> None:
    assert Maker([Text("a", "yes no yes no")]).make(5, 1) == []


def test_sets_are_made_of_the_questions_passages_and_of_other_texts(tmp_path: Path) -> None:
    base = squad.tiny_bert(tmp_path)
    own = [Example("q", "Bern", "Which river?", squad.PROSE, ())]
    first, second = made_sets(own, TEXTS[1:], base, [10, 5], seed=1, words=50)
    assert (len(first), len(second)) == (10, 5)
    assert {example.article for example in first} == {"Bern", "towns"}
    assert first[:5] != second


@pytest.mark.parametrize(
    ("sentence", "kinds"),
    [
        ("The bridge was built in 1803 .", {"bridge": "noun", "1803": "date"}),
        ("It was $5.50 at the Old Mill .", {"$5.50": "money", "Old Mill": "name"}),
        ("About 43 % of the towns agreed .", {"43": "number", "towns": "noun"}),
        ("It opened on 3 May 1962 .", {"3 May 1962": "date"}),
    ],
)
def test_phrases_and_their_kinds(sentence: str, kinds: dict[str, str]) -> None:
    tokens = sentence.split()
    found = {" ".join(tokens[p.first : p.last]): p.kind for p in Grammar(TEXTS).phrases(tokens)}
    assert found == kinds
