"""The command `frontdesk`: a table of sub-commands, each loaded when it is called."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from bot import settings
from bot.engines.devices import calm_threads
from bot.errors import FrontdeskError
from channels import terminal

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("channels.commands.init", "copy the demo company into a folder, as a start for your own"),
    "serve": ("channels.commands.serve", "serve the widget, the channels and the API"),
    "ingest": ("channels.commands.ingest", "put documents into the index"),
    "crawl": ("channels.commands.crawl", "fetch a site's pages into a folder for ingestion"),
    "documents": ("channels.commands.documents", "list conflicts between documents, and those past their review"),
    "search": ("channels.commands.search", "search the index"),
    "shell": ("channels.commands.shell", "talk to the bot in the terminal, payloads included"),
    "validate": ("channels.commands.validate", "find every mistake in a bot's folder, with its line"),
    "test": ("channels.commands.test", "run a bot's scripted conversations, and make such of recorded ones"),
    "flows": ("channels.commands.flows", "draw a bot's flows"),
    "ask": ("channels.commands.ask", "ask the bot as a customer would"),
    "conversations": ("channels.commands.conversations", "list, show, reply to, return and resolve conversations"),
    "approvals": ("channels.commands.approvals", "list, approve and deny what waits for a person's yes"),
    "models": ("channels.commands.models", "pull, list and verify model weights"),
    "registry": ("channels.commands.registry", "versions of trained models: compare, promote and roll back"),
    "explain": ("channels.commands.explain", "say why the bot gave an answer"),
    "audit": ("channels.commands.audit", "export what happened, and verify such a file"),
    "train": ("finetune.train", "fine-tune a model"),
    "eval": ("finetune.evals.cli", "evaluate search, reader, answers, refusal, check and media, and report on them"),
    "bench": ("channels.bench.cli", "measure speed and memory"),
    "doctor": ("channels.commands.doctor", "say what is missing and how to mend it"),
}
"""Name -> (module with `configure(parser)` and `run(args) -> exit code`, help line)."""


def main(argv: list[str] | None = None) -> int:
    """Run one sub-command. Exit codes: 0 done, 1 failed with a message, 2 wrong usage, 130 interrupted."""
    arguments = sys.argv[1:] if argv is None else argv
    name = next((word for word in arguments if word in COMMANDS), None)
    parser = _parser(name)
    args = parser.parse_args(arguments)
    terminal.use_json(getattr(args, "json", False))
    calm_threads()
    try:
        module, _ = COMMANDS[args.command]
        given = {"home": args.home, "bot": args.bot_folder}
        args.settings = settings.load(args.config, **given)
        return int(import_module(module).run(args))
    except FrontdeskError as error:
        terminal.complain(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        terminal.complain("interrupted")
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone (`| head`): point stdout elsewhere so that Python's own flush stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(chosen: str | None) -> argparse.ArgumentParser:
    """The parser with every command's name, but only the chosen command's own options loaded."""
    parser = argparse.ArgumentParser(prog="frontdesk", description="A self-hosted customer-service platform.")
    parser.add_argument("--version", action="version", version=f"frontdesk {_version()}")
    common_options(parser, first=True)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, line) in COMMANDS.items():
        command = commands.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == chosen:
            common_options(command)
            import_module(module).configure(command)
    return parser


def common_options(parser: argparse.ArgumentParser, *, first: bool = False) -> None:
    """What every command takes, before its name, behind it or behind its action.

    Only the `first` parser gives them values: what is not given behind a name must not undo what stands before it.
    """
    group = parser.add_argument_group("common options")
    unset: Any = None if first else argparse.SUPPRESS
    group.add_argument(
        "--home", type=Path, default=unset, metavar="DIR", help="the folder with all state (default: ./.frontdesk)"
    )
    group.add_argument(
        "--bot",
        type=Path,
        default=unset,
        dest="bot_folder",
        metavar="DIR",
        help="the bot's folder (default: the demo company)",
    )
    group.add_argument(
        "--config", type=Path, default=unset, metavar="FILE", help="settings file (default: ./frontdesk.toml)"
    )
    group.add_argument(
        "--json",
        action="store_true",
        default=False if first else argparse.SUPPRESS,
        help="print JSON on standard output, everything else on standard error",
    )


def _version() -> str:
    try:
        return metadata.version("frontdesk")
    except metadata.PackageNotFoundError:
        return "0+checkout"


if __name__ == "__main__":
    sys.exit(main())
