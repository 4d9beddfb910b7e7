"""One frozen Settings, read once at start: from arguments, `FRONTDESK_*`, then `frontdesk.toml`, then the defaults."""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import ConfigError

PREFIX = "FRONTDESK_"
NESTED = "__"


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Engines(Section):
    """Which engine plays which part, by its name in the engines' tables, and how long each may take."""

    speech: str = Field("faster-whisper", description="speech to text")
    captioner: str = Field("screen-and-objects", description="pictures to text")
    encoder: str = Field("minilm", description="texts to vectors")
    reader: str = Field("bert", description="question and passage to span")
    checker: str = Field(
        "evidence", description="is a sentence supported by its evidence: by rules, or 'grounded' for rules and a model"
    )
    generator: str = Field(
        "smollm2-tuned", description="phrases answers; 'smollm2': not tuned; 'openai': any OpenAI-compatible server"
    )
    classifier: str = Field("bert", description="sentence to intent, where the weights 'intents' are")
    tagger: str = Field("bert", description="message to the words that fill slots, where the weights 'slots' are")
    queue: int = Field(64, ge=1, description="jobs that may wait for one engine; more are answered as busy")
    timeout_seconds: float = Field(30.0, gt=0, description="an engine that takes longer on one batch counts as hung")
    threads: int = Field(0, ge=0, description="threads for each model; 0: one per core")
    int8: bool = Field(False, description="run encoder and reader through ONNX Runtime in int8 (extra 'onnx')")


class GeneratorApi(Section):
    """An OpenAI-compatible server, used when engines.generator is 'openai'."""

    url: str = Field("http://127.0.0.1:8000/v1", description="base URL, up to and with /v1")
    model: str = Field("default", description="the model's name there")
    key: SecretStr = Field(SecretStr(""), description="bearer token")


class Limits(Section):
    """What may come in."""

    message_characters: int = Field(4_000, ge=1, description="a longer message is refused with a word to the customer")
    request_bytes: int = Field(1_000_000, ge=1, description="the largest JSON body or frame")
    upload_bytes: int = Field(10_000_000, ge=1, description="the largest upload")
    picture_pixels: int = Field(40_000_000, ge=1, description="a picture with more pixels is refused unread")
    audio_seconds: float = Field(60.0, gt=0, description="a longer recording is cut here, and the customer told")
    messages_per_minute: int = Field(20, ge=1, description="per sender")
    uploads_per_minute: int = Field(10, ge=1, description="per sender")
    turns_waiting: int = Field(32, ge=1, description="callers that may wait for a turn (REST, ask) before 'busy'")


class Turns(Section):
    """How turns are run."""

    workers: int = Field(4, ge=1, description="conversations worked on at the same time")
    pause_seconds: float = Field(0.3, ge=0, description="messages that follow within this pause are one turn")
    lease_seconds: float = Field(45.0, gt=0, description="how long a conversation is held without renewal")
    limit_seconds: float = Field(60.0, gt=0, description="a turn that takes longer goes to a person")
    attempts: int = Field(3, ge=1, description="a turn that dies this often goes to a person")


class Search(Section):
    """Which index holds the documents' vectors (`retrieval.grow`)."""

    index: Literal["auto", "flat", "hnsw", "ivfpq"] = Field(
        "auto", description="the vectors' index; auto: by the two that follow"
    )
    hnsw_from: int = Field(100_000, ge=1, description="from so many passages search is no longer exact but a graph")
    memory_mib: int = Field(1024, ge=1, description="a larger index keeps codes and leaves its vectors on disk")
    recall: float = Field(0.95, gt=0, le=1, description="recall@10 that an index which is not exact has to reach")


class Rest(Section):
    """The Rasa REST channel."""

    token: SecretStr = Field(SecretStr(""), description="bearer token that callers must show; empty: none asked")
    callback_url: str | None = Field(None, description="where to POST what a person writes later")


class Operators(Section):
    """What is for the company's own people and programs, over HTTP."""

    token: SecretStr = Field(SecretStr(""), description="bearer token of the operators' API; empty: it is closed")


class Telegram(Section):
    """Telegram; on when a token is set."""

    token: SecretStr = Field(SecretStr(""), description="the bot's token from BotFather")
    secret: SecretStr = Field(SecretStr(""), description="secret_token of the webhook; needed for mode 'webhook'")
    mode: Literal["webhook", "polling"] = Field("polling", description="polling needs no public address")
    api: str = Field("https://api.telegram.org", description="base URL of the Bot API")


