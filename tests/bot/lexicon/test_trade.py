"""The words of the trade: what customers say means what pages say, and a question asks for its kind of answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.lexicon import trade


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("快递多少钱", "运费"),
        ("退钱", "退款"),
        ("质保", "保修期"),
        ("包邮", "免运费"),
        ("盒子", "原包装"),
        ("礼拜天", "星期日"),
    ],
)
def test_what_customers_say_means_what_pages_say(said: str, written: str) -> None:
    words = trade.concepts()
    assert set(words.terms(written)) <= set(words.terms(said))


def test_a_bot_adds_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "lexicon").mkdir()
    (tmp_path / "lexicon" / trade.NAME).write_text('[means]\nkettle = ["水壶", "快递"]\n', encoding="utf-8")
    words = trade.concepts(tmp_path)
    assert words.terms("水壶") == ["=kettle"]
    assert words.terms("快递") == ["=send", "=kettle"]
    assert trade.concepts().terms("水壶") == []


@pytest.mark.parametrize("written", ["[means", '[means]\nsend = "快递"\n', "empty = [1]\n"])
def test_a_file_that_is_wrong_is_named(tmp_path: Path, written: str) -> None:
    (tmp_path / "lexicon").mkdir()
    (tmp_path / "lexicon" / trade.NAME).write_text(written, encoding="utf-8")
    with pytest.raises(ConfigError, match=trade.NAME):
        trade.concepts(tmp_path)


@pytest.mark.parametrize(
    ("question", "kind", "answer", "other"),
    [
        ("运费多少钱？", "amount", "标准运费是 4.95 欧元。", "快递员星期一派送。"),
        ("几天能到？", "duration", "1 至 2 个工作日送达。", "荷兰和比利时。"),
        ("保修几年？", "years", "5 年保修。", "保修跟随电器。"),
        ("什么时候扣款？", "time", "发货时，我们扣款。", "不收手续费。"),
        ("怎么退货？", "way", "请登录后选择退货。", "退货只有四步。"),
    ],
)
def test_a_question_wants_its_kind_of_answer(question: str, kind: str, answer: str, other: str) -> None:
    found = trade.kind(question)
    assert found is not None
    assert found.name == kind
    assert found.gives.search(answer)
    assert not found.gives.search(other)


def test_a_question_of_no_kind_wants_nothing_special() -> None:
    assert trade.kind("退货后可以换吗？") is None
