"""What the check learns from: people's replies split by passage, and false ones made of them."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from finetune import check_data
from finetune.check_corrupt import KINDS, pool_of
from finetune.check_data import Reply
from finetune.data import DataError

PASSAGE = (
    "You can return all items within 30 days if the seal is unbroken. Refunds take 5 days. The shop is in Utrecht; "
    "the workshop of Tidewell Filters is in Haarlem and not open on Sunday."
)
LENT = pool_of([PASSAGE, "The form for New York costs 12 dollars, by 3 March 2024."])
TOPICS = ("lamps", "chairs", "boats", "tents", "books", "clocks", "knives", "gloves")


def made(kind: str, reply: str, passage: str = PASSAGE) -> set[str]:
    """All that chance makes of a reply."""
    found = (KINDS[kind](reply, passage, LENT, random.Random(seed)) for seed in range(30))
    return {each for each in found if each}


def test_a_figure_becomes_another_of_its_kind_from_the_same_passage() -> None:
    false = made("figure", "Returns take 30 days.")
    assert "Returns take 5 days." in false
    assert all(any(unit in each for unit in ("day", "week", "month", "year", "hour")) for each in false)
    assert made("figure", "Returns are easy.") == set()


def test_a_name_becomes_another_name_and_never_the_same() -> None:
    false = made("name", "Our shop is in Utrecht.")
    assert false >= {"Our shop is in Haarlem."}
    assert "Our shop is in Utrecht." not in false


@pytest.mark.parametrize(
    ("kind", "reply", "one"),
    [
        ("negation", "The workshop is not open on Sunday.", "The workshop is open on Sunday."),
        ("negation", "Send the form by post.", "Do not send the form by post."),
        ("negation", "You can return it.", "You cannot return it."),
        ("condition", "If the seal is unbroken, you can return it.", "You can return it"),
        ("condition", "You can return it if the seal is unbroken.", "You can return it unless the seal is unbroken."),
        ("quantifier", "You can return all items.", "You can return only some items."),
        ("quantifier", "You must bring at least two.", "You must bring at most two."),
    ],
)
def test_a_reply_is_made_false_by_one_small_change(kind: str, reply: str, one: str) -> None:
    assert any(each.lower().startswith(one.lower()) for each in made(kind, reply)), made(kind, reply)


def test_a_verb_in_the_middle_of_a_sentence_is_no_command() -> None:
    assert not any("to do not" in each for each in made("negation", "This is the place to submit the form."))


def turns(folder: Path) -> Path:
    rows = []
    for at, topic in enumerate(TOPICS):
        passage = f"You can return {topic} within {at + 3} days. The {topic} of New York are sold in all shops."
        rows += [
            {"question": "How long?", "passage": passage, "reply": f"You can return {topic} within {at + 3} days"},
            {"question": "How long?", "passage": passage, "reply": f"You can return {topic} within 99 days."},
            {"question": "How long?", "passage": passage, "reply": f"Do you want {topic}?"},
            {"question": "How long?", "passage": passage, "reply": "Yes, of course."},
            {"question": "How long?", "passage": passage, "reply": "No relevant information is found."},
        ]
    file = folder / "turns.jsonl"
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return file


def test_replies_that_assert_nothing_are_left_out_and_a_passage_is_in_one_part(tmp_path: Path) -> None:
    parts = check_data.read(turns(tmp_path), 3, (0.5, 0.25, 0.25))
    said = [reply.reply for part in (parts.train, parts.choose, parts.report) for reply in part]
    assert all(reply.startswith("You can return") and reply.endswith(".") for reply in said)
    assert not any("99" in reply.reply for reply in parts.train)  # its passage does not say so: nothing to learn from
    assert any("99" in reply.reply for reply in parts.report)
    passages = [{reply.passage for reply in part} for part in (parts.train, parts.choose, parts.report)]
    assert sum(map(len, passages)) == len(set.union(*passages))


def test_a_file_without_replies_says_so(tmp_path: Path) -> None:
    file = tmp_path / "turns.jsonl"
    file.write_text('{"question": "How?", "passage": "So."}\n' * 3, encoding="utf-8")
    with pytest.raises(DataError, match="no replies that assert something"):
        check_data.read(file, 1, (1.0, 0.0, 0.0))


def test_every_real_reply_is_followed_by_false_ones_of_different_kinds() -> None:
    real = [
        Reply("You can return all items within 30 days.", PASSAGE, True, "real"),
        Reply("Boats are washed by strong people on Mondays.", "Boats are washed.", True, "real"),
    ]
    found = check_data.with_false(real, 1)
    kinds = [each.kind for each in found[: found.index(real[1])]]
    assert kinds[0] == "real"
    assert {"figure", "negation", "quantifier", "elsewhere"} <= set(kinds)
    assert len(kinds) == len(set(kinds))
    assert found == check_data.with_false(real, 1)


def test_of_a_false_reply_the_sentences_that_stayed_true_are_learnt_as_true() -> None:
    real = Reply("Refunds take 5 days. Yes. The shop is in Utrecht.", PASSAGE, True, "real")
    false = Reply("Refunds take 30 days. Yes. The shop is in Utrecht.", PASSAGE, False, "figure")
    found = {(each.sentence, each.grounded) for each in check_data.examples([real, false])}
    assert found == {
        ("Refunds take 5 days.", True),
        ("Refunds take 30 days.", False),
        ("Yes. The shop is in Utrecht.", True),
    }
