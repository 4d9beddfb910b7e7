"""The domain: what the bot says in words of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.botfile import load_bot
from bot.errors import ConfigError
from bot.flows import Domain, load_domain

TWO = """
version: "3.1"
slots: {colour: {type: text}}
responses:
  utter_hello:
    - text: "Hello, I am {bot_name}."
      translation: {zh: "您好，我是{bot_name}。"}
    - text: "Hi {who}!"
      translation: {zh: {text: "嗨 {who}！"}}
      buttons:
        - {title: "A person", payload: "/handover", translation: {zh: {title: 人工}}}
        - {title: "Prices", translation: {zh: 价格}}
  utter_here:
    - text: "everywhere"
    - {text: "only there", channel: telegram}
"""


@pytest.fixture
def domain(tmp_path: Path) -> Domain:
    (tmp_path / "a.yml").write_text(TWO, encoding="utf-8")
    return load_domain(tmp_path, constants={"bot_name": "Bo"})


def test_variations_take_turns(domain: Domain) -> None:
    texts = [domain.say("utter_hello", seed=seed, who="Ann").text for seed in range(3)]
    assert texts == ["Hello, I am Bo.", "Hi Ann!", "Hello, I am Bo."]


def test_a_reply_comes_in_the_customers_language_with_its_buttons(domain: Domain) -> None:
    reply = domain.say("utter_hello", "zh", seed=1, who="小安")
    assert (reply.text, reply.language, reply.template) == ("嗨 小安！", "zh", "utter_hello")
    assert [(button.title, button.payload) for button in reply.buttons] == [("人工", "/handover"), ("价格", "价格")]


def test_a_missing_translation_falls_back_and_says_so(domain: Domain) -> None:
    reply = domain.say("utter_here", "zh")
    assert (reply.text, reply.language) == ("everywhere", "en")
    assert domain.untranslated(["en", "zh"]) == ["utter_here (zh)"]


def test_a_channels_own_variation_wins_there(domain: Domain) -> None:
    assert domain.say("utter_here", channel="telegram", seed=4).text == "only there"
    assert domain.say("utter_here", channel="web", seed=1).text == "everywhere"


def test_braces_in_a_value_stay_text(domain: Domain) -> None:
    assert domain.say("utter_hello", seed=1, who="{bot_name} {x.__class__}").text == "Hi {bot_name} {x.__class__}!"


def test_an_unknown_response_is_an_error_that_names_it(domain: Domain) -> None:
    with pytest.raises(ConfigError, match="utter_nothing"):
        domain.say("utter_nothing")
    assert domain.missing(["utter_hello", "utter_nothing"]) == ["utter_nothing"]


def test_a_response_in_two_files_is_an_error(domain: Domain, tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text("responses: {utter_here: [{text: again}]}")
    with pytest.raises(ConfigError, match="utter_here"):
        load_domain(tmp_path)


@pytest.mark.parametrize(
    "text", ["responses: [", "responses: []", "responses: {utter_a: []}", "responses: {utter_a: [{image: x}]}"]
)
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "bad.yml").write_text(text)
    with pytest.raises(ConfigError, match=r"bad\.yml"):
        load_domain(tmp_path)


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no domain"):
        load_domain(tmp_path)


def test_the_demo_company_says_everything_in_all_its_languages() -> None:
    botfile = load_bot()
    domain = load_domain(botfile.domain_folder, language=botfile.language)
    assert domain.untranslated(botfile.languages) == []
