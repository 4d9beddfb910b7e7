"""`frontdesk test`: a bot's scripted conversations, and recorded ones made into such."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from bot.errors import ConfigError
from bot.scripted.read import read_cases
from bot.settings import Settings
from channels import terminal

if TYPE_CHECKING:
    from bot.e2e import Result
    from bot.scripted.coverage import Covered
    from bot.scripted.run import Outcome

COLOURS = {" ": "", "-": "red", "+": "green"}
WRONG_FILE = 2


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        metavar="PATH",
        help="files or folders in Rasa's end-to-end format, or FILE::CASE; or 'record' and a conversation's id",
    )
    parser.add_argument("--actions", metavar="URL", help="an action server that runs the bot's actions")
    parser.add_argument("--generator", action="store_true", help="let the generator word answers (slower, may vary)")
    parser.add_argument("--at", type=_moment, metavar="TIME", help="the time in the tests, such as 2026-06-03T10:00")
    parser.add_argument("--coverage", action="store_true", help="say which steps of which flows were never taken")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write a report for continuous integration")
    parser.add_argument("--out", type=Path, metavar="FILE", help="with 'record': write the test case there")


def run(args: argparse.Namespace) -> int:
    """0: all passed; 1: some did not; 2: a file of tests is wrong."""
    settings: Settings = args.settings
    if args.paths[0] == "record" and len(args.paths) == 2:
        return _record(settings, args.paths[1], args.out)
    if args.out is not None:
        raise ConfigError("--out goes with 'frontdesk test record CONVERSATION_ID'")
    cases, problems = [], []
    for path in args.paths:
        found, wrong = read_cases(path)
        cases += found
        problems += wrong
    if problems:
        for problem in problems:
            terminal.complain(str(problem))
        return WRONG_FILE
    from bot import e2e
    from bot.scripted.report import as_json, junit

    if not args.generator:
        settings = settings.model_copy(update={"generator": False})
    terminal.complain("loading ...")
    result = asyncio.run(
        e2e.carry_out(
            settings,
            cases,
            server=_webhook(args.actions),
            moment=args.at,
            done=_tell,
            warn=lambda problem: terminal.complain(str(problem)),
        )
    )
    if args.junit is not None:
        args.junit.write_text(junit(result.outcomes), encoding="utf-8")
    if terminal.wants_json():
        terminal.emit(as_json(result.outcomes, result.covered if args.coverage else None))
    else:
        _show(result, coverage=args.coverage)
    return 0 if result.passed else 1


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no time such as 2026-06-03T10:00") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _webhook(url: str | None) -> str | None:
    """Rasa's place below a server's address, which may be given without it."""
    if url is None or url.rstrip("/").endswith("/webhook"):
        return url
    return url.rstrip("/") + "/webhook"


def _tell(outcome: Outcome) -> None:
    mark = "passed" if outcome.passed else "FAILED"
    terminal.complain(f"{mark}  {outcome.case.name}  ({outcome.seconds:.1f} s)")


def _show(result: Result, *, coverage: bool) -> None:
    from rich.console import Console

    from bot.scripted.report import difference, reason

    console = Console(highlight=False, soft_wrap=True, markup=False)
    failed = [outcome for outcome in result.outcomes if not outcome.passed]
    for outcome in failed:
        console.print(f"\n{outcome.case.name}", style="bold")
        console.print(reason(outcome))
        for mark, line in difference(outcome):
            console.print(f"{mark} {line}", style=COLOURS[mark])
    if coverage:
        _table(result.covered)
    console.print(f"\n{len(result.outcomes) - len(failed)} passed, {len(failed)} failed")


def _table(covered: Sequence[Covered]) -> None:
    from rich.console import Console
    from rich.table import Table

    from bot.scripted.coverage import total

    table = Table("flow", "steps", "taken", "never taken", title=f"coverage by flow step: {total(covered):.0%}")
    for each in covered:
        table.add_row(each.flow, str(each.steps), f"{each.share:.0%}", ", ".join(each.missing))
    Console(markup=False).print(table)


def _record(settings: Settings, start: str, out: Path | None) -> int:
    from bot.scripted.recorded import recorded
    from channels.commands.conversations import named, opened

    async def events() -> tuple[str, str]:
        async with opened(settings) as store:
            conversation = await named(store, start)
            return conversation, recorded(conversation, await store.events(conversation))

    conversation, text = asyncio.run(events())
    if out is not None:
        out.write_text(text, encoding="utf-8")
        terminal.say(f"wrote {out}")
    if terminal.wants_json():
        terminal.emit({"conversation": conversation, "file": str(out) if out else None, "test": text})
    elif out is None:
        terminal.say(text.rstrip())
    return 0
