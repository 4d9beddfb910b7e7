"""Runs scripted conversations against a bot: built as `serve` builds it, with a database and a shop of its own that are
thrown away, at a fixed hour, so that the same cases give the same result.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.actions.base import Actions
from bot.botfile import BotFile, load_bot
from bot.build import Bot, build
from bot.errors import ConfigError
from bot.flows.model import Flow, Problem
from bot.scripted.coverage import Covered, coverage
from bot.scripted.known import unknown
from bot.scripted.run import Outcome, run
from bot.scripted.script import Case
from bot.scripted.stubbed import Stubbed
from bot.settings import Settings
from bot.types import now

SATURDAY = 5
HOUR = 10
"""UTC: people are at work then in most of the places where this is tested."""


@dataclass(frozen=True, slots=True)
class Result:
    """All cases in their order, and how far they went through the bot's own flows."""

    outcomes: tuple[Outcome, ...]
    covered: tuple[Covered, ...]

    @property
    def passed(self) -> bool:
        return all(outcome.passed for outcome in self.outcomes)


async def carry_out(
    settings: Settings,
    cases: Sequence[Case],
    *,
    server: str | None = None,
    moment: datetime | None = None,
    done: Callable[[Outcome], None] = lambda outcome: None,
    warn: Callable[[Problem], None] = lambda problem: None,
) -> Result:
    """Run the cases one after the other. `server` is an action server's URL; else actions run in this process.
    `moment` is what customers are told the time is, by default `working_moment()`. `done` is told of every
    case, `warn` of what cases name and the bot does not have.

    Raises ConfigError for what is wrong with the bot and for an action server that does not answer, and whatever keeps
    the bot's models from starting.
    """
    moment = moment or working_moment(now())
    with tempfile.TemporaryDirectory(prefix="frontdesk-test-") as name:
        folder = Path(name)
        private = settings.model_copy(update={"database": f"sqlite:///{folder / 'test.db'}"})
        stubbed: list[Stubbed] = []

        def around(inner: Actions | None) -> Stubbed:
            stubbed.append(Stubbed(inner))
            return stubbed[0]

        botfile = _own_shop(load_bot(settings.bot), folder)
        bot = await build(private, botfile=botfile, server=server, around=around, clock=lambda: moment)
        if bot.turn.steps.processes is not None:
            for problem in unknown(bot.turn.steps.processes.bot, cases):
                warn(problem)
        await bot.start()
        try:
            if server is not None and not await stubbed[0].healthy():
                raise ConfigError(f"no action server answers at {server}: start it, or leave --actions out")
            outcomes = [await _timed(bot, case, stubbed[0], folder, done) for case in cases]
        finally:
            await bot.close()
        own = _flows(bot, own=True)
    taken = [step for outcome in outcomes for step in outcome.taken()]
    return Result(tuple(outcomes), tuple(coverage(own, taken)))


def working_moment(today: datetime) -> datetime:
    """Ten o'clock (UTC) of this day, or of the Monday after it: whether people are at work, and what "tomorrow" means,
    is the same from morning to evening."""
    day = today.astimezone(UTC).replace(hour=HOUR, minute=0, second=0, microsecond=0)
    return day + timedelta(days=7 - day.weekday() if day.weekday() >= SATURDAY else 0)


async def _timed(bot: Bot, case: Case, actions: Stubbed, folder: Path, done: Callable[[Outcome], None]) -> Outcome:
    if actions.calls:  # a case finds the shop as on the first day
        await actions.close()
        for end in ("", "-wal", "-shm"):
            (folder / f"shop.db{end}").unlink(missing_ok=True)
        await actions.start()
    actions.stubs, actions.calls = case.stubs, 0
    began = time.monotonic()
    outcome = await run(bot, _flows(bot), case)
    outcome.seconds = time.monotonic() - began
    done(outcome)
    return outcome


def _own_shop(botfile: BotFile, folder: Path) -> BotFile:
    """The bot with a shop of its own: a test must not send anybody's parcels back."""
    if botfile.shop is None:
        return botfile
    shop = botfile.shop.model_copy(update={"database": f"sqlite:///{folder / 'shop.db'}"})
    return botfile.model_copy(update={"shop": shop})


def _flows(bot: Bot, *, own: bool = False) -> dict[str, Flow]:
    processes = bot.turn.steps.processes
    if processes is None:
        return {}
    known = processes.bot.processes
    return dict(known.own if own else known.flows)
