"""What a Rasa bot's `config.yml`, `endpoints.yml` and `credentials.yml` name: what stands in for it here, and what has
no counterpart, with the consequence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.flows.domain import read_files
from bot.flows.model import Problem
from bot.flows.source import Source, Table, plain
from bot.flows.story import Thresholds

MAKES = "our understanding with local models, or a configured generator, makes the commands"
TELLS = "intents are told apart by our encoder and a trained head"

COMPONENTS: dict[str, str] = {
    "LLMCommandGenerator": MAKES,
    "SingleStepLLMCommandGenerator": MAKES,
    "MultiStepLLMCommandGenerator": MAKES,
    "CompactLLMCommandGenerator": MAKES,
    "SearchReadyLLMCommandGenerator": "our understanding with local models makes the commands, questions go to search",
    "NLUCommandAdapter": "an intent starts the flows whose nlu_trigger names it",
    "FlowPolicy": "the dialogue machine runs the flows",
    "EnterpriseSearchPolicy": "questions are answered from the documents, with citations",
    "IntentlessPolicy": "questions are answered from the documents, else the bot says that it does not know",
    "DIETClassifier": "intents are told apart by our encoder and a trained head; entities by typed values",
    "LogisticRegressionClassifier": TELLS,
    "SklearnIntentClassifier": TELLS,
    "KeywordIntentClassifier": TELLS,
    "ResponseSelector": "faq/ask_x is chosen by our encoder",
    "EntitySynonymMapper": "synonyms of nlu.yml are read",
    "RegexEntityExtractor": "regexes and lookup tables of nlu.yml are read",
    "CRFEntityExtractor": "entities are found by typed values, regexes, lookups and the reader",
    "SpacyEntityExtractor": "entities are found by typed values, regexes, lookups and the reader",
    "DucklingEntityExtractor": "numbers, money, dates and times are read by libraries in process; no Duckling server",
    "FallbackClassifier": "what is not sure enough cannot be handled",
    "RulePolicy": "rules and forms decide as written",
    "MemoizationPolicy": "a story is followed where the last events match it",
    "AugmentedMemoizationPolicy": "a story is followed where the last events match it",
}
"""What does the work of a component here."""

OPTIONS: dict[str, tuple[str, ...]] = {
    "FallbackClassifier": ("threshold", "ambiguity_threshold"),
    "RulePolicy": ("core_fallback_action_name", "enable_fallback_prediction"),
    "MemoizationPolicy": ("max_history",),
    "AugmentedMemoizationPolicy": ("max_history",),
    "FlowPolicy": (),
}
"""The options that count here."""

QUIET = ("Tokenizer", "Featurizer", "SpacyNLP", "MitieNLP", "LanguageModel")
"""Parts of a pipeline that our encoder brings along: endings or names."""

CONSEQUENCES: dict[str, str] = {
    "TEDPolicy": "nothing is predicted beyond rules, forms and stories that match; else the fallback follows",
    "UnexpecTEDIntentPolicy": "unlikely intents are not looked for",
    "LLMBasedRouter": "the router that is built in decides for each message",
    "IntentBasedRouter": "the router that is built in decides for each message",
}

CONFIG_KEYS = (
    "recipe",
    "language",
    "pipeline",
    "policies",
    "assistant_id",
    "additional_languages",
    "version",
    "spaces",
)
ENDPOINTS: dict[str, tuple[bool, str]] = {
    "action_endpoint": (True, "actions run on this server"),
    "tracker_store": (False, "conversations lie in our own database: FRONTDESK_DATABASE"),
    "event_broker": (False, "events are not published; they stand in our database"),
    "lock_store": (False, "leases in our database keep a conversation's order"),
    "models": (False, "there is no model to fetch: a bot is served from its folder"),
    "model_groups": (False, "language models are settings here: FRONTDESK_GENERATOR_API__URL and the like"),
    "nlg": (False, "responses come from the domain"),
    "vector_store": (False, "documents lie in our own index"),
    "silence_handling": (False, "silence is handled by pattern_user_silence"),
}
CHANNELS: dict[str, tuple[bool, str]] = {
    "rest": (True, "served at /webhooks/rest/webhook; its token is FRONTDESK_REST__TOKEN"),
    "callback": (False, "what a person writes later goes to FRONTDESK_REST__CALLBACK_URL"),
    "telegram": (False, "set FRONTDESK_TELEGRAM__TOKEN"),
    "rasa": (False, "there is no Rasa X to speak to"),
}
NO_CHANNEL = "this channel is not served: customers do not reach the bot on it"
_VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class RasaConfig:
    """`action_endpoint` as endpoints.yml writes it, `${VARIABLES}` filled in; None where there is none. `thresholds`
    are those of a bot with intents.
    """

    language: str | None = None
    languages: tuple[str, ...] = ()
    action_endpoint: Mapping[str, Any] | None = None
    thresholds: Thresholds = field(default_factory=Thresholds)
    problems: tuple[Problem, ...] = field(default=())


def read_config(folder: Path) -> RasaConfig:
    """What the folder's three files say. Never raises for what is written there."""
    problems: list[Problem] = []
    contents = {
        name: read_files([folder / name], problems)[0]
        for name in ("config.yml", "endpoints.yml", "credentials.yml")
        if (folder / name).is_file()
    }
    language: str | None = None
    others: tuple[str, ...] = ()
    thresholds = Thresholds()
    if "config.yml" in contents:
        source, table = contents["config.yml"]
        source.unknown(table, CONFIG_KEYS, "config.yml")
        language = source.text(table, "language", "config.yml")
        others = tuple(map(str, source.rows(table.get("additional_languages"), "'additional_languages'", table)))
        thresholds = _components(source, table)
    endpoint = None
    if "endpoints.yml" in contents:
        source, table = contents["endpoints.yml"]
        _named(source, table, ENDPOINTS, "endpoints.yml: {!r} is not known and not used")
        endpoint = _endpoint(source, table)
    if "credentials.yml" in contents:
        source, table = contents["credentials.yml"]
        _named(source, table, CHANNELS, "credentials.yml: {!r}: " + NO_CHANNEL)
    return RasaConfig(
        language, tuple(item for item in (language, *others) if item), endpoint, thresholds, tuple(problems)
    )


