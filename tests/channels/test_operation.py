"""Health, readiness, metrics, logs, the port, signals, and a thousand idle widgets."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from websockets.asyncio.client import connect

from bot import guard
from bot.build import Bot
from bot.errors import ConfigError, StoreError
from bot.settings import Settings
from channels import cli, limits, logs, workers
from channels.base import CHANNELS, channel_class
from channels.serving import Lease, address, listen
from tests.channels.desks import RoteBot, Running, running, until
from tests.channels.widgets import session


async def test_health_and_readiness(desk: Running, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    answer = await http.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "parts": {"store": "ok", "index": "ok"}})

    async def broken() -> None:
        raise StoreError("the disk is full")

    monkeypatch.setattr(desk.bot.store, "check", broken)
    desk.bot.engines["reader"] = SimpleNamespace(ready=lambda: False)  # type: ignore[assignment]
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"reader": "not ready", "store": "the disk is full", "index": "ok"}
    assert (await http.get("/healthz")).status_code == 200


async def test_an_engine_that_answers_can_do_without_is_named_and_takes_nobody_out_of_service(
    whole: Running[Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with httpx.AsyncClient(base_url=whole.url, trust_env=False) as http:
        monkeypatch.setattr(whole.bot.engines.speech, "ready", lambda: False)
        answer = await http.get("/readyz")
        assert (answer.status_code, answer.json()["parts"]["speech"]) == (200, "not ready")
        monkeypatch.setattr(whole.bot.engines.reader, "ready", lambda: False)
        assert (await http.get("/readyz")).status_code == 503


async def test_a_worker_that_breaks_is_told_and_goes_on(
    desk: Running, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(workers, "FIRST_PAUSE", 0.01)
    broken, changed = 3, asyncio.Event()

    async def trouble() -> None:
        nonlocal broken
        broken -= 1
        if broken >= 0:
            raise ValueError("my secret")
        changed.set()

    monkeypatch.setattr(desk.desk.channels["web"], "changed", trouble)
    await http.post("/webhooks/rest/webhook", json={"sender": "ada", "message": "hi"})
    await asyncio.wait_for(changed.wait(), 5)
    told = [record for record in caplog.records if record.message == "changes failed: ValueError"]
    assert len(told) == 3
    assert all(record.exc_info for record in told)
    assert (await http.get("/readyz")).status_code == 200
    assert 'frontdesk_errors_total{edge="changes",error="ValueError"} 3.0' in (await http.get("/metrics")).text


async def test_a_worker_that_has_ended_makes_the_server_unready(desk: Running, http: httpx.AsyncClient) -> None:
    for task in (desk.desk._tasks[0], *desk.desk.outbox.tasks):
        task.cancel()
    await asyncio.sleep(0.05)
    answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"] == {"store": "ok", "index": "ok", "changes": "has ended", "outbox": "has ended"}


async def test_metrics_count_turns_deliveries_and_connections(http: httpx.AsyncClient) -> None:
    await http.post("/webhooks/rest/webhook", json={"sender": "ada", "message": "my secret"})
    page = ""
    async with asyncio.timeout(5):
        while "frontdesk_deliveries_total{" not in page:
            page = (await http.get("/metrics")).text
    for line in (
        'frontdesk_turns_total{outcome="answered"} 1.0',
        'frontdesk_messages_received_total{channel="rest",new="yes"} 1.0',
        'frontdesk_deliveries_total{channel="rest",status="sent"} 1.0',
        'frontdesk_step_seconds_count{step="answer"} 1.0',
        "frontdesk_inbox_waiting 0.0",
        "frontdesk_widget_connections 0.0",
    ):
        assert line in page
    assert "secret" not in page


async def test_unknown_paths_and_methods_are_json(http: httpx.AsyncClient) -> None:
    assert (await http.get("/nothing")).json()["error"]["code"] == "http"
    assert (await http.get("/web/session")).status_code == 405


def test_a_port_in_use_is_one_clear_line() -> None:
    taken = listen("127.0.0.1", 0)
    port = int(address(taken).rpartition(":")[2])
    with pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1 is in use: .* --port"):
        listen("127.0.0.1", port)
    taken.close()


def test_a_port_that_cannot_be_is_named() -> None:
    with pytest.raises(ConfigError, match="no port 99999"):
        listen("127.0.0.1", 99_999)


def test_a_home_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file/home cannot be written"):
        Lease(tmp_path / "file" / "home")


def test_an_unknown_channel_names_the_valid_ones() -> None:
    with pytest.raises(ConfigError, match="there are: rest, telegram, web"):
        channel_class("carrier-pigeon")
    for name in CHANNELS:
        assert channel_class(name).name == name  # type: ignore[attr-defined]


def test_one_server_of_a_home_has_the_stable_name(tmp_path: Path) -> None:
    first = Lease(tmp_path)
    second = Lease(tmp_path)
    assert second.worker == f"{first.worker}-{os.getpid()}"
    first.close()
    second.close()
    third = Lease(tmp_path)
    assert third.worker == first.worker
    third.close()


@pytest.fixture
def _logging_as_it_was() -> object:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before[0], before[1]


@pytest.mark.usefixtures("_logging_as_it_was")
@pytest.mark.parametrize("as_json", [False, True])
def test_logs_hold_no_personal_data(monkeypatch: pytest.MonkeyPatch, as_json: bool) -> None:
    written = io.StringIO()
    monkeypatch.setattr(sys, "stderr", written)
    logs.set_up("info", as_json=as_json, redact=guard.redact)
    logger = logging.getLogger("frontdesk.test")
    logger.info("from %s", "ada@example.com")
    try:
        raise ValueError("card 4111 1111 1111 1111 of ada@example.com")
    except ValueError:
        logger.exception("it failed")
    lines = written.getvalue()
    assert "ada@" not in lines
    assert "4111" not in lines
    assert "ValueError" in lines
    if as_json:
        told = [json.loads(line) for line in lines.splitlines()]
        assert told[0]["message"] == "from [e-mail]"
        assert set(told[1]) == {"time", "level", "logger", "message", "error"}


async def test_a_thousand_idle_widgets_are_cheap_and_a_turn_is_still_answered(
    quick: Callable[..., Settings],
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4_096)), hard))
    bot = RoteBot(quick())
    async with running(bot) as found, httpx.AsyncClient(base_url=found.url, timeout=60) as http:
        first = await session(http)
        web = found.desk.channels["web"]
        tokens = web._tokens  # type: ignore[attr-defined]
        from channels.tokens import Visitor

        program = Path(__file__).parent / "idle_widgets.py"
        lines = "\n".join(tokens.issue(Visitor(f"v{number}", "demo")) for number in range(1_000))
        before = _resident()
        crowd = await asyncio.create_subprocess_exec(
            sys.executable, str(program), found.ws, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert crowd.stdin is not None
        assert crowd.stdout is not None
        crowd.stdin.write(lines.encode() + b"\n\n")
        await crowd.stdin.drain()
        assert (await asyncio.wait_for(crowd.stdout.readline(), 60)).strip() == b"1000"
        grown = _resident() - before
        assert len(web.rooms) == 1_000  # type: ignore[attr-defined]
        async with connect(found.ws, proxy=None) as socket:
            await socket.send(json.dumps({"type": "hello", "token": first["token"]}))
            await socket.send(json.dumps({"type": "message", "client_id": "c", "text": "hi"}))
            async with asyncio.timeout(5):
                while json.loads(await socket.recv()).get("from") != "bot":
                    pass
        crowd.stdin.close()
        await crowd.wait()
    print(f"1,000 idle widgets: {grown / 1024:.0f} MiB")  # noqa: T201 - the figure is the point of the test
    assert grown < 100 * 1024, f"{grown} KiB"


def _resident() -> int:
    """KiB."""
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


FAKES = {f"FRONTDESK_ENGINES__{part}": "fake" for part in ("SPEECH", "CAPTIONER", "ENCODER", "READER", "CHECKER")}


def _command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "channels.cli", *arguments, "--home", str(home)]


def test_serve_says_where_it_is_and_ends_at_a_signal(tmp_path: Path) -> None:
    home, port = tmp_path / "home", _free_port()
    environment = {**os.environ, **FAKES}
    command = _command(home, "serve", "--port", str(port), "--no-generator")
    server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        assert server.stdout.readline() == f"Frontdesk is ready: http://127.0.0.1:{port}\n"
        url = f"http://127.0.0.1:{port}"
        assert httpx.get(f"{url}/readyz").json()["ready"]
        assert httpx.get(f"{url}/").status_code == 200
        again = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
        assert (again.returncode, again.stdout) == (1, "")
        assert again.stderr.startswith(f"error: port {port} on 127.0.0.1 is in use")
        body = {"sender": "ada", "message": "I want to talk to a person"}
        assert httpx.post(f"{url}/webhooks/rest/webhook", json=body, timeout=30).status_code == 200
        listed = subprocess.run(
            _command(home, "conversations", "list", "--json"), env=environment, capture_output=True, check=True
        )
        (one,) = json.loads(listed.stdout)["conversations"]
        assert (one["status"], one["owner"], one["last"]) == ("open", "people", "I want to talk to a person")
        server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0
    finally:
        server.kill()
        _, errors = server.communicate()
    assert "Traceback" not in errors


async def test_what_every_turn_reads_of_an_index_is_read_once_it_is_served(settings: Settings) -> None:
    bot = RoteBot(settings)
    async with running(bot):
        await until(lambda: bool(bot.read))
        assert bot.read == [bot.index.snapshot]


@pytest.mark.parametrize("before", [True, False])
def test_common_options_stand_before_the_command_or_behind_it(
    before: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, command = ["--home", str(tmp_path / "empty")], ["conversations", "list"]
    assert cli.main([*home, *command] if before else [*command, *home]) == 1
    assert f"nothing was ever said in {tmp_path / 'empty'}" in capsys.readouterr().err


async def test_a_request_that_never_ends_is_answered_and_let_go(desk: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "RECEIVE_SECONDS", 0.2)
    host, _, port = desk.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /webhooks/rest/webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
        assert b"too_slow" in await reader.read()  # and the connection is closed
    writer.close()
