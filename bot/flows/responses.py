"""A bot's domain: what it says in words of its own, what it remembers (slots), and what it can do (actions, intents).

A response has variations; one is chosen in turn, by a seed, among those whose condition and channel fit. Texts in
further languages stand under `translation`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jinja2 import TemplateError
from jinja2.sandbox import SandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.errors import ConfigError
from bot.flows.conditions import Condition, parse
from bot.flows.model import NOTHING, Form, Place, Problem, SessionConfig, Slot
from bot.types import Button, Reply

PLACEHOLDER = re.compile(r"\{((?:context\.|slots\.)?\w+)\}")


class ButtonText(BaseModel):
    """A button as the domain writes it. `translation` maps a language to a title."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    payload: str = ""
    translation: dict[str, str] = Field(default_factory=dict)

    @field_validator("translation", mode="before")
    @classmethod
    def _titles(cls, value: object) -> object:
        """Rasa writes `{zh: {title: ...}}`; the short form `{zh: ...}` is read too."""
        if not isinstance(value, dict):
            return value
        return {key: item.get("title") if isinstance(item, dict) else item for key, item in value.items()}


class Variation(BaseModel):
    """One way to say it. `channel`: only there; a variation of the channel wins over the general ones, and one whose
    conditions hold over one without.

    `jinja`: the text is a Jinja template (`metadata: {template: jinja}`). `image` is a URL. `rephrase` says that a
    generator may put it in other words.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", arbitrary_types_allowed=True)

    text: str
    translation: dict[str, str] = Field(default_factory=dict)
    buttons: tuple[ButtonText, ...] = ()
    channel: str | None = None
    image: str | None = None
    conditions: tuple[Condition, ...] = ()
    jinja: bool = False
    rephrase: bool = False

    @field_validator("translation", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: item.get("text") if isinstance(item, dict) else item for key, item in value.items()}

    @field_validator("conditions", mode="before")
    @classmethod
    def _conditions(cls, value: object) -> object:
        """Rasa's `[{type: slot, name: x, value: true}]`, or a condition as flows write it."""
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(item if isinstance(item, Condition) else parse(_condition(item)) for item in items)


class Domain:
    """What the bot says, remembers and can do. `language` is that of the texts that stand without a translation.

    `raw` is the domain as its files write it, merged: what action servers are sent. `places` says where each response
    is written; `problems` what was wrong with the files.
    """

    def __init__(
        self,
        responses: Mapping[str, tuple[Variation, ...]],
        *,
        language: str = "en",
        constants: Mapping[str, str] | None = None,
        slots: Mapping[str, Slot] = MappingProxyType({}),
        actions: Iterable[str] = (),
        intents: Iterable[str] = (),
        entities: Iterable[str] = (),
        forms: Mapping[str, Form] = MappingProxyType({}),
        session: SessionConfig | None = None,
        raw: Mapping[str, Any] = NOTHING,
        places: Mapping[str, Place] = MappingProxyType({}),
        problems: Iterable[Problem] = (),
    ) -> None:
        self.responses = dict(responses)
        self.language = language
        self.slots = dict(slots)
        self.actions = frozenset(actions)
        self.intents = frozenset(intents)
        self.entities = frozenset(entities)
        self.forms = dict(forms)
        self.session = session or SessionConfig()
        self.raw = dict(raw)
        self.places = dict(places)
        self.problems = tuple(problems)
        self._constants = dict(constants or {})

    def say(
        self,
        key: str,
        language: str | None = None,
        *,
        seed: int = 0,
        channel: str | None = None,
        slots: Mapping[str, Any] = NOTHING,
        context: Mapping[str, Any] = NOTHING,
        **values: object,
    ) -> Reply:
        """The response `key` as a reply, in `language` where it is translated, else as it stands.

        `{name}` is replaced from `values`, the slots and the domain's constants, `{context.name}` from `context`; a
        placeholder without a value is left out. Raises ConfigError for an unknown key: `missing` finds those at start.
        """
        try:
            variations = self.responses[key]
        except KeyError:
            raise ConfigError(f"the domain has no response {key!r}: add it under 'responses:'") from None
        fitting = [item for item in variations if all(test.holds(slots, context) for test in item.conditions)]
        fitting = [item for item in fitting if item.conditions] or fitting or list(variations)
        here = [item for item in fitting if item.channel == channel and channel is not None]
        general = here or [item for item in fitting if item.channel is None] or fitting
        chosen = general[seed % len(general)]
        wanted = language or self.language
        spoken = wanted if wanted == self.language or wanted in chosen.translation else self.language

        def fill(text: str) -> str:
            if chosen.jinja:
                return _rendered(text, {**self._constants, **slots, **values}, slots, context)
            return PLACEHOLDER.sub(lambda match: _shown(self._value(match[1], values, slots, context)), text)

        buttons = tuple(
            Button(title=fill(title), payload=fill(button.payload) or fill(title))
            for button in chosen.buttons
            for title in (button.translation.get(spoken, button.title),)
        )
        text = fill(chosen.translation.get(spoken, chosen.text))
        if chosen.image:
            text = f"{text}\n\n![]({fill(chosen.image)})"
        return Reply(text=text, buttons=buttons, language=spoken, template=key)

    def missing(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that have no response."""
        return sorted(set(keys) - set(self.responses))

    def untranslated(self, languages: Iterable[str]) -> list[str]:
        """`key (language)` for every response that has a variation without a text in one of the languages."""
        return sorted(
            f"{key} ({language})"
            for key, variations in self.responses.items()
            for language in languages
            if language != self.language and any(language not in item.translation for item in variations)
        )

    def _value(
        self, name: str, values: Mapping[str, object], slots: Mapping[str, Any], context: Mapping[str, Any]
    ) -> object:
        root, _, rest = name.rpartition(".")
        if root:
            return (context if root == "context" else slots).get(rest)
        return next((found[name] for found in (values, slots, self._constants) if name in found), None)


def load_domain(path: Path, *, language: str = "en", constants: Mapping[str, str] | None = None) -> Domain:
    """Read a domain file, or all `*.yml` and `*.yaml` below a folder.

    Raises ConfigError that names file and line for broken YAML, a response without text, one that stands in two files,
    and whatever else keeps a domain from being used.
    """
    from bot.flows.domain import read_domain

    problems: list[Problem] = []
    domain = read_domain([path], problems, language=language, constants=constants)
    if grave := [problem for problem in problems if problem.level == "error" and problem.code != "unknown_key"]:
        raise ConfigError("; ".join(str(problem) for problem in grave[:5]))
    return domain


def _condition(given: object) -> str:
    if isinstance(given, dict):
        value = given.get("value")
        literal = str(value).lower() if isinstance(value, bool) else "null" if value is None else repr(value)
        return f"slots.{given.get('name')} is {literal}"
    return str(given)


def _shown(value: object) -> str:
    """A value as people write it: 50 for 50.0, a list with commas."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return ", ".join(map(_shown, value)) if isinstance(value, list | tuple) else str(value)


_jinja = SandboxedEnvironment(autoescape=False)  # replies are Markdown, and sanitised where they are shown


@lru_cache(maxsize=1000)
def _template(text: str) -> Any:
    return _jinja.from_string(text)


def _rendered(text: str, values: Mapping[str, Any], slots: Mapping[str, Any], context: Mapping[str, Any]) -> str:
    try:
        return str(_template(text).render(**values, slots=slots, context=context))
    except (TemplateError, TypeError, ValueError, ArithmeticError):
        return PLACEHOLDER.sub("", text)
