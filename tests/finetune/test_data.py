from __future__ import annotations

import json
from pathlib import Path

import pytest

from finetune import data
from finetune.data import DataError, Example, Gold
from tests.finetune import squad


def test_questions_are_read_in_order_with_their_answers(tmp_path: Path) -> None:
    examples = data.read(squad.write(tmp_path))
    assert [example.id for example in examples[:2]] == ["Bern-0", "Bern-0-no"]
    assert examples[0].context[examples[0].answers[0].start :].startswith("Aare")
    assert examples[1].answers == ()


def test_a_folder_gives_its_parts_and_a_file_only_itself(tmp_path: Path) -> None:
    train = squad.write(tmp_path)
    assert data.find(tmp_path, "train") == train
    assert data.find(tmp_path, "dev") is None
    assert data.find(train, "train") == train
    assert data.find(train, "dev") is None
    assert data.find(tmp_path / "nothing", "train") is None


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not JSON"),
        ("{}", "SQuAD's format"),
        ('{"data": []}', "no questions"),
        ('{"data": [1]}', "SQuAD's format"),
    ],
)
def test_a_file_of_another_format_is_named(tmp_path: Path, content: str, complaint: str) -> None:
    file = tmp_path / "odd.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataError, match=f"odd.json.*{complaint}"):
        data.read(file)


def test_an_answer_that_is_not_where_it_says_is_named(tmp_path: Path) -> None:
    content = squad.content()
    content["data"][0]["paragraphs"][0]["qas"][0]["answers"][0]["answer_start"] = 3
    file = tmp_path / "shifted.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match="question Bern-0"):
        data.read(file)


def test_the_split_is_by_article_and_the_same_every_time(tmp_path: Path) -> None:
    examples = data.read(squad.write(tmp_path))
    train, held = data.split(examples, 0.25, seed=1)
    assert {e.article for e in train}.isdisjoint(e.article for e in held)
    assert len(train) + len(held) == len(examples)
    assert len(held) == 6
    assert data.split(examples, 0.25, seed=1) == (train, held)
    assert data.split(examples, 0, seed=1) == (examples, [])


def test_one_article_cannot_be_split(tmp_path: Path) -> None:
    examples = [example for example in data.read(squad.write(tmp_path)) if example.article == "Bern"]
    with pytest.raises(DataError, match="one article"):
        data.split(examples, 0.1, seed=1)


def test_a_crop_is_whole_sentences_and_keeps_the_answer() -> None:
    context = "The Aare is long. It runs through Bern. Bern is old. Many people live there. " * 3
    start = context.index("Bern.")
    answerable = Example("q", "a", "Which town?", context.strip(), (Gold("Bern", start), Gold("Bern", start + 154)))
    other = Example("n", "a", "Who?", context.strip(), ())
    for seed in range(50):
        first, second = data.crops([answerable, other], 12, seed, unanswerable=1.0)
        assert len(first.context.split()) <= 12
        assert first.answers
        for gold in first.answers:
            assert first.context[gold.start : gold.start + 4] == "Bern"
        for crop in (first, second):
            assert crop.context.strip().endswith(".")
            assert crop.context in context
        assert second.answers == ()
    assert data.crops([other], 12, 1, unanswerable=0.0) == []


def test_made_negatives_never_hold_the_answer(tmp_path: Path) -> None:
    content = squad.content()
    content["data"][0]["paragraphs"][1]["context"] = "The old town is a world heritage site."
    content["data"][0]["paragraphs"][1]["qas"] = []
    file = tmp_path / "train.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    made = data.negatives(data.read(file), 1.0, seed=1)
    assert made == []  # only passages with questions are known, and each of those names the river
    content["data"][0]["paragraphs"][1]["qas"] = [
        {"id": "x", "question": "When?", "answers": [], "is_impossible": True}
    ]
    file.write_text(json.dumps(content), encoding="utf-8")
    made = data.negatives(data.read(file), 1.0, seed=1)
    assert {example.context for example in made} == {"The old town is a world heritage site."}
    assert all(example.answers == () and example.article == "Bern" for example in made)


def test_questions_that_are_written_are_read_as_they_were(tmp_path: Path) -> None:
    examples = data.read(squad.write(tmp_path))
    data.write(tmp_path / "made" / "again.json", examples)
    assert data.read(tmp_path / "made" / "again.json") == examples


def test_a_sample_keeps_the_order_and_is_the_same_again(tmp_path: Path) -> None:
    examples = data.read(squad.write(tmp_path))
    drawn = data.sample(examples, 5, seed=2)
    assert drawn == data.sample(examples, 5, seed=2)
    assert [examples.index(each) for each in drawn] == sorted(examples.index(each) for each in drawn)
    assert data.sample(examples, 99, seed=2) == examples
