"""Intents, rules, stories and forms are read whole, and every mistake is told with its file and line."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from bot.flows.load import Loaded, load
from bot.flows.nlu import parse
from bot.flows.rasa_config import read_config
from bot.flows.story import ANY_VALUE, Beat

DOMAIN = """
version: "3.1"
intents:
  - greet
  - book_table
  - inform: {use_entities: [city]}
  - faq
  - stop
entities: [city, {number: {roles: [guests]}}]
slots:
  city: {type: text, mappings: [{type: from_entity, entity: city}]}
  guests: {type: float, mappings: [{type: from_entity, entity: number, role: guests}]}
  mood: {type: categorical, values: [good, bad], mappings: [{type: custom}]}
  note: {type: any, mappings: [{type: custom}]}
actions: [action_mood]
forms:
  table_form: {required_slots: [city, guests], ignored_intents: [greet]}
responses:
  utter_greet: [{text: Hello}]
  utter_ask_city: [{text: Where?}]
  utter_ask_table_form_guests: [{text: How many?}]
  utter_booked: [{text: Booked.}]
  utter_faq/ask_price: [{text: It is free.}]
"""
NLU = """
version: "3.1"
nlu:
  - intent: greet
    examples: |
      - hi
      - good morning
  - intent: book_table
    examples: |
      - a table in [Rome](city) please
      - a table in [NYC]{"entity": "city", "value": "New York"} for [four]{"entity": "number", "role": "guests"}
  - intent: inform
    examples: |
      - in [Paris](city)
  - intent: stop
    examples: |
      - stop it
  - intent: faq/ask_price
    examples: |
      - what does it cost
  - synonym: New York
    examples: |
      - big apple
  - regex: zip
    examples: |
      - \\d{5}
  - lookup: city
    examples: |
      - Berlin
"""
RULES = """
version: "3.1"
rules:
  - rule: Say hello
    conversation_start: true
    steps:
      - intent: greet
      - action: utter_greet
  - rule: Open the form
    steps:
      - intent: book_table
      - action: table_form
      - active_loop: table_form
  - rule: Close the form
    condition:
      - active_loop: table_form
    wait_for_user_input: false
    steps:
      - action: table_form
      - active_loop: null
      - slot_was_set: [{requested_slot: null}]
      - action: utter_booked
"""
STORIES = """
version: "3.1"
stories:
  - story: Cheerful
    steps:
      - or:
          - intent: greet
          - intent: inform
            entities: [{city: Rome}]
      - slot_was_set: [{mood: good}, city]
      - action: utter_greet
      - checkpoint: met
  - story: Goes on
    steps:
      - checkpoint: met
      - intent: stop
      - action: action_listen
