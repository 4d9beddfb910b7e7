"""`frontdesk ingest` and `frontdesk search`, as they are typed, on the real encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from channels.cli import main
from retrieval.snapshot import load, text_of
from tests import needs

pytestmark = pytest.mark.models


@pytest.fixture
def home(tmp_path: Path) -> Path:
    needs.weights("encoder")
    return tmp_path / "home"


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    (folder / "en").mkdir(parents=True)
    (folder / "en" / "refunds.md").write_text("# Refunds\n\nYour money is back within five working days.\n")
    (folder / "en" / "bikes.html").write_text("<h1>Bicycles</h1><p>We rent bicycles by the hour.</p>")
    (folder / "desk.md").write_text("# Internal: goodwill\n\nAgents may grant a refund of up to 20 euros.\n")
    return folder


def test_ingest_then_search_prints_what_the_contract_says(
    docs: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--home", str(home), "--json"]
    assert main(["ingest", str(docs), "--internal-title", "^Internal", *arguments]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["added"], report["public"], report["internal"], report["internal_title_matches"]) == (3, 2, 1, 1)

    assert main(["search", "when do I get my money back", "--k", "2", *arguments]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"hits", "ms"}
    assert all(set(hit) == {"document", "title", "passage", "score", "start", "end"} for hit in found["hits"])
    best = found["hits"][0]
    assert (best["document"], best["title"]) == ("en/refunds", "Refunds")
    assert "desk" not in {hit["document"] for hit in found["hits"]}
    snapshot = load(home / "index")
    version = snapshot.documents["default", "en/refunds"].version
    assert text_of(home / "index", version).text[best["start"] : best["end"]] == best["passage"]

    assert main(["search", "goodwill refund", "--audience", "internal", *arguments]) == 0
    assert json.loads(capsys.readouterr().out)["hits"][0]["document"] == "desk"

    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": "b", "query": "rent a bicycle"}\n\n{"id": 7, "query": "退款"}\n', encoding="utf-8")
    assert main(["search", "--file", str(queries), *arguments]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["id"] for line in lines] == ["b", 7]
    assert lines[0]["hits"][0]["document"] == "en/bikes"


def test_what_is_wrong_is_said_and_the_exit_code_tells(
    docs: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--home", str(home)]
    assert main(["search", "anything", *arguments]) == 1
    assert "frontdesk ingest" in capsys.readouterr().err
    (docs / "odd.md").write_text("---\naudience: friends\n---\ntext")
    (docs / "broken.pdf").write_bytes(b"junk")
    assert main(["ingest", str(docs), "--internal-title", "^Nothing", *arguments]) == 1
    said = capsys.readouterr()
    assert "unknown audience 'friends'" in said.err
    assert "broken.pdf" in said.err
    assert "matched no title" in said.err
    assert "3 public, 0 internal" in said.out
    (docs / "en" / "refunds.txt").write_text("same name")
    assert main(["ingest", str(docs), *arguments]) == 1
    assert "same name" in capsys.readouterr().err
    assert main(["search", "x", "--collection", "nowhere", *arguments]) == 1
    assert "there are: default" in capsys.readouterr().err
    queries = tmp_path / "queries.jsonl"
    queries.write_text('{"id": 1, "query": "x"}\n{"id": 2}\n')
    assert main(["search", "--file", str(queries), *arguments]) == 1
    assert "line 2" in capsys.readouterr().err
    for wrong in (["ingest", str(docs), "--audience", "friends"], ["ingest", str(docs), "--internal-title", "("]):
        with pytest.raises(SystemExit) as exit:
            main([*wrong, *arguments])
        assert exit.value.code == 2
