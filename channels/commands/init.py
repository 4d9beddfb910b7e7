"""`frontdesk init DIR`: copies the demo company as a start for one's own."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable
from pathlib import Path

from bot.botfile import find_data
from bot.errors import ConfigError
from channels import terminal

LEFT_OUT = ("models", "models.toml", "__pycache__")
"""What belongs to the program and not to a company: the weights' manifest, and what was trained here."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder that does not exist or is empty")


def run(args: argparse.Namespace) -> int:
    """Copy; refuse to write into a folder that holds anything."""
    folder: Path = args.folder
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError(f"{folder} exists and is not an empty folder. Name a new one.")
    source = find_data()
    try:
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=_left_out(source))
    except OSError as error:
        raise ConfigError(f"cannot write to {folder}: {error.strerror}") from None
    files = sum(1 for path in folder.rglob("*") if path.is_file())
    if terminal.wants_json():
        terminal.emit({"folder": str(folder), "files": files})
    terminal.say(f"Copied the demo company ({files} files) to {folder}.")
    terminal.say("Make it yours: bot.toml, docs/, domain/, flows/, rules.toml, products.jsonl. Then:")
    terminal.say(f"  frontdesk serve --bot {folder}")
    return 0


def _left_out(source: Path) -> Callable[[str, list[str]], set[str]]:
    def ignore(folder: str, names: list[str]) -> set[str]:
        return {name for name in names if Path(folder) == source and name in LEFT_OUT}

    return ignore
