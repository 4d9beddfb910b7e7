"""Which Chinese sentence answers: by what the words mean, the kind of the question, codes, and what a picture shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from bot.answering import confidence, evidence
from bot.lexicon import trade
from retrieval import hybrid, snapshot
from retrieval.load import load_file
from retrieval.types import Filters

PAGES = {
    "delivery": """# 运费与配送

工作日下单，当天发货。快递员星期一至星期六派送。

荷兰的标准运费是 4.95 欧元。

| 送达地区 | 标准运费 |
|---|---|
| 荷兰 | 4.95 欧元 |
| 德国 | 7.95 欧元 |
""",
    "tracking": """# 查询包裹

| 状态 | 含义 |
|---|---|
| 正在派送 | 包裹今天送达。 |
| 待自提 | 请凭取件码领取。 |
""",
    "kettle": """# 水壶

显示屏显示水温。

| 代码 | 含义 |
|---|---|
| E02 | 传感器没有响应。 |
| E04 | 有水垢。 |
""",
}
Best = Callable[..., str]


class Alike:
    """An encoder to which all texts are the same: Chinese is found by its words."""

    name, dimensions = "alike", 4

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.full((len(texts), 4), 0.5, np.float32)


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> snapshot.Snapshot:
    folder = tmp_path_factory.mktemp("pages")
    documents = []
    for name, text in PAGES.items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
        path = folder / f"{name}.md"
        documents.append(load_file(path, folder, collection="help", audience=None, internal_title=None))
    return snapshot.build(folder / "index", documents, Alike(), concepts=trade.concepts())


@pytest.fixture(scope="module")
def best(index: snapshot.Snapshot) -> Best:
    """The best sentence for a question; `own` is what was typed where the rest is a picture's."""

    def found(question: str, own: str | None = None) -> str:
        hits = hybrid.search(index, question, np.zeros(4, np.float32), 5, Filters())
        spans = [None] * len(hits)
        aside = own is not None
        all_of_them = evidence.candidates(index, question, hits, spans, own=own or question, aside=aside)
        return max((confidence.judged(each, confidence.CHINESE) for each in all_of_them), key=_sure).unit.quote

    return found


def _sure(candidate: evidence.Candidate) -> float:
    return candidate.confidence


def test_a_question_in_other_words_is_answered_by_what_they_mean(best: Best) -> None:
    assert best("快递多少钱？") == "荷兰的标准运费是 4.95 欧元。"
    assert best("寄东西到德国贵吗？") == "德国 | 7.95 欧元"


def test_a_row_that_the_question_does_not_name_gives_way_to_a_sentence(best: Best) -> None:
    assert best("运费是多少？") == "荷兰的标准运费是 4.95 欧元。"


def test_a_code_between_chinese_characters_is_seen(best: Best) -> None:
    assert best("水壶显示E04是怎么回事？") == "E04 | 有水垢。"


def test_the_row_that_a_picture_names_first_is_the_one_that_is_meant(best: Best) -> None:
    shown = "查询包裹 快递单号 TWP 0048 待自提 11月23日 正在派送 11月23日 我的订单"
    assert best(f"这个状态是什么意思？ {shown}", "这个状态是什么意思？") == "待自提 | 请凭取件码领取。"


def test_the_code_that_is_asked_for_now_goes_before_the_one_of_before(index: snapshot.Snapshot) -> None:
    question = "水壶显示E04是怎么回事？ E02呢？"
    hits = hybrid.search(index, question, np.zeros(4, np.float32), 5, Filters())
    found = evidence.candidates(index, question, hits, [None] * len(hits), own="E02呢？")
    assert [each.unit.quote for each in found] == ["E02 | 传感器没有响应。"]


def test_what_was_told_before_is_marked(index: snapshot.Snapshot) -> None:
    hits = hybrid.search(index, "运费", np.zeros(4, np.float32), 5, Filters())
    found = evidence.candidates(index, "运费", hits, [None] * len(hits))
    marked = {
        each.unit.quote for each in evidence.told(found, "到荷兰的运费是 4.95 欧元。显示屏显示水温。") if each.told
    }
    assert {"荷兰的标准运费是 4.95 欧元。", "荷兰 | 4.95 欧元"} <= marked
    assert marked.isdisjoint({"德国 | 7.95 欧元", "E04 | 有水垢。"})


@pytest.mark.parametrize(
    ("question", "answer", "fits"),
    [
        ("多少钱？", "4.95 欧元", 1.0),
        ("多少钱？", "9:00 派送", -1.0),
        ("能退吗？", "可以", 0.0),
        ("How much is it?", "It costs €5.", 1.0),
        ("How much is it?", "It is new.", -1.0),
        ("Is it new?", "It is.", 0.0),
    ],
)
def test_an_answer_has_what_was_asked_for_or_not(question: str, answer: str, fits: float) -> None:
    assert evidence.fits(question, answer) == fits


def test_what_was_read_ahead_is_not_read_in_a_turn(index: snapshot.Snapshot, best: Best) -> None:
    evidence._terms.cache_clear()
    assert evidence.read_ahead(index) == len(index.passages)
    known = evidence._terms.cache_info().misses
    best("快递要多久？")
    assert evidence._terms.cache_info().misses - known <= 2  # the question's own words, with and without its context


def test_reading_ahead_ends_when_its_time_is_up(index: snapshot.Snapshot) -> None:
    assert evidence.read_ahead(index, seconds=0) == 0
