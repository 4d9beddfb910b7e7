"""`frontdesk ask`: one question, a session, a file of turns; nothing but JSON on standard output."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.settings import Settings, load
from bot.store.sql import SqlStore
from channels import cli

KEYS = {"text", "citations", "outcome", "confidence", "timings_ms"}
FAKES = ("SPEECH", "CAPTIONER", "ENCODER", "READER", "CHECKER", "GENERATOR")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose engines are fakes, with two collections."""
    for part in FAKES:
        monkeypatch.setenv(f"FRONTDESK_ENGINES__{part}", "fake")
    bot = tmp_path / "bot"
    pages = bot / "pages"
    pages.mkdir(parents=True)
    (pages / "delivery.md").write_text("# Delivery\n\nDelivery to Germany takes 4 days and costs €7.95.\n")
    other = bot / "other"
    other.mkdir()
    (other / "bikes.md").write_text("# Bikes\n\nBikes can be rented from Monday to Friday.\n")
    (bot / "bot.toml").write_text(
        'name = "Shop"\nlanguages = ["en", "zh"]\ncollections = ["help"]\n[thresholds]\nen = 0.1\n'
        '[[documents]]\npath = "pages"\ncollection = "help"\n[[documents]]\npath = "other"\ncollection = "bikes"\n'
    )
    from bot.botfile import find_data

    (bot / "domain").mkdir()
    (bot / "domain" / "responses.yml").symlink_to(find_data() / "domain" / "responses.yml")
    (bot / "prompts").symlink_to(find_data() / "prompts")
    return tmp_path / "home"


def ask(home: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, list[dict[str, Any]], str]:
    code = cli.main(["ask", *words, "--home", str(home), "--bot", str(home.parent / "bot"), "--json"])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def settings(home: Path) -> Settings:
    return load(home=home)


def test_a_question_is_answered_with_its_citation(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, [found], _ = ask(home, capsys, "How long does delivery to Germany take?", "--no-generator")
    assert code == 0
    assert set(found) >= KEYS
    assert found["outcome"] == "answered"
    assert found["text"] == "Delivery to Germany takes 4 days and costs €7.95. [1]"
    [citation] = found["citations"]
    assert citation["quote"] == "Delivery to Germany takes 4 days and costs €7.95."
    assert {"collection", "document", "version", "title", "quote", "start", "end"} <= set(citation)
    assert 0 <= found["confidence"] <= 1
    assert found["timings_ms"]["total"] > 0


def test_only_the_named_collection_answers(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    question = "Can bikes be rented from Monday to Friday?"
    _, [found], _ = ask(home, capsys, question, "--no-generator")
    assert found["outcome"] == "abstained"
    _, [found], _ = ask(home, capsys, question, "--no-generator", "--collection", "bikes")
    assert found["outcome"] == "answered"
    assert found["citations"][0]["collection"] == "bikes"


def test_an_unknown_collection_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ask(home, capsys, "How long does delivery to Germany take?", "--no-generator")
    code, found, err = ask(home, capsys, "Is it free?", "--collection", "nowhere")
    assert (code, found) == (1, [])
    assert "nowhere" in err


def test_a_session_goes_on_and_stays_in_the_homes_database(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, [first], _ = ask(home, capsys, "How long does delivery to Germany take?", "--session", "anna")
    _, [second], _ = ask(home, capsys, "And what does it cost?", "--session", "anna")
    assert first["conversation"] == second["conversation"]

    async def kept() -> tuple[int, list[object]]:
        store = SqlStore(settings(home).database_url)
        await store.open()
        summaries, due = await store.conversations(), await store.due("test", channels=["cli"])
        await store.close()
        return len(summaries), list(due)

    assert asyncio.run(kept()) == (1, [])


def test_a_file_gives_one_object_a_line_in_order_with_the_lines_ids(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    history = [{"role": "customer", "text": "What does delivery cost?"}, {"role": "bot", "text": "Where to?"}]
    lines = [
        json.dumps({"id": "a", "question": "How long does delivery to Germany take?"}),
        "{broken",
        json.dumps({"id": 7, "question": "To Germany", "history": history}),
        json.dumps({"id": "c", "history": []}),
        "",
        json.dumps({"id": "d", "question": "Hello!"}),
    ]
    file = tmp_path / "turns.jsonl"
    file.write_text("\n".join(lines), encoding="utf-8")
    code, found, err = ask(home, capsys, "--file", str(file), "--no-generator")
    assert [each["id"] for each in found] == ["a", None, 7, "c", "d"]
    assert [each["outcome"] for each in found] == ["answered", "failed", "answered", "failed", "smalltalk"]
    assert all(set(each) >= KEYS for each in found)
    assert "line 2" in found[1]["error"]
    assert "question" in found[3]["error"]
    assert code == 1
    assert "2 of 5" in err
    assert not (home / "frontdesk.db").exists()


@pytest.mark.parametrize("words", [(), ("Is it free?", "--file", "x"), ("--file", "x", "--session", "anna")])
def test_wrong_usage_is_explained(home: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    code, found, err = ask(home, capsys, *words)
    assert (code, found) == (1, [])
    assert "ask" in err or "--session" in err


def test_a_file_that_is_not_there_is_named(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = ask(home, capsys, "--file", "nowhere.jsonl")
    assert code == 1
    assert "nowhere.jsonl" in err


def test_what_is_no_picture_is_refused_with_a_word(
    home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    fake = tmp_path / "photo.png"
    fake.write_bytes(b"not a picture at all")
    code, _, err = ask(home, capsys, "What is this?", "--image", str(fake))
    assert code == 1
    assert "error:" in err
