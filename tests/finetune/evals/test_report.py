"""`eval report`: one page from the results."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from finetune.evals import charts
from finetune.evals.charts import Moment, Share
from tests.bot import acme
from tests.finetune.evals.company import Evaluate, rows


@pytest.fixture
def turns(tmp_path: Path) -> Path:
    right = {"question": acme.QUESTION, "must_contain": ["working days"], "expected_docs": ["delivery"]}
    wrong = {**right, "must_contain": ["<b>three</b> weeks"]}
    return rows(tmp_path / "turns.jsonl", [right] * 6 + [wrong] * 6)


class Links(HTMLParser):
    """What a page would fetch, and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.inside: list[str] = []
        self.ids: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "src" or (name == "href" and not str(value).startswith("#")):
                self.fetched.append(str(value))
            elif name == "href":
                self.inside.append(str(value)[1:])
            elif name == "id":
                self.ids.add(str(value))


def test_the_page_is_complete_in_itself_and_shows_what_was_kept(
    evaluate: Evaluate, turns: Path, tmp_path: Path
) -> None:
    for _ in range(2):
        evaluate("answers", "--file", turns, "--no-generator")
    evaluate("refusal", "--file", turns, "--no-generator")
    out = tmp_path / "pages" / "report.html"
    assert evaluate("report", "--out", out) == {"out": str(out), "results": 3}
    page = out.read_text()
    links = Links(page)
    assert links.fetched == []
    assert set(links.inside) <= links.ids
    assert {"answers", "refusal", "history"} <= links.ids
    assert "lacks &lt;b&gt;three" in page
    assert "prefers-color-scheme: dark" in page
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ElementTree.fromstring(drawing)


def test_evaluations_may_be_run_for_the_page(evaluate: Evaluate, turns: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    made = evaluate("report", "--out", out, "--run", f"answers --file {turns} --no-generator")
    assert made["results"] == 1
    [kept] = (tmp_path / "home" / "evals").glob("*.json")
    made = evaluate("report", "--out", out, "--result", kept, "--run", f"answers --file {turns} --limit 3")
    assert made["results"] == 2


def test_what_is_no_result_is_told(evaluate: Evaluate, turns: Path, tmp_path: Path) -> None:
    out = ("--out", tmp_path / "report.html")
    assert "no results yet" in evaluate("report", *out, wrong=True)["error"]
    assert "no result of an evaluation" in evaluate("report", *out, "--result", turns, wrong=True)["error"]
    assert "no evaluation called 'report'" in evaluate("report", *out, "--run", "report --out x", wrong=True)["error"]


def test_a_plot_says_in_words_what_it_shows_and_keeps_its_marks_inside() -> None:
    lines = [Share("a & b", 140.0, [120.0, 180.0], "n 3"), Share("c", 0.0)]
    drawing = ElementTree.fromstring(charts.shares(lines, says="rates"))
    assert drawing.get("aria-label") == "rates"
    titles = [title.text for title in drawing.iter("title")]
    assert titles == ["a & b: 140.0 [120.0, 180.0] n 3", "c: 0.0"]
    for dot in drawing.iter("circle"):
        assert 0 <= float(dot.get("cx", -1)) <= charts.WIDTH


@pytest.mark.parametrize("values", [(50.0, 50.0), (0.0, 100.0), (99.9, 100.0), (61.0, 62.0, 64.0)])
def test_a_history_has_room_for_every_figure(values: tuple[float, ...]) -> None:
    moments = [Moment(f"2026-01-0{day} 10:00", value) for day, value in enumerate(values, start=1)]
    drawing = ElementTree.fromstring(charts.history(moments, says="f1"))
    height = float(str(drawing.get("viewBox")).split()[3])
    assert all(10 < float(dot.get("cy", -1)) < height for dot in drawing.iter("circle"))
