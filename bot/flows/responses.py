"""A bot's domain: everything that it says in words of its own, in the Rasa 3 domain format (`responses:`).

A domain is a file or a folder of them, merged. A response has variations; one is chosen in turn, by a seed. Texts in
further languages stand under `translation`. Slots, actions and flows of the same files are not read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bot.errors import ConfigError
from bot.types import Button, Reply

PLACEHOLDER = re.compile(r"\{(\w+)\}")


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
    """One way to say it. `channel`: only there; a variation of the channel wins over the general ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    text: str
    translation: dict[str, str] = Field(default_factory=dict)
    buttons: tuple[ButtonText, ...] = ()
    channel: str | None = None

    @field_validator("translation", mode="before")
    @classmethod
    def _texts(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        return {key: item.get("text") if isinstance(item, dict) else item for key, item in value.items()}


class Domain:
    """The bot's responses. `language` is the language of the texts that stand without a translation."""

    def __init__(
        self,
        responses: Mapping[str, tuple[Variation, ...]],
        *,
        language: str = "en",
        constants: Mapping[str, str] | None = None,
    ) -> None:
        self.responses = dict(responses)
        self.language = language
        self._constants = dict(constants or {})

    def say(
        self,
        key: str,
        language: str | None = None,
        *,
        seed: int = 0,
        channel: str | None = None,
        **values: object,
    ) -> Reply:
        """The response `key` as a reply, in `language` where it is translated, else as it stands.

        `{name}` is replaced from `values` and the domain's constants; a placeholder without a value is left out. Raises
        ConfigError for an unknown key: `missing` finds those at start.
        """
        try:
            variations = self.responses[key]
        except KeyError:
            raise ConfigError(f"the domain has no response {key!r}: add it under 'responses:'") from None
        here = [item for item in variations if item.channel == channel and channel is not None]
        general = here or [item for item in variations if item.channel is None] or list(variations)
        chosen = general[seed % len(general)]
        wanted = language or self.language
        spoken = wanted if wanted == self.language or wanted in chosen.translation else self.language
        given = self._constants | {name: str(value) for name, value in values.items()}

        def fill(text: str) -> str:
            return PLACEHOLDER.sub(lambda match: given.get(match[1], ""), text)

        buttons = tuple(
            Button(title=fill(title), payload=fill(button.payload) or fill(title))
            for button in chosen.buttons
            for title in (button.translation.get(spoken, button.title),)
        )
        text = fill(chosen.translation.get(spoken, chosen.text))
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


def load_domain(path: Path, *, language: str = "en", constants: Mapping[str, str] | None = None) -> Domain:
    """Read a domain file, or all `*.yml` and `*.yaml` below a folder.

    Raises ConfigError that names the file for broken YAML, a response without text, and one that stands in two files.
    """
    files = sorted([*path.rglob("*.yml"), *path.rglob("*.yaml")]) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise ConfigError(f"there is no domain in {path}: it is a .yml file, or a folder of them, with 'responses:'")
    found: dict[str, tuple[Variation, ...]] = {}
    for file in files:
        for key, variations in _read(file).items():
            if key in found:
                raise ConfigError(f"{file}: the response {key!r} stands in another file of the domain too")
            found[key] = _variations(file, key, variations)
    return Domain(found, language=language, constants=constants)


def _read(file: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid YAML: {error}") from None
    responses = content.get("responses", {}) if isinstance(content, dict) else None
    if responses is None:
        responses = {}
    if not isinstance(responses, dict):
        raise ConfigError(f"{file}: 'responses' must be a mapping of names to variations")
    return responses


def _variations(file: Path, key: str, given: object) -> tuple[Variation, ...]:
    if not isinstance(given, list) or not given:
        raise ConfigError(f"{file}: the response {key!r} needs a list with at least one '- text: ...'")
    try:
        return tuple(Variation.model_validate(item) for item in given)
    except ValidationError as error:
        reason = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise ConfigError(f"{file}: the response {key!r} is wrong: {reason}") from None
