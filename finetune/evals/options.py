"""What several evaluations take: other weights than the served ones, which documents, how many rows."""

from __future__ import annotations

import argparse
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bot.botfile import BotFile, DocumentSource, collected, load_bot
from bot.engines.registry import weights_with
from bot.engines.weights import Weights
from bot.errors import ConfigError
from bot.settings import Settings
from finetune.evals.rows import R, RowError, some


def model(parser: argparse.ArgumentParser, name: str, what: str) -> None:
    """An option for a folder of weights."""
    parser.add_argument(name, type=Path, default=None, metavar="DIR", help=f"{what}: a folder of weights")


def limit(parser: argparse.ArgumentParser, *, rows: bool) -> None:
    """Which rows are taken, and where the result goes. `rows`: they have fields to choose by."""
    if rows:
        parser.add_argument(
            "--where",
            type=_field,
            action="append",
            default=None,
            metavar="FIELD=VALUE",
            help="only the rows whose field has this value, as in --where half=report; may be given several times",
        )
    parser.add_argument(
        "--limit", type=_positive, default=None, metavar="N", help="only N rows, spread evenly over the file"
    )
    parser.add_argument("--out", type=Path, default=None, metavar="FILE", help="write the result there too, as JSON")


def chosen(rows: Sequence[R], args: argparse.Namespace) -> list[R]:
    """The rows that `--where` and `--limit` leave. Raises RowError when there are none."""
    wanted: list[tuple[str, str]] = args.where or []
    left = [row for row in rows if all(row.has(*each) for each in wanted)]
    if not left:
        raise RowError(f"no row has {' and '.join('='.join(each) for each in wanted)}")
    return some(left, args.limit)


def told(args: argparse.Namespace) -> dict[str, object]:
    """`--where` and `--limit` as a result tells them."""
    return {"where": ["=".join(each) for each in args.where or []], "limit": args.limit}


def documents(parser: argparse.ArgumentParser) -> None:
    """Which documents answers come from."""
    parser.add_argument(
        "--docs", type=Path, default=None, metavar="DIR", help="answer from this folder alone (default: the bot's own)"
    )
    parser.add_argument("--collection", default=None, metavar="NAME", help="answer from this collection of the bot's")
    internal(parser)
    parser.add_argument(
        "--no-generator", action="store_true", default=False, help="answer with the documents' own sentences only"
    )


def internal(parser: argparse.ArgumentParser) -> None:
    """Which of `--docs` are internal."""
    parser.add_argument(
        "--internal-title",
        default=None,
        metavar="REGEX",
        help="of --docs, those in whose title the expression is found are internal",
    )


def weights(settings: Settings, instead: Mapping[str, Path | None]) -> Weights:
    """The installation's weights, some of them from other folders. Raises ConfigError for a folder that is none."""
    folders = {name: folder for name, folder in instead.items() if folder is not None}
    for folder in folders.values():
        if not folder.is_dir():
            raise ConfigError(f"{folder} is not a folder of weights")
    return weights_with(settings, folders)


def bot_of(args: argparse.Namespace) -> tuple[Settings, BotFile]:
    """The settings and the bot that answers: from its own documents, one collection of them, or a folder.

    The index of a folder is kept in HOME/evals, so that it is made only once. Raises ConfigError.
    """
    settings: Settings = args.settings
    if args.no_generator:
        settings = settings.model_copy(update={"generator": False})
    botfile = load_bot(settings.bot)
    if args.docs is None:
        if args.internal_title:
            raise ConfigError("--internal-title goes with --docs; a bot's own documents say it in bot.toml")
        return settings, collected(botfile, args.collection)
    if args.collection:
        raise ConfigError("give either --docs or --collection")
    source = DocumentSource(path=folder_of(args.docs), collection="eval", internal_title=pattern(args.internal_title))
    home = settings.home / "evals" / f"docs-{name_of(args.docs)}"
    # The database of the installation stays where it is; only the index has a place of its own.
    settings = settings.model_copy(update={"home": home})
    return settings, botfile.model_copy(update={"collections": ("eval",), "documents": (source,)})


def folder_of(path: Path) -> Path:
    """The folder, absolute. Raises ConfigError."""
    if not path.is_dir():
        raise ConfigError(f"{path} is not a folder of documents")
    return path.resolve()


def name_of(path: Path) -> str:
    """A short name for a folder or file, by where it lies."""
    return hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]


def pattern(given: str | None) -> str | None:
    """A regular expression that is one. Raises ConfigError."""
    try:
        re.compile(given or "")
    except re.error as error:
        raise ConfigError(f"--internal-title {given!r} is no regular expression: {error}") from None
    return given


def _field(given: str) -> tuple[str, str]:
    name, is_, value = given.partition("=")
    if not (name and is_):
        raise argparse.ArgumentTypeError(f"{given} is not FIELD=VALUE")
    return name, value


def _positive(given: str) -> int:
    number = int(given)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given} is not at least 1")
    return number
