"""Processes that are killed, and processes that hear of each other."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bot.events import Received
from bot.store.sql import SqlStore
from tests.store.stores import answer, claimed, hello, said

ROOT = Path(__file__).parents[2]
HEAD = "import asyncio, sys\nfrom bot.store.sql import SqlStore\nfrom tests.store.stores import *\nurl = sys.argv[1]\n"

DIES_IN_THE_MIDDLE = (
    HEAD
    + """
async def main():
    store = SqlStore(url)
    await store.open()
    claim = await store.claim("worker-1", lease_seconds=600)
    print(claim.attempt, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
)

ACCEPTS_UNTIL_KILLED = (
    HEAD
    + """
async def main():
    store = SqlStore(url)
    await store.open()
    for n in range(100_000):
        await store.accept(hello(str(n), text=str(n)), bot="demo")
        print(n, flush=True)
asyncio.run(main())
"""
)

WRITES_ONCE = (
    HEAD
    + """
async def main():
    store = SqlStore(url)
    await store.open()
    print("ready", flush=True)
    sys.stdin.readline()
    conversation = await store.find("web", "default", "anna")
    state = await store.load(conversation)
    reply = said(conversation, "from the desk", "r1", "agent")
    await store.commit(conversation, state.version, [reply], send=["r1"])
    print("written", flush=True)
    await store.close()
asyncio.run(main())
"""
)

Start = Callable[[str, str], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Runs a script as another process; what is left of it at the end is killed."""
    running: list[subprocess.Popen[str]] = []

    def run(script: str, url: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, url]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=ROOT, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, **pipes)
        running.append(process)
        return process

    yield run
    for process in running:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


async def test_a_turn_whose_worker_was_killed_is_finished_once_after_the_restart(store_url: str, start: Start) -> None:
    store = SqlStore(store_url)
    await store.open()
    accepted = await store.accept(hello("1", text="Where is my parcel?"), bot="demo")
    worker = start(DIES_IN_THE_MIDDLE, store_url)
    assert line(worker) == "1"
    worker.kill()
    worker.wait()

    assert await store.claim("worker-2", lease_seconds=30) is None
    assert await store.release_worker("worker-1") == 1
    claim = await claimed(store, "worker-1")
    assert claim.attempt == 2
    await answer(store, claim, "On its way")

    assert await store.claim("worker-2", lease_seconds=30) is None
    events = await store.events(accepted.conversation)
    assert [one.body.type for one in events] == ["started", "received", "sent"]
    assert not (await store.accept(hello("1"), bot="demo")).new
    await store.close()


async def test_what_was_acknowledged_before_a_kill_is_there(sqlite_url: str, start: Start) -> None:
    process = start(ACCEPTS_UNTIL_KILLED, sqlite_url)
    for _ in range(20):
        acknowledged = line(process)
    process.kill()
    rest, _ = process.communicate()
    count = int((rest.split() or [acknowledged])[-1]) + 1

    store = SqlStore(sqlite_url)
    await store.open()
    assert count <= await store.waiting() <= count + 1
    claim = await claimed(store)
    texts = [message.text for message in claim.trigger.messages]
    assert texts == [str(n) for n in range(len(texts))]
    await store.close()


async def test_what_another_process_writes_is_noticed_within_a_second(store_url: str, start: Start) -> None:
    store = SqlStore(store_url)
    await store.open()
    accepted = await store.accept(hello(), bot="demo")
    await answer(store, await claimed(store))
    desk = start(WRITES_ONCE, store_url)
    assert await asyncio.to_thread(line, desk) == "ready"
    mark = await store.changes(0, 1)
    while (newer := await store.changes(mark, 0.3)) != mark:
        mark = newer

    wait = asyncio.create_task(store.changes(mark, 10))
    assert desk.stdin
    desk.stdin.write("\n")
    desk.stdin.flush()
    assert await asyncio.to_thread(line, desk) == "written"
    written = time.monotonic()
    assert await wait != mark
    assert time.monotonic() - written < 1
    (outgoing,) = await store.due("w", channels=["web"])
    assert (outgoing.reply.text, outgoing.conversation) == ("from the desk", accepted.conversation)
    await store.close()


async def test_a_caller_who_goes_away_leaves_nothing_half_done(sqlite_url: str) -> None:
    store = SqlStore(sqlite_url)
    await store.open()
    accepts = [asyncio.create_task(store.accept(hello(str(n), text=str(n)), bot="demo")) for n in range(30)]
    await asyncio.sleep(0.02)
    for task in accepts[::2]:
        task.cancel()
    done = await asyncio.gather(*accepts, return_exceptions=True)
    stored = {n for n, one in enumerate(done) if not isinstance(one, BaseException)}
    assert set(range(1, 30, 2)) <= stored
    claim = await claimed(store)
    there = [int(message.text) for message in claim.trigger.messages]
    assert stored <= set(there)
    stored_events = await answer(store, claim, "r")
    assert sum(isinstance(one.body, Received) for one in stored_events) == len(there)
    await store.commit(claim.lease.conversation, len(there) + 2, [said(claim.lease.conversation, "x", "y")])
    await store.close()
