"""What Chinese customers' words mean, and which kind of answer a question asks for: `zh-trade.toml`.

A bot may bring a file of that name and form in its own `lexicon/` folder; its words are added to the built-in ones.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from retrieval.concepts import Concepts

NAME = "zh-trade.toml"


@dataclass(frozen=True, slots=True)
class Kind:
    """A question that `asks` matches wants an answer that `gives` matches; where `strict`, hardly anything else."""

    name: str
    asks: re.Pattern[str]
    gives: re.Pattern[str]
    strict: bool


@cache
def concepts(folder: Path | None = None) -> Concepts:
    """What words mean, a bot's own included. `folder` is the bot's. Raises ConfigError for a file that is wrong."""
    means: dict[str, tuple[str, ...]] = {}
    own = folder / "lexicon" / NAME if folder is not None else None
    for said in (_read(_built_in()), _read(own) if own is not None and own.is_file() else {}):
        means |= dict.fromkeys(said.get("empty", ()), ())
        for concept, words in said.get("means", {}).items():
            for word in words:
                means[word] = tuple(dict.fromkeys([*means.get(word, ()), concept]))
    return Concepts(means)


def kind(question: str) -> Kind | None:
    """The kind of answer that a question asks for; None where it does not tell."""
    return next((kind for kind in kinds() if kind.asks.search(question)), None)


@cache
def kinds() -> tuple[Kind, ...]:
    """The kinds of questions, the first that fits counts."""
    return tuple(
        Kind(said["name"], _pattern(said["asks"]), _pattern(said["gives"]), bool(said.get("strict")))
        for said in _read(_built_in())["kinds"]
    )


def _pattern(written: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(written), re.I)


def _built_in() -> Path:
    return Path(__file__).parent / NAME


def _read(path: Path) -> dict[str, Any]:
    try:
        said = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    means = {"empty": said.get("empty", []), **said.get("means", {})}
    if not all(
        isinstance(words, list) and all(isinstance(word, str) and word for word in words) for words in means.values()
    ):
        raise ConfigError(f'{path} is wrong: [means] has lines such as send = ["快递", "配送"]')
    return said
