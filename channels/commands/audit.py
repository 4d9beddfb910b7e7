"""`frontdesk audit`: what happened, as a file that shows when somebody changed it.

    {"n": 0, "previous": "000…", "trail": {"format": 1, "since": null, "conversation": null, ...}, "hash": "3f…"}
    {"n": 1, "previous": "3f…", "event": {"conversation": "…", "sequence": 1, ...}, "hash": "a0…"}
    …
    {"n": 9, "previous": "c4…", "end": {"events": 7, "promotions": 1}, "hash": "77…"}

A line's hash is the SHA-256 of the line without it, as JSON with sorted keys and no blanks; `previous` is that of the
line before. Whoever keeps the last hash elsewhere can tell the file from every other. Of what people wrote it has only
the references: their words can be erased, and the trail stays whole without them.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from bot.settings import Settings
from bot.store.base import Store
from channels import terminal
from channels.cli import common_options

FORMAT = 1
START = "0" * 64
"""What the first line names as the one before it."""
AT_ONCE = 1_000


def configure(parser: argparse.ArgumentParser) -> None:
    """Both actions with their options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    export = actions.add_parser("export", help="write it to a file", argument_default=argparse.SUPPRESS)
    common_options(export)
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="JSON lines; a new file")
    export.add_argument(
        "--since", type=moment, default=None, metavar="TIME", help="from then on: 2026-03-01 or 2026-03-01T12:00+01:00"
    )
    export.add_argument("--conversation", default=None, metavar="ID", help="of this conversation alone")
    verify = actions.add_parser(
        "verify", help="look whether it is as it was written", argument_default=argparse.SUPPRESS
    )
    common_options(verify)
    verify.add_argument("file", type=Path, metavar="FILE")
    verify.add_argument("--expect", default=None, metavar="HASH", help="the last hash, as the export printed it")


def run(args: argparse.Namespace) -> int:
    """One action. 1 for a file that was changed."""
    return asyncio.run(_export(args)) if args.action == "export" else _verify(args)


async def _export(args: argparse.Namespace) -> int:
    from bot.store.sql import SqlStore

    settings: Settings = args.settings
    if not settings.database and not (settings.home / "frontdesk.db").is_file():
        raise ConfigError(f"nothing ever happened in {settings.home}: name another with --home")
    store = SqlStore(settings.database_url)
    await store.open()
    try:
        counts = {"events": 0, "promotions": 0}
        last, number = START, 0
        try:
            with args.out.open("x", encoding="utf-8") as file:
                async for kind, content in _content(store, args):
                    if f"{kind}s" in counts:
                        counts[f"{kind}s"] += 1
                    line, last = chained(number, last, {kind: content if kind != "end" else counts})
                    file.write(line + "\n")
                    number += 1
        except FileExistsError:
            raise ConfigError(f"{args.out} is there already: name a new file") from None
        except OSError as error:
            raise ConfigError(f"{args.out} cannot be written: {error.strerror}") from None
    finally:
        await store.close()
    if terminal.wants_json():
        terminal.emit({"out": str(args.out), **counts, "lines": number, "hash": last})
    else:
        terminal.say(f"{args.out}: {counts['events']} events, {counts['promotions']} promotions of models")
        terminal.say(f"last hash: {last}")
        terminal.say("keep it elsewhere, and look with: frontdesk audit verify FILE --expect HASH")
    return 0


async def _content(store: Store, args: argparse.Namespace) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    since = args.since.isoformat() if args.since else None
    yield "trail", {"format": FORMAT, "since": since, "conversation": args.conversation, "made": f"{datetime.now(UTC)}"}
    after = 0
    while found := await store.trail(after, AT_ONCE, since=args.since, conversation=args.conversation):
        for after, event in found:  # noqa: B007 - where the next ones begin
            yield "event", event.model_dump(mode="json")
    if args.conversation is None:
        for each in await store.promotions():
            if args.since is None or each.time >= args.since:
                yield "promotion", json.loads(json.dumps(dataclasses.asdict(each), default=str))
    yield "end", {}


def chained(number: int, previous: str, content: dict[str, Any]) -> tuple[str, str]:
    """A line of the file, and its hash."""
    line = {"n": number, "previous": previous, **content}
    line["hash"] = digest(line)
    return _canonical(line), line["hash"]


def digest(line: dict[str, Any]) -> str:
    """The SHA-256 of a line without its own hash."""
    return hashlib.sha256(_canonical({key: line[key] for key in line if key != "hash"}).encode()).hexdigest()


def broken(lines: Iterator[str]) -> tuple[int, str, str]:
    """(lines that hold, the hash of the last of them, what is wrong with the next one: "" when nothing is)."""
    number, last, ended = 0, START, False
    counts = {"event": 0, "promotion": 0}
    for text in lines:
        try:
            line = json.loads(text)
        except ValueError:
            return number, last, "it is not JSON"
        if not isinstance(line, dict) or line.get("hash") != digest(line):
            return number, last, "its content is not what its hash says: it was changed"
        if line.get("previous") != last or line.get("n") != number or ended:
            return number, last, "it does not follow the line before: a line was added, removed or moved"
        for kind in counts:
            counts[kind] += kind in line
        ended = "end" in line
        if ended and line["end"] != {f"{kind}s": count for kind, count in counts.items()}:
            return number, last, "it counts other events than there are"
        number, last = number + 1, line["hash"]
    return number, last, "" if ended else "the file ends too early: lines are missing"


def _verify(args: argparse.Namespace) -> int:
    try:
        with args.file.open(encoding="utf-8") as file:
            number, last, why = broken(iter(file))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{args.file} cannot be read: {error}") from None
    where = number + 1
    if not why and args.expect is not None and args.expect.lower() != last:
        why, where = f"its last hash is {last}, not the one expected: another file, whole in itself", number
    if terminal.wants_json():
        terminal.emit(
            {"file": str(args.file), "whole": not why, "lines": number, "hash": last, "line": where, "why": why}
        )
    elif why:
        terminal.say(f"{args.file}, line {where}: {why}")
    else:
        terminal.say(f"{args.file} is whole: {number} lines, last hash {last}")
    return 1 if why else 0


def moment(given: str) -> datetime:
    """A time as it is typed; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(given)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r} is no time such as 2026-03-01 or 2026-03-01T12:00+01:00") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _canonical(line: dict[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
