"""What evaluations of recordings and pictures share: rows that name files, opened as a customer's uploads are."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bot.engines.base import Engine
from bot.errors import Rejected
from finetune.evals import options
from finetune.evals.results import Bar, Result, finished
from finetune.evals.rows import R, RowError, bytes_of

Upload = TypeVar("Upload")
T = TypeVar("T")


def configure(parser: argparse.ArgumentParser, fields: str, files: str) -> None:
    """`--data`, whose rows have `fields`; `files` is what they name."""
    line = f"{fields} a line; {files} are named relative to the file"
    parser.add_argument("--data", type=Path, required=True, metavar="FILE", help=line)


async def each(
    engine: Engine,
    rows: Sequence[R],
    opened: Callable[[R], Awaitable[Upload]],
    asked: Callable[[R, Upload], Awaitable[T]],
    *,
    bar: Bar,
    doing: str,
) -> list[T]:
    """What `asked` gives for each row with its upload, one after the other, while the engine is started."""
    await engine.start()
    try:
        found = []
        with bar(doing, len(rows)) as advance:
            for row in rows:
                found.append(await asked(row, await opened(row)))
                advance()
        return found
    finally:
        await engine.close()


async def upload(file: Path, row: R, field: str, decode: Callable[[bytes], Awaitable[Upload]]) -> Upload:
    """The file that a row names in a field, decoded. Raises RowError for one that is missing or that is refused."""
    named: str = getattr(row, field)
    try:
        return await decode(bytes_of(file, row.line, field, named))
    except Rejected as error:
        raise RowError(f"{file}, line {row.line}: {field}: {named}: {error}") from None


def result(
    kind: str, args: argparse.Namespace, found: dict[str, Any], *, engine: tuple[str, str], began: float
) -> Result:
    """The figures with everything that makes them repeatable. `engine` is its role and its name."""
    return finished(
        kind,
        found,
        file=args.data,
        began=began,
        versions=dict([engine]),
        settings=args.settings,
        options=options.told(args),
    )
