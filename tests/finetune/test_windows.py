from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from finetune import data
from finetune.data import Example, Gold
from finetune.windows import QUESTION_TOKENS, batches, shorten, tensors, wanted, windows
from tests.finetune import squad


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(squad.tiny_bert(tmp_path_factory.mktemp("bert")))


def test_the_target_tokens_spell_the_answer(tokenizer: Any, tmp_path: Path) -> None:
    examples = data.read(squad.write(tmp_path))
    for window in windows(examples, tokenizer, 64, 16):
        example = examples[window.example]
        for start, end in window.targets:
            text = example.context[window.offsets[start][0] : window.offsets[end][1]]
            assert text == (example.answers[0].text if example.answers else "")


def test_every_character_of_a_long_passage_is_in_a_window(tokenizer: Any) -> None:
    context = "the river runs " * 40 + "Aare"
    example = Example("q", "a", "Which river?", context, (Gold("Aare", len(context) - 4),))
    made = windows([example], tokenizer, 40, 10)
    seen = {
        at for window in made for start, end in window.offsets[window.first : window.last] for at in range(start, end)
    }
    assert seen == {at for at, letter in enumerate(context) if letter != " "}
    assert len(made) > 3
    assert [window.targets != ((0, 0),) for window in made].count(True) >= 1


def test_an_answer_cut_by_the_window_is_no_target_there(tokenizer: Any) -> None:
    context = "the river runs " * 12
    example = Example("q", "a", "Which river?", context, (Gold(context.strip(), 0),))
    assert all(window.targets == ((0, 0),) for window in windows([example], tokenizer, 24, 4))


def test_a_very_long_question_leaves_room_for_the_passage(tokenizer: Any) -> None:
    question = "which river " * 100
    assert len(tokenizer(shorten(question, tokenizer), add_special_tokens=False)["input_ids"]) == QUESTION_TOKENS
    made = windows([Example("q", "a", question, "the river Aare", ())], tokenizer, 96, 10)
    assert made[0].last - made[0].first == 3 + len("aare") - 4


def test_batches_hold_every_window_once_and_are_of_like_length(tokenizer: Any) -> None:
    examples = [Example(str(n), "a", "which river", "the river " * (n % 20 + 1), ()) for n in range(100)]
    made = windows(examples, tokenizer, 64, 8)
    for seed in (None, 7):
        cut = batches(made, 8, seed)
        assert sorted(at for batch in cut for at in batch) == list(range(len(made)))
        padding = sum(max(len(made[at].ids) for at in batch) * len(batch) for batch in cut)
        assert padding <= 1.2 * sum(len(window.ids) for window in made)
    assert batches(made, 8, 7) == batches(made, 8, 7) != batches(made, 8, 8)


def test_every_persons_answer_has_one_vote(tokenizer: Any) -> None:
    golds = (Gold("river Aare", 4), Gold("Aare", 10), Gold("Aare", 10))
    made = windows([Example("q", "a", "Which river?", "the river Aare", golds)], tokenizer, 64, 8)
    inputs = tensors(made, "cpu")
    target = wanted(made, inputs["input_ids"].shape[1], "cpu")
    assert target.starts.sum().item() == pytest.approx(1.0)
    assert sorted(target.starts[target.starts > 0].tolist()) == pytest.approx([1 / 3, 2 / 3])
    assert target.ends.max().item() == pytest.approx(1.0)
    assert target.answerable.tolist() == [1.0]


def test_a_plausible_span_is_where_to_look_but_no_answer(tokenizer: Any) -> None:
    gold = (Gold("Aare", 10),)
    made = windows([Example("q", "a", "Which lake?", "the river Aare", (), gold)], tokenizer, 64, 8)
    (start, end), context = made[0].spans[0], "the river Aare"
    assert context[made[0].offsets[start][0] : made[0].offsets[end][1]] == "Aare"
    target = wanted(made, len(made[0].ids), "cpu")
    assert target.starts[0, start] == 1.0
    assert target.answerable.tolist() == [0.0]
    assert target.passage[0].tolist() == [made[0].first <= at < made[0].last for at in range(len(made[0].ids))]
