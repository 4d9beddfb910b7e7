"""Logs for people or machines, without personal data: every line passes `bot.guard.redact` before it is written, and an
exception is told by its kind and place, not by its message."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

Redact = Callable[[str], str]

CHATTY = (
    "alembic",
    "bm25s",
    "faiss",
    "httpcore",
    "httpx",
    "multipart",
    "python_multipart",
    "sqlalchemy",
    "uvicorn.access",
    "websockets",
)


def told(error: BaseException) -> str:
    """Where it happened and what kind it is, causes first. Not its message: a library's may quote a customer."""
    before = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    lines = [told(before), "then:"] if before is not None else []
    where = (line.rstrip() for line in traceback.format_tb(error.__traceback__))
    return "\n".join([*lines, *where, type(error).__name__])


class Text(logging.Formatter):
    """A line for people, and the traceback under it."""

    def __init__(self, redact: Redact) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self._redact = redact

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = self._redact(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        return self._redact(told(ei[1]))


class Lines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and error with its traceback where there is one."""

    def __init__(self, redact: Redact) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            line["error"] = self._redact(told(record.exc_info[1])) if record.exc_info[1] else ""
        return json.dumps(line, ensure_ascii=False)


def set_up(level: str, *, as_json: bool, redact: Redact) -> None:
    """Everything goes to standard error. Libraries that tell of every request are kept to warnings."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines(redact) if as_json else Text(redact))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # On the handler, not on their loggers: some of them set their own level when they are loaded, which is later.
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or not record.name.startswith(CHATTY))
    for name in ("uvicorn", "uvicorn.error"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