"""
FILES = {"domain.yml": DOMAIN, "data/nlu.yml": NLU, "data/rules.yml": RULES, "data/stories.yml": STORIES}


def bot(folder: Path, **changed: str) -> Loaded:
    """The bot, with `name="old -> new"` changed in the file of that name."""
    for name, text in FILES.items():
        old, _, new = changed.get(Path(name).stem, "").partition(" -> ")
        assert not old or old in text
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return load(folder)


def test_a_bot_as_rasa_documents_it_has_no_mistakes(tmp_path: Path) -> None:
    assert [str(problem) for problem in bot(tmp_path).problems] == []


def test_examples_know_their_entities_and_lines(tmp_path: Path) -> None:
    nlu = bot(tmp_path).training.nlu
    example = nlu.examples[3]
    assert (example.text, example.intent) == ("a table in NYC for four", "book_table")
    assert [(each.entity, each.value, each.role) for each in example.entities] == [
        ("city", "New York", None),
        ("number", "four", "guests"),
    ]
    assert example.place.line == NLU.splitlines().index("      - a table in [Rome](city) please") + 2
    assert nlu.synonyms == {"big apple": "New York", "new york": "New York"}
    assert (nlu.regexes, nlu.lookups) == ({"zip": (r"\d{5}",)}, {"city": ("Berlin",)})


def test_a_story_with_or_is_several_and_slots_may_just_be_set(tmp_path: Path) -> None:
    training = bot(tmp_path).training
    first, second, third = training.stories
    assert (first.name, second.name, third.name) == ("Cheerful", "Cheerful", "Goes on")
    assert [(beat.kind, beat.name) for beat in second.beats] == [
        ("user", "inform"),
        ("slot", "mood"),
        ("slot", "city"),
        ("action", "utter_greet"),
        ("checkpoint", "met"),
    ]
    assert second.beats[0].entities[0].value == "Rome"
    assert (second.beats[1].value, second.beats[2].value) == ("good", ANY_VALUE)


def test_a_rule_has_its_condition_and_where_it_begins_and_ends(tmp_path: Path) -> None:
    hello, opens, closes = bot(tmp_path).training.rules
    assert (hello.from_start, hello.listens, opens.from_start) == (True, True, False)
    assert not closes.listens
    assert [(beat.kind, beat.name) for beat in closes.condition] == [("loop", "table_form")]
    assert closes.beats[1] == Beat("loop", None, place=closes.beats[1].place)


WRONG = [
    ("rules", "intent: greet -> intent: gret", "unknown_intent", "did you mean 'greet'?"),
    ("rules", "action: utter_greet -> action: utter_gret", "missing_response", "did you mean 'utter_greet'?"),
    ("rules", "action: utter_booked -> action: action_book", "unknown_action", "add it under 'actions:'"),
    ("rules", "conversation_start: -> conversation_begin:", "unknown_key", "did you mean 'conversation_start'?"),
    ("rules", "active_loop: table_form\n    wait -> active_loop: tabel_form\n    wait", "unknown_form", "'table_form'"),
    ("stories", "{mood: good} -> {mood: god}", "slot_value", "did you mean 'good'?"),
    ("stories", "{mood: good} -> {mod: good}", "unknown_slot", "did you mean 'mood'?"),
    ("stories", "[{city: Rome}] -> [{town: Rome}]", "unknown_entity", "known are: city, number"),
    ("stories", "checkpoint: met\n  - -> checkpoint: mat\n  -", "checkpoint", "with which no story begins"),
    ("stories", "action: action_listen -> acton: action_listen", "step_kind", "this has 'acton'"),
    ("nlu", "intent: stop -> intent: stopp", "unknown_intent", "did you mean 'stop'?"),
    ("nlu", "[Paris](city) -> [Paris](town)", "unknown_entity", "known are: city, number"),
    ("nlu", "[Paris](city) -> [Paris]{city}", "nlu_example", "cannot be read"),
    ("nlu", "{5} -> {5}(", "nlu_regex", "no regular expression"),
    ("nlu", "- stop it -> - good morning", "ambiguous_example", "an example of 'greet' too"),
    ("nlu", "faq/ask_price -> faq/ask_hours", "missing_response", "utter_faq/ask_hours"),
    ("nlu", "lookup: city -> lookop: city", "nlu_item", "has one of intent, synonym, regex, lookup"),
    ("domain", "[city, guests] -> [town, guests]", "unknown_slot", "'town'"),
    ("domain", "utter_ask_city -> utter_ask_town", "missing_response", "'utter_ask_city'"),
    ("domain", "entity: city -> entity: town", "unknown_entity", "'town'"),
    ("domain", "use_entities -> use_entitys", "unknown_key", "did you mean 'use_entities'?"),
]


@pytest.mark.parametrize(("file", "change", "code", "told"), WRONG)
def test_a_mistake_is_told_with_its_line_and_what_would_be_right(
    tmp_path: Path, file: str, change: str, code: str, told: str
) -> None:
    problems = bot(tmp_path, **{file: change}).problems
    named = [problem for problem in problems if problem.code == code and told in problem.message]
    assert named, [str(problem) for problem in problems]
    assert Path(named[0].place.file).stem == file
    assert named[0].place.line > 0


def test_rules_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    more = dedent("""
      - rule: Be curt
        conversation_start: true
        steps:
          - intent: greet
          - action: utter_booked
    """).replace("\n", "\n  ")
    problems = bot(tmp_path, rules=f"  - rule: Open -> {more}\n  - rule: Open").problems
    assert [problem.code for problem in problems] == ["contradiction"]
    assert "'Say hello'" in problems[0].message


def test_what_config_yml_says_of_fallback_is_read_and_the_rest_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(
        dedent("""
        language: en
        pipeline:
          - name: WhitespaceTokenizer
          - {name: DIETClassifier, epochs: 100}
          - {name: FallbackClassifier, threshold: 0.6, ambiguity_threshold: 0.2}
        policies:
          - {name: AugmentedMemoizationPolicy, max_history: 7}
          - {name: RulePolicy, core_fallback_action_name: action_sorry, core_fallback_threshold: 0.4}
          - {name: TEDPolicy, epochs: 100}
        """),
        encoding="utf-8",
    )
    config = read_config(tmp_path)
    found = config.thresholds
    assert (found.intent, found.ambiguity, found.action, found.history) == (0.6, 0.2, "action_sorry", 7)
    told = [problem.message for problem in config.problems]
    assert any("DIETClassifier: nothing follows from 'epochs'" in each for each in told)
    assert any("TEDPolicy has no counterpart here: nothing is predicted beyond rules" in each for each in told)


def test_an_entity_without_a_name_cannot_be_read() -> None:
    with pytest.raises(ValueError, match="names no entity"):
        parse('to [Rome]{"role": "to"}')