def _components(source: Source, config: Table) -> Thresholds:
    """Report what the pipeline and the policies name, and read what they say of when a bot does not know."""
    given: dict[str, Any] = {}
    for key in ("pipeline", "policies"):
        rows = source.rows(config.get(key), f"{key!r}", config, key)
        for index, item in enumerate(rows):
            name = str(item.get("name", "") if isinstance(item, dict) else item)
            short = name.rpartition(".")[2]
            place = source.place(rows, index)
            if short in COMPONENTS:
                source.problems.append(Problem("mapped", f"{short}: {COMPONENTS[short]}", place, "note"))
            elif short.endswith(QUIET) or short in QUIET:
                source.problems.append(Problem("mapped", f"{short}: our encoder does its work", place, "note"))
            else:
                consequence = CONSEQUENCES.get(short, "it does not run; what it would have done is not done")
                message = f"{short or 'a component without a name'} has no counterpart here: {consequence}"
                source.problems.append(Problem("no_counterpart", message, place, "warning"))
                continue
            if isinstance(item, Table):
                given |= _options(source, item, short)
    return _thresholds(given)


def _options(source: Source, item: Table, short: str) -> dict[str, Any]:
    """The options that count, by `component.option`; the others are told."""
    known = OPTIONS.get(short, ())
    others = [str(key) for key in item if key not in ("name", *known)]
    if others:
        message = f"{short}: nothing follows from {', '.join(map(repr, others))}: our models have settings of their own"
        source.problems.append(Problem("mapped", message, source.place(item, others[0]), "note"))
    found = {}
    for key in known:
        value = item.get(key)
        wanted = str if key == "core_fallback_action_name" else bool if key == "enable_fallback_prediction" else None
        if value is None:
            continue
        number = isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
        if isinstance(value, wanted) if wanted is not None else number:
            found[f"{short}.{key}"] = value
        else:
            kind = {str: "a name", bool: "true or false", None: "a number"}[wanted]
            source.problem("wrong_type", f"{short}: {key!r} is {kind}, not {value!r}", item, key)
    return found


def _thresholds(given: Mapping[str, Any]) -> Thresholds:
    default = Thresholds()
    falls_back = given.get("RulePolicy.enable_fallback_prediction", True)
    action = given.get("RulePolicy.core_fallback_action_name", default.action)
    histories = [given[f"{name}.max_history"] for name in OPTIONS if f"{name}.max_history" in given]
    return Thresholds(
        intent=given.get("FallbackClassifier.threshold"),
        ambiguity=given.get("FallbackClassifier.ambiguity_threshold", default.ambiguity),
        action=action if falls_back else None,
        history=max(1, *map(int, histories)) if histories else default.history,
    )


def _named(source: Source, table: Table, known: Mapping[str, tuple[bool, str]], otherwise: str) -> None:
    for key in table:
        if key == "version":
            continue
        served, words = known.get(key, (False, ""))
        place = source.place(table, key)
        if served:
            source.problems.append(Problem("mapped", f"{key}: {words}", place, "note"))
        else:
            message = f"{key!r} has no counterpart here: {words}" if words else otherwise.format(key)
            source.problems.append(Problem("no_counterpart", message, place, "warning"))


def _endpoint(source: Source, table: Table) -> Mapping[str, Any] | None:
    given = table.get("action_endpoint")
    if given is None:
        return None
    endpoint = source.table(given, "'action_endpoint'", table, "action_endpoint")
    if endpoint.get("actions_module"):
        return None  # Rasa's own way to run a bot's package in process, which is what happens without a URL
    if not isinstance(endpoint.get("url"), str):
        message = "'action_endpoint' needs a 'url' such as http://localhost:5055/webhook"
        source.problem("endpoint", message, table, "action_endpoint")
        return None
    filled: Mapping[str, Any] = _filled(plain(endpoint), source, table)
    return filled


def _filled(value: Any, source: Source, table: Table) -> Any:
    """`${NAME}` replaced by what the environment has; a name that it has not is reported."""
    if isinstance(value, dict):
        return {key: _filled(item, source, table) for key, item in value.items()}
    if not isinstance(value, str):
        return value
    for name in _VARIABLE.findall(value):
        if name not in os.environ:
            source.problem("variable", f"the environment has no {name}: set it before starting", table)
    return _VARIABLE.sub(lambda match: os.environ.get(match[1], ""), value)
