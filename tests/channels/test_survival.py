"""What it must survive: kill -9 in a turn, a signal in one, a locked database, a clock that jumps.

More of it: `test_full_disk`, `test_hanging_models`, `test_broken_media`, `test_uploads`, `test_inbox`, `test_rest`,
`test_wire`, `test_telegram`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from bot.types import now
from tests.channels.desks import Running
from tests.channels.widgets import session, tab

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(home: Path, port: int, seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
    """A server in another process, ready to answer; killed in the end if it still runs."""
    program = str(Path(__file__).parent / "rote_server.py")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, program, str(home), str(port), str(seconds), env=environment, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), 30) == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_turn_that_a_kill_cut_short_is_finished_once_after_the_restart(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    url, ws = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/web/ws"
    async with served(home, port, 30) as process, httpx.AsyncClient(base_url=url) as http:
        opened = await session(http)
        async with tab(ws, opened["token"]) as widget:
            await widget.say("are you there?", client_id="c1")
            await widget.until("ack")
            await widget.until("provisional")
            process.kill()
            await process.wait()
    async with served(home, port, 0), httpx.AsyncClient(base_url=url) as http:
        again = await session(http, token=opened["token"])
        assert again["visitor"] == opened["visitor"]
        async with tab(ws, opened["token"]) as widget:
            await widget.say("are you there?", client_id="c1")  # its offline queue cannot know that it arrived
            await widget.until("ack")
            while len(widget.messages()) < 2:
                await widget.next()
            await asyncio.sleep(0.5)
        history = (await session(http, token=opened["token"]))["history"]
    assert [frame["from"] for frame in history] == ["customer", "bot"]


async def test_a_signal_lets_the_turn_in_flight_finish(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    url = f"http://127.0.0.1:{port}"
    async with served(home, port, 1.0) as process, httpx.AsyncClient(base_url=url, timeout=20) as http:
        asked = asyncio.create_task(http.post("/webhooks/rest/webhook", json={"sender": "a", "message": "hi"}))
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        answer = await asked
        assert answer.json()[0]["text"] == "you said: **hi**"
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_a_message_into_a_locked_database_is_kept_by_the_widget_and_arrives_later(
    desk: Running, http: httpx.AsyncClient
) -> None:
    opened = await session(http)
    async with tab(desk.ws, opened["token"]) as widget:
        await widget.send(type="ping")
        await widget.until("pong")
        lock = sqlite3.connect(desk.bot.settings.home / "frontdesk.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        await widget.say("hi", client_id="c1")
        nack = await widget.until("nack", patience=60)
        assert (nack["client_id"], nack["error"]["code"]) == ("c1", "unavailable")
        assert nack["retry_after"] > 0
        assert (await http.get("/readyz", timeout=60)).status_code == 503
        lock.execute("ROLLBACK")
        lock.close()
        await widget.say("hi", client_id="c1")
        await widget.until("ack")
        async with asyncio.timeout(20):
            while not any(frame["from"] == "bot" for frame in widget.messages()):
                await widget.next()
    assert (await http.get("/readyz")).status_code == 200


async def test_a_clock_that_jumps_disturbs_no_order_and_holds_nothing_up(
    desk: Running, http: httpx.AsyncClient
) -> None:
    opened = await session(http)
    jumped = timedelta()
    desk.bot.store._clock = lambda: now() + jumped  # the wall clock, as the store sees it
    async with tab(desk.ws, opened["token"]) as widget:
        for number, days in enumerate((0, -400, 3_650, -1, 0)):
            jumped = timedelta(days=days)
            began = asyncio.get_running_loop().time()
            await widget.say(f"message {number}", client_id=f"c{number}")
            async with asyncio.timeout(10):
                while len(widget.messages()) < 2 * number + 2:
                    await widget.next()
            assert asyncio.get_running_loop().time() - began < 5
        await widget.say("message 0", client_id="c0")
        await widget.until("ack", client_id="c0")
    history = (await session(http, token=opened["token"]))["history"]
    said = [frame["text"] for frame in history if frame["from"] == "customer"]
    assert said == [f"message {number}" for number in range(5)]
    assert [frame["from"] for frame in history] == ["customer", "bot"] * 5
    assert [frame["seq"] for frame in history] == sorted(frame["seq"] for frame in history)


async def test_a_clock_that_jumps_in_the_middle_of_a_turn_gives_one_answer(
    desk: Running, http: httpx.AsyncClient
) -> None:
    jumped = timedelta()
    desk.bot.store._clock = lambda: now() + jumped

    async def jump(_: object) -> None:
        nonlocal jumped
        jumped = timedelta(days=1)  # every lease has run out now, this turn's too
        await asyncio.sleep(0.5)

    desk.bot.turn.before = jump
    answer = await http.post("/webhooks/rest/webhook", json={"sender": "ada", "message": "hi"})
    assert [part["text"] for part in answer.json() if "text" in part] == ["you said: **hi**"]
    conversation = await desk.bot.store.find("rest", "default", "ada")
    kinds = [event.body.type for event in await desk.bot.store.events(conversation or "")]
    assert kinds.count("sent") == 1
    assert kinds.count("received") == 1
