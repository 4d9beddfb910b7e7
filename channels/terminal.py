"""What a command prints: results on standard output, everything else on standard error when `--json` is given."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_json = False


def use_json(on: bool) -> None:
    """Chosen once, by `cli.main`."""
    global _json  # noqa: PLW0603 - one process runs one command
    _json = on


def wants_json() -> bool:
    """Whether `--json` was given."""
    return _json


def emit(result: object) -> None:
    """Print one JSON object on one line of standard output."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def say(text: str = "") -> None:
    """Print a line for people."""
    stream = sys.stderr if _json else sys.stdout
    stream.write(text + "\n")
    stream.flush()


def complain(text: str) -> None:
    """Print a line on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


@contextmanager
def progress(description: str, total: int | None = None) -> Iterator[Any]:
    """A progress bar on standard error; yields `advance(steps=1, total=None)`. Silent where nobody looks."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(description, total=total)

        def advance(steps: float = 1, total: int | None = None) -> None:
            if total is not None:
                bar.update(task, total=total)
            bar.update(task, advance=steps)

        yield advance
