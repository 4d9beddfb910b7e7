"""`frontdesk bench dialogue`: the dialogue machine without any model: turns a second, and how long a large bot loads.

The bot is made up (`transfers`), so that the figure means the same for every installation. One conversation of six
turns is gone through again and again, each time by a new customer: a process begins, two slots are filled, both are
corrected, an action runs, a condition leads on, a confirmation ends it. What customers say comes as the commands (in
memory) or the payloads (on SQLite) that understanding would make of it: nothing is understood here. Actions cost what
the call costs, and do nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bot import results
from bot.actions.fake import FakeActions
from bot.botfile import load_bot
from bot.commands import Command
from bot.errors import FrontdeskError
from bot.flows.load import Loaded, load, with_base
from bot.hearing import Ears, Heard
from bot.processes import Processes
from bot.record import Record, Stream
from bot.results import ActionResult
from bot.settings import Settings
from bot.state import State
from bot.store.base import Claim, Lease
from bot.store.blobs import FolderBlobs
from bot.store.sql import SqlStore
from bot.turn import TEMPLATES, Turn
from bot.types import Message, Trigger, now
from channels.bench.machine import describe, python_ms, sync_ms
from channels.bench.transfers import COMMANDS, PAYLOADS, written

MEMORY, SQLITE = 2000.0, 300.0
"""Turns a second, at least."""
LOADED_SECONDS = 5.0
"""In so long a bot with `FLOWS` flows is to be loaded and checked."""
FLOWS = 500
CALLERS = 8
"""So many customers talk at once on SQLite; in memory one after another, since nothing waits there."""
SPOKEN = "shell"
"""The channel: there, any payload counts."""


async def measured(settings: Settings, seconds: float) -> dict[str, Any]:
    """All figures, each for so many seconds; and the references of the same run."""
    with tempfile.TemporaryDirectory(prefix="frontdesk-bench-") as name:
        folder = Path(name)
        large, loading = _loaded(folder / "large", FLOWS)
        small, _ = _loaded(folder / "small", 1)
        memory = {flows: await in_memory(bot, settings, seconds) for flows, bot in ((1, small), (FLOWS, large))}
        sqlite = {
            callers: await on_sqlite(small, settings, folder / f"{callers}.db", seconds, callers)
            for callers in (1, CALLERS)
        }
        sync = await asyncio.to_thread(sync_ms, folder)
    python = python_ms()
    return {
        "bench": "dialogue",
        "memory": {**_figure(memory[1], python), f"per_second_{FLOWS}_flows": round(memory[FLOWS], 1)},
        "sqlite": {
            **_figure(sqlite[CALLERS], python),
            "callers": CALLERS,
            "per_second_one_caller": round(sqlite[1], 1),
        },
        "load": {"flows": FLOWS, "seconds": round(loading, 2), "in_references": round(1000 * loading / python, 1)},
        "targets": {
            "memory_turns_per_second": _target(memory[1], MEMORY, memory[1] >= MEMORY),
            "sqlite_turns_per_second": _target(sqlite[CALLERS], SQLITE, sqlite[CALLERS] >= SQLITE),
            "load_seconds": _target(loading, LOADED_SECONDS, loading <= LOADED_SECONDS),
        },
        "reference_python_ms": round(python, 2),
        "reference_sync_ms": round(sync, 3),
        "machine": describe(),
    }


def _loaded(folder: Path, flows: int) -> tuple[Loaded, float]:
    """The made-up bot, and the seconds that loading and checking it took."""
    written(folder, flows)
    began = time.perf_counter()
    loaded = load(folder)
    seconds = time.perf_counter() - began
    if loaded.problems:
        raise FrontdeskError(f"the made-up bot has a mistake: {loaded.problems[0]}")
    with_base(loaded.domain, TEMPLATES)
    return loaded, seconds


def _figure(rate: float, python: float) -> dict[str, Any]:
    """`per_reference`: how many turns go into the reference of the same run; it can be compared between machines."""
    return {"per_second": round(rate, 1), "per_reference": round(rate * python / 1000, 2)}


def _target(value: float, target: float, met: bool) -> dict[str, Any]:
    return {"value": round(value, 2), "target": target, "met": met}


async def in_memory(bot: Loaded, settings: Settings, seconds: float) -> float:
    """Turns a second without a store: from commands to the events and replies that would be committed."""
    turn = _turn(bot, settings, SqlStore("sqlite:///unused.db"), Path())
    done, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        state = State(conversation=f"c{done}", channel=SPOKEN)
        for commands in COMMANDS:
            state = await _said(turn, state, commands)
            done += 1
        _came_through(state)
    return done / (time.perf_counter() - began)


async def _said(turn: Turn, state: State, commands: Sequence[Command]) -> State:
    work = Trigger(conversation=state.conversation, messages=(Message(channel=SPOKEN, sender="ann", text="said"),))
    lease = Lease(conversation=state.conversation, worker="bench", token="", until=now())
    record = Record(Claim(lease=lease, trigger=work, inbox=(), attempt=1), state, {})
    processes = turn.steps.processes
    assert processes is not None  # noqa: S101 - `_turn` gave it some
    await processes.respond(turn.steps, record, commands, Heard(), Stream(record, 1, None))
    record.end()
    return record.state


async def on_sqlite(bot: Loaded, settings: Settings, file: Path, seconds: float, callers: int) -> float:
    """Turns a second that are accepted, claimed, carried out and committed, each waited for by its customer."""
    store = SqlStore(f"sqlite:///{file}")
    await store.open()
    turn = _turn(bot, settings, store, file.parent)
    done, began = 0, time.perf_counter()

    async def customers(number: int) -> None:
        nonlocal done
        served = 0
        while time.perf_counter() - began < seconds:
            for payload in PAYLOADS:
                conversation = await _pressed(turn, store, f"ann-{number}-{served}", payload)
                done += 1
            _came_through(await store.load(conversation))
            served += 1

    try:
        await asyncio.gather(*(customers(number) for number in range(callers)))
        return done / (time.perf_counter() - began)
    finally:
        await store.close()


async def _pressed(turn: Turn, store: SqlStore, sender: str, payload: str) -> str:
    message = Message(channel=SPOKEN, sender=sender, text=payload, payload=payload)
    accepted = await store.accept(message, bot="bench", wait=False)
    claim = await store.claim(sender, lease_seconds=60, conversation=accepted.conversation)
    assert claim is not None  # noqa: S101 - nobody else claims here
    await turn.handle(claim)
    return accepted.conversation


def _came_through(state: State) -> None:
    """A figure for conversations that went astray would be worth nothing."""
    if state.stack or state.owner != "bot" or not state.turns:
        raise FrontdeskError("a conversation of the benchmark did not come to its end")


def _turn(bot: Loaded, settings: Settings, store: SqlStore, folder: Path) -> Turn:
    """A turn whose models are never called."""
    enough = ActionResult(events=(results.SlotWasSet("has_funds", True),))
    actions = FakeActions({"action_check_funds": enough, "action_execute_transfer": ActionResult()}, remember=1)
    nobody: Any = None
    return Turn(
        store=store,
        answerer=nobody,
        ears=Ears(FolderBlobs(folder / "blobs"), nobody, 1.0),
        domain=bot.domain,
        botfile=load_bot(None),
        settings=settings,
        processes=Processes(bot, actions, clock=now),
    )


def lines(found: dict[str, Any]) -> list[str]:
    """The result for people."""
    memory, sqlite, loading = found["memory"], found["sqlite"], found["load"]
    return [
        f"dialogue in memory, one core: {memory['per_second']:g} turns/s (target {MEMORY:g}), "
        f"with {FLOWS} flows {memory[f'per_second_{FLOWS}_flows']:g}; {memory['per_reference']:g} in a reference",
        f"dialogue on SQLite, {sqlite['callers']} customers at once: {sqlite['per_second']:g} turns/s "
        f"(target {SQLITE:g}), one customer {sqlite['per_second_one_caller']:g}; "
        f"{sqlite['per_reference']:g} in a reference",
        f"a bot with {loading['flows']} flows loaded and checked: {loading['seconds']:g} s "
        f"(target {LOADED_SECONDS:g}), {loading['in_references']:g} references",
        f"references of the same run: a piece of plain Python {found['reference_python_ms']:g} ms, "
        f"a write that the disk has {found['reference_sync_ms']:g} ms",
    ]
