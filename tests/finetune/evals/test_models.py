"""`eval reader|check|speech|captions`: engines on rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.botfile import find_data
from finetune import data
from finetune.evals import reader
from tests import needs
from tests.finetune import squad
from tests.finetune.evals.company import Evaluate, rows

CASES = find_data() / "media_cases"


def test_the_reader_is_measured_as_squad_says(evaluate: Evaluate, tmp_path: Path) -> None:
    file = squad.write(tmp_path)
    found = evaluate("reader", "--data", file)
    assert {"exact", "f1", "has_answer_f1", "no_answer_f1", "n", "threshold"} <= set(found)
    assert found["n"] == 24
    assert set(found["intervals"]) == {"exact", "f1", "has_answer_f1", "no_answer_f1"}


def test_a_reader_that_may_not_refuse_says_something_to_everything(evaluate: Evaluate, tmp_path: Path) -> None:
    file = squad.write(tmp_path)
    bold = evaluate("reader", "--data", file, "--always-answer", "--limit", "8")
    assert (bold["n"], "threshold" in bold) == (8, False)
    assert bold["data"]["options"] == {"always_answer": True, "limit": 8}


def test_scores_are_means_over_questions_with_and_without_an_answer(tmp_path: Path) -> None:
    examples = data.read(squad.write(tmp_path))[:4]  # answerable, unanswerable, answerable, unanswerable
    found = reader.scores(examples, ["the Aare", "", "river Aare", "Bern"])
    assert {name: round(measure.value, 2) for name, measure in found.items()} == {
        "exact": 50.0,
        "f1": 66.67,
        "has_answer_f1": 83.33,
        "no_answer_f1": 50.0,
    }


def test_the_check_is_measured_by_kind_of_corruption(evaluate: Evaluate, tmp_path: Path) -> None:
    passage = "Express delivery costs 9.95 and takes one day."
    said = {"passages": [passage], "grounded": False}
    lines = [
        {"reply": "Express delivery costs 9.95.", "passages": [passage], "grounded": True, "kind": "real"},
        {"reply": "Express delivery costs 12.95.", **said, "kind": "number"},
        {"reply": "Rockets fly to Mars on Sundays.", **said, "kind": "other", "question": "What does it cost?"},
    ]
    found = evaluate("check", "--data", rows(tmp_path / "check.jsonl", lines), "--failures")
    assert (found["recall"], found["false_alarms"], found["n"]) == (100.0, 0.0, 3)
    assert {kind: figures["n"] for kind, figures in found["kinds"].items()} == {"real": 1, "number": 1, "other": 1}
    assert "false_alarms" in found["kinds"]["real"]
    assert "false_alarms" not in found["kinds"]["number"]
    assert found["failures"] == []


def test_speech_is_measured_by_words_and_by_what_must_be_heard(evaluate: Evaluate, tmp_path: Path) -> None:
    recording = str(CASES / "spoken-express-price.ogg")
    lines = [  # the fake hears "Where is my parcel?" in everything
        {"audio": recording, "text": "where's my parcel"},
        {"audio": recording, "must_contain": [["parcel", "package"], "delivery"]},
    ]
    found = evaluate("speech", "--data", rows(tmp_path / "speech.jsonl", lines))
    assert (found["wer"], found["recall"], found["n"]) == (66.67, 50.0, 2)
    assert 0 <= found["rtf"] < 1  # the fake takes no time
    assert [failure["why"] for failure in found["failures"]] == [
        ['2 words wrong of "where\'s my parcel"'],
        ["not heard: delivery"],
    ]


def test_captions_are_measured_by_what_must_be_seen(evaluate: Evaluate, tmp_path: Path) -> None:
    lines = [{"image": str(CASES / "app-espresso-error.png"), "must_contain": [["picture", "photo"], "zebra"]}]
    found = evaluate("captions", "--data", rows(tmp_path / "captions.jsonl", lines))
    assert (found["recall"], found["pictures"], found["n"]) == (50.0, 0.0, 1)
    [failure] = found["failures"]
    assert failure["why"] == ["not seen: zebra"]


@pytest.mark.parametrize(
    ("kind", "row", "told"),
    [
        ("speech", {"audio": "a.ogg"}, '"text" or "must_contain" is missing'),
        ("speech", {"audio": "a.ogg", "text": "hello"}, "line 1: audio: a.ogg cannot be read"),
        ("speech", {"audio": "rows.jsonl", "text": "hello"}, "line 1: audio: rows.jsonl: this is"),
        ("captions", {"image": "a.png"}, "line 1: must_contain"),
        ("check", {"reply": "a", "passages": [], "grounded": True}, "line 1: passages"),
    ],
)
def test_a_wrong_row_is_told_before_or_where_it_is_met(
    evaluate: Evaluate, tmp_path: Path, kind: str, row: dict[str, object], told: str
) -> None:
    assert told in evaluate(kind, "--data", rows(tmp_path / "rows.jsonl", [row]), wrong=True)["error"]


@pytest.mark.models
def test_the_served_reader_answers_without_refusing_where_it_would_refuse(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs.weights("encoder", "reader")
    from channels.cli import main

    file = squad.write(tmp_path)
    words = ["eval", "reader", "--data", str(file), "--limit", "6", "--home", str(tmp_path / "home"), "--json"]
    assert main([*words, "--always-answer"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["no_answer_f1"] == 0
    assert found["has_answer_f1"] > 50
    assert found["versions"]["reader"].startswith("bert-")
