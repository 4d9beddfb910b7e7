"""`bot.toml`: how one bot is called, speaks, searches, and when people answer.

A bot is a folder: `bot.toml`, `domain/`, `prompts/` and the documents that it names. `load_bot` reads and checks the
file; `find_data` finds the demo company's folder in a checkout and in an installation alike.
"""

from __future__ import annotations

import re
import tomllib
from datetime import date, time
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from bot.errors import ConfigError


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Part):
    """A stretch of one day, local time. `end` 00:00 is the day's end."""

    start: time
    end: time


def _spans(value: object) -> object:
    """["09:00-12:00", "13:00-18:00"] as spans, in order, not overlapping."""
    if not isinstance(value, list | tuple):
        return value
    spans: list[dict[str, time]] = []
    for item in value:
        start, dash, end = str(item).partition("-")
        if not dash:
            raise ValueError(f'write opening hours as "09:00-18:00", not {item!r}')
        spans.append({"start": _time(start.strip()), "end": _time(end.strip())})
    for span in spans:
        if span["end"] != time() and span["start"] >= span["end"]:
            raise ValueError(f"opening hours must begin before they end: {span['start']:%H:%M}-{span['end']:%H:%M}")
    for before, after in pairwise(spans):
        if before["end"] == time() or before["end"] > after["start"]:
            raise ValueError("opening hours of a day must follow each other")
    return tuple(Span(**span) for span in spans)


def _time(text: str) -> time:
    if text == "24:00":
        return time()
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day such as 09:00") from None


Day = Annotated[tuple[Span, ...], BeforeValidator(_spans)]

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class WorkingHours(Part):
    """When people answer, in local time. `holidays` are closed whatever the weekday."""

    timezone: str = "UTC"
    monday: Day = ()
    tuesday: Day = ()
    wednesday: Day = ()
    thursday: Day = ()
    friday: Day = ()
    saturday: Day = ()
    sunday: Day = ()
    holidays: tuple[date, ...] = ()

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone such as Europe/Amsterdam") from None
        return value

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def on(self, day: date) -> tuple[Span, ...]:
        """The hours of one calendar day, holidays observed."""
        if day in self.holidays:
            return ()
        spans: tuple[Span, ...] = getattr(self, WEEKDAYS[day.weekday()])
        return spans


class GeneratorChoice(Part):
    """Whether a generator phrases the answers, and how long its first sentence may take."""

    enabled: bool = True
    first_sentence_seconds: float = Field(default=4.0, gt=0)


class HandoverRules(Part):
    """When people are brought in unasked."""

    failures_in_a_row: int = Field(default=2, ge=1)


class DocumentSource(Part):
    """A file or folder that is ingested when the index is missing or stale."""

    path: Path
    collection: str = "default"
    audience: Literal["public", "internal"] | None = None
    internal_title: str | None = None
    internal_section: str | None = None
    """Instead of what a heading says by default over a section that customers must not see (`retrieval.sections`)."""


def _seconds(value: object) -> object:
    """ "24h" as seconds: a number with m, h or d."""
    found = re.fullmatch(r"(\d{1,6})\s*([mhd])", value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'write how often as "30m", "24h" or "7d", not {value!r}')
    return int(found[1]) * {"m": 60, "h": 3600, "d": 86400}[found[2]]


class CrawlSource(Part):
    """A site or sitemap that a serving process crawls `every` so many seconds, and ingests into the collection.

    The other fields are those of `bot.crawl.Plan`.
    """

    url: str
    collection: str = "default"
    audience: Literal["public", "internal"] | None = None
    every: Annotated[int, BeforeValidator(_seconds), Field(ge=60)] = 86400
    depth: int = Field(default=5, ge=0)
    max_pages: int = Field(default=500, ge=1)
    max_bytes: int = Field(default=200_000_000, ge=1)
    delay: float = Field(default=1.0, ge=0)
    private: bool = False


class ActionLimits(Part):
    """How actions are run: `seconds` for each at most; `compress` what is sent to an action server (deflate)."""

    seconds: float = Field(default=10.0, gt=0)
    compress: bool = False


