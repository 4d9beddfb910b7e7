"""The engines that can be chosen in the settings, by name: `"module:Class"`, loaded when asked for.

A new engine is one file with its class and one line here; the contract suites run over these tables. A class takes
`(settings, weights)`, and by keyword what else it uses; it loads nothing before `start()`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from bot.engines.weights import Weights
from bot.errors import ConfigError
from bot.settings import Settings

SPEECH: dict[str, str] = {
    "faster-whisper": "bot.engines.speech:FasterWhisper",
    "openai-whisper": "bot.engines.openai_whisper:OpenAIWhisper",
    "fake": "bot.engines.fake:FakeSpeech",
}
CAPTIONERS: dict[str, str] = {
    "screen-and-objects": "bot.engines.caption:ScreenAndObjects",
    "blip": "bot.engines.blip:Blip",
    "fake": "bot.engines.fake:FakeCaptioner",
}
ENCODERS: dict[str, str] = {
    "minilm": "bot.engines.encoder:MiniLM",
    "minilm-tuned": "bot.engines.encoder:tuned",
    "fake": "bot.engines.fake:FakeEncoder",
}
READERS: dict[str, str] = {
    "bert": "bot.engines.reader:BertReader",
    "fake": "bot.engines.fake:FakeReader",
}
CHECKERS: dict[str, str] = {
    "evidence": "bot.engines.check:EvidenceChecker",
    "grounded": "bot.engines.check_grounded:GroundedChecker",
    "fake": "bot.engines.fake:FakeChecker",
}
GENERATORS: dict[str, str] = {
    "smollm2": "bot.engines.generator:SmolLM2",
    "smollm2-tuned": "bot.engines.generator:tuned",
    "openai": "bot.engines.openai_api:OpenAIGenerator",
    "fake": "bot.engines.fake:FakeGenerator",
}
CLASSIFIERS: dict[str, str] = {
    "bert": "bot.engines.classifier:BertClassifier",
    "fake": "bot.engines.fake:FakeClassifier",
}
TAGGERS: dict[str, str] = {
    "bert": "bot.engines.tagger:BertTagger",
    "fake": "bot.engines.fake:FakeTagger",
}

KINDS: dict[str, dict[str, str]] = {
    "speech": SPEECH,
    "captioner": CAPTIONERS,
    "encoder": ENCODERS,
    "reader": READERS,
    "checker": CHECKERS,
    "generator": GENERATORS,
    "classifier": CLASSIFIERS,
    "tagger": TAGGERS,
}


def load(table: Mapping[str, str], name: str, what: str) -> Any:
    """The class behind `name`. Raises ConfigError that lists the valid names."""
    try:
        module, _, attribute = table[name].partition(":")
    except KeyError:
        raise ConfigError(f"there is no {what} called {name!r}. Valid: {', '.join(sorted(table))}") from None
    return getattr(import_module(module), attribute)


def create(kind: str, name: str, *, settings: Settings, weights: Weights, **others: Any) -> Any:
    """An engine, not yet started. `kind` is a key of KINDS; `others` are the engines that this one uses.

    Raises ConfigError for an unknown kind or name, MissingExtra for a package that is not installed.
    """
    if kind not in KINDS:
        raise ConfigError(f"there is no kind of engine called {kind!r}. Valid: {', '.join(KINDS)}")
    return load(KINDS[kind], name, kind)(settings, weights, **others)