class Web(Section):
    """The widget's channel."""

    website_token: str = Field("demo", description="the widget's public name of this site")
    origins: tuple[str, ...] = Field((), description="sites that may embed the widget besides this server's own")
    identity_secret: SecretStr = Field(SecretStr(""), description="key of identifier_hash; empty: nobody is verified")
    trusted_proxies: tuple[str, ...] = Field((), description="addresses whose X-Forwarded-* is believed")


class Settings(BaseSettings):
    """Every setting, with its default. In the environment a section's field is FRONTDESK_SECTION__FIELD."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
        nested_model_default_partial_update=True,
    )

    home: Path = Field(Path(".frontdesk"), description="the folder with all state")
    models: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("frontdesk")) / "models",
        description="the cache of weights, shared by homes",
    )
    bot: Path | None = Field(None, description="the bot's folder; none: the demo company")
    database: str = Field("", description="SQLAlchemy URL; empty: SQLite in the home folder")
    device: Literal["auto", "cuda", "cpu"] = Field("auto", description="where models run")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on")
    public_url: str = Field("", description="how browsers reach this server, when it is behind a proxy")
    hub: bool = Field(False, description="whether weights may be fetched from a model hub")
    generator: bool | None = Field(None, description="overrides bot.toml's generator.enabled")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="how much is logged")
    log_json: bool = Field(False, description="one JSON object a line instead of text")
    traces: str = Field("", description="OTLP/HTTP endpoint for OpenTelemetry traces; empty: none are sent")
    engines: Engines = Engines()
    generator_api: GeneratorApi = GeneratorApi()
    limits: Limits = Limits()
    turns: Turns = Turns()
    search: Search = Search()
    rest: Rest = Rest()
    operators: Operators = Operators()
    telegram: Telegram = Telegram()
    web: Web = Web()

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{(self.home / 'frontdesk.db').absolute()}"

    @property
    def index(self) -> Path:
        """Where index snapshots and the stored texts of all document versions lie."""
        return self.home / "index"

    @property
    def blobs(self) -> Path:
        return self.home / "blobs"


def load(file: Path | None = None, **given: Any) -> Settings:
    """Read the settings. `given` (from the command line; None means not given) wins over environment and file.

    `file` defaults to `frontdesk.toml` in the working directory, if there is one. Raises ConfigError that names every
    unknown or wrong setting, mistyped `FRONTDESK_*` variables among them.
    """
    _check_environment()
    path = file or Path("frontdesk.toml")
    if file is not None and not path.is_file():
        raise ConfigError(f"there is no settings file {path}")
    from_file = _read(path) if path.is_file() else {}
    chosen = {key: value for key, value in given.items() if value is not None}
    try:
        return Settings(**_under(from_file, chosen))
    except ValidationError as error:
        raise ConfigError(_explain(error)) from None


def make_home(home: Path) -> None:
    """The folder with all state, made where there is none. ConfigError when nothing can be written there."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        why = "" if os.access(home, os.W_OK | os.X_OK) else "it is not this user's to write"
    except OSError as error:
        why = error.strerror or type(error).__name__
    if why:
        raise ConfigError(f"{home} cannot be written ({why}): name a folder that you may write with --home")


def _under(from_file: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """The file ranks below the environment, arguments above it; BaseSettings knows only arguments and environment."""
    environment = {name.upper() for name in os.environ}

    def drop(tree: dict[str, Any], prefix: str) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for key, value in tree.items():
            name = f"{prefix}{key}".upper()
            if isinstance(value, dict):
                kept[key] = drop(value, f"{prefix}{key}{NESTED}")
            elif name not in environment:
                kept[key] = value
        return kept

    return {**drop(from_file, PREFIX), **chosen}


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not valid TOML: {error}") from None


def names() -> dict[str, str]:
    """Every environment variable that is understood, with its description."""
    found: dict[str, str] = {}
    for key, field in Settings.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, Section):
            for inner, inner_field in section.model_fields.items():
                found[f"{PREFIX}{key}{NESTED}{inner}".upper()] = inner_field.description or ""
        else:
            found[f"{PREFIX}{key}".upper()] = field.description or ""
    return found


def _check_environment() -> None:
    known = names()
    unknown = sorted(name for name in os.environ if name.upper().startswith(PREFIX) and name.upper() not in known)
    for name in unknown:
        near = difflib.get_close_matches(name.upper(), known, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are: {', '.join(known)}"
        raise ConfigError(f"unknown setting in the environment: {name}; {hint}")


def _explain(error: ValidationError) -> str:
    lines = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors()]
    return "wrong settings: " + "; ".join(lines)