class ShopSource(Part):
    """The database of the built-in actions (`bot.actions.builtin`): orders, returns, repairs, stock ...

    `database` is SQLAlchemy's URL; "": SQLite in the home folder. `products` is the file that an empty one is filled
    from.
    """

    database: str = ""
    products: Path = Path("products.jsonl")


class BotFile(Part):
    """One bot, as its `bot.toml` says. `folder` is where the file lies; `documents` paths are absolute, `prompts` is a
    folder below it, unless it is absolute.
    """

    folder: Path
    name: str
    bot_name: str = "Assistant"
    voice: str = "friendly and brief"
    languages: tuple[str, ...] = Field(default=("en",), min_length=1)
    collections: tuple[str, ...] = Field(default=("default",), min_length=1)
    generator: GeneratorChoice = GeneratorChoice()
    thresholds: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(default_factory=dict)
    handover: HandoverRules = HandoverRules()
    working_hours: WorkingHours = WorkingHours()
    documents: tuple[DocumentSource, ...] = ()
    crawl: tuple[CrawlSource, ...] = ()
    prompts: Path = Path("prompts")
    actions: ActionLimits = ActionLimits()
    shop: ShopSource | None = None

    @property
    def language(self) -> str:
        """The default language."""
        return self.languages[0]

    @property
    def domain_folder(self) -> Path:
        return self.folder / "domain"

    @property
    def prompts_folder(self) -> Path:
        return self.folder / self.prompts


RASA_DOMAINS = ("domain.yml", "domain.yaml", "domain")
"""A folder with one of these and no `bot.toml` is a Rasa bot's."""


def find_data() -> Path:
    """The demo company's folder: `data/` of a checkout, or `bot/data/` of an installation. ConfigError if neither."""
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "data", package / "data"):
        if (folder / "bot.toml").is_file():
            return folder
    raise ConfigError("the demo company is missing from this installation: install frontdesk again, or name --bot DIR")


def load_bot(folder: Path | None = None) -> BotFile:
    """Read a bot's `bot.toml`; the demo company's when no folder is named.

    A Rasa bot's folder needs no `bot.toml`. Raises ConfigError that names the file, the key and how to mend it.
    """
    folder = (folder or find_data()).resolve()
    path = folder / "bot.toml"
    if not path.is_file() and any((folder / name).exists() for name in RASA_DOMAINS):
        return _moved_in(folder)
    if not path.is_file():
        raise ConfigError(f"there is no {path}. 'frontdesk init {folder}' makes a bot folder to start from")
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None
    try:
        botfile = BotFile(folder=folder, **content)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"{path} is wrong: {_explain(error)}") from None
    documents = tuple(
        source.model_copy(update={"path": (folder / source.path).resolve()}) for source in botfile.documents
    )
    missing = [str(source.path) for source in documents if not source.path.exists()]
    if missing:
        raise ConfigError(f"{path} names documents that do not exist: {', '.join(missing)}")
    return botfile.model_copy(update={"documents": documents})


def _moved_in(folder: Path) -> BotFile:
    """A Rasa bot's folder, which has no `bot.toml`: its language from config.yml, its documents from `docs/`."""
    config = folder / "config.yml"
    try:
        said = yaml.safe_load(config.read_text(encoding="utf-8")) if config.is_file() else {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        said = {}  # `frontdesk validate` tells what is wrong with it
    said = said if isinstance(said, dict) else {}
    others = said.get("additional_languages")
    languages = [said.get("language") or "en", *(others if isinstance(others, list) else [])]
    documents = (DocumentSource(path=folder / "docs"),) if (folder / "docs").is_dir() else ()
    return BotFile(
        folder=folder,
        name=folder.name,
        languages=tuple(dict.fromkeys(map(str, languages))),
        documents=documents,
        prompts=find_data() / "prompts",
    )


def collected(botfile: BotFile, collection: str | None) -> BotFile:
    """The bot answering from this collection alone; of its own documents only those that belong to it."""
    if collection is None:
        return botfile
    documents = tuple(source for source in botfile.documents if source.collection == collection)
    crawl = tuple(source for source in botfile.crawl if source.collection == collection)
    return botfile.model_copy(update={"collections": (collection,), "documents": documents, "crawl": crawl})


def _explain(error: ValidationError | TypeError) -> str:
    if isinstance(error, TypeError):
        return "'folder' cannot be set"
    return "; ".join(f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors())
