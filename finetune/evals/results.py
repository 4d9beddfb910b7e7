"""What an evaluation prints and keeps: figures, n, intervals, and what they were measured on and with.

    {"eval": "reader", "f1": 61.2, ..., "n": 1388, "intervals": {"f1": [58.7, 63.6], ...}, "data": {"file", "sha256",
     "options"}, "versions": {"frontdesk", "reader", ...}, "device": "cpu", "date": "2026-...", "seconds": 92.1}

All metrics are from 0 to 100. Results are kept in HOME/evals, where `eval report` finds them.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from bot.engines import devices
from bot.errors import ConfigError
from bot.settings import Settings, make_home

Result = dict[str, Any]
Bar = Callable[[str, int | None], AbstractContextManager[Callable[..., None]]]
"""A progress bar: `with bar("reading", 100) as advance: advance()`."""

KEPT = "evals"


def folder(settings: Settings) -> Path:
    """Where results (and indexes of documents that were only evaluated) are kept."""
    return settings.home / KEPT


def finished(
    kind: str,
    found: Mapping[str, Any],
    *,
    file: Path,
    began: float,
    versions: Mapping[str, str],
    settings: Settings,
    options: Mapping[str, Any] | None = None,
) -> Result:
    """A result with everything that makes it repeatable. `began` is what `time.perf_counter` said."""
    told = {key: value for key, value in (options or {}).items() if value not in (None, False, (), [])}
    return {
        "eval": kind,
        **found,
        "data": {"file": file.name, "sha256": digest(file), "options": told},
        "versions": {"frontdesk": _version(), **versions},
        "device": devices.pick(settings),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(time.perf_counter() - began, 1),
    }


def keep(settings: Settings, result: Result) -> Path:
    """Write a result beside the earlier ones, and say where."""
    make_home(folder(settings))
    stamp = re.sub(r"\D", "", result["date"][:19])
    path = folder(settings) / f"{stamp}-{result['eval']}.json"
    number = 1
    while path.exists():
        number += 1
        path = path.with_name(f"{stamp}-{result['eval']}-{number}.json")
    write(path, result)
    return path


def write(path: Path, result: Result) -> None:
    """As JSON. Raises ConfigError where nothing can be written."""
    try:
        path.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


def read(path: Path) -> Result:
    """A result that was kept. Raises ConfigError for a file that holds none."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no result of an evaluation: {error}") from None
    if not isinstance(said, dict) or not {"eval", "date", "data"} <= said.keys():
        raise ConfigError(f"{path} is no result of an evaluation: 'eval', 'date' or 'data' is missing")
    return said


def kept(settings: Settings) -> list[Result]:
    """All results in HOME/evals, the oldest first."""
    found = [read(path) for path in sorted(folder(settings).glob("*.json"))]
    return sorted(found, key=lambda result: str(result["date"]))


def digest(file: Path) -> str:
    """Of a file's bytes: figures are compared only over the same data."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()[:12]


def _version() -> str:
    try:
        return metadata.version("frontdesk")
    except metadata.PackageNotFoundError:
        return "0+checkout"
