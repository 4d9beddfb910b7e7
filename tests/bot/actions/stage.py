"""What the tests of actions share: a bot's folder with an actions package, a real action server of it, and calls."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import httpx

from bot.actions.base import ActionCall
from bot.actions.tracker import LatestMessage, TrackerView, digest, idempotency_key, tracker

ACME = Path(__file__).parent / "acme"
DOMAIN: dict[str, Any] = {
    "slots": {"amount": {"type": "float", "mappings": [{"type": "from_text"}]}, "city": {"type": "text"}},
    "forms": {"order_form": {"required_slots": ["amount"]}},
    "responses": {"utter_total": [{"text": "That is {amount}."}]},
}


def call(action: str, slots: Mapping[str, Any] | None = None, *, seen: tuple[str, ...] = (), **more: Any) -> ActionCall:
    """A call of the action; `seen` are slots that were just filled, which validation looks at."""
    given = dict(slots or {})
    events: list[dict[str, Any]] = [{"event": "user", "timestamp": 1.0, "text": "hi", "input_channel": "rest"}]
    events += [{"event": "slot", "timestamp": 1.0, "name": name, "value": given[name]} for name in seen]
    view = TrackerView(
        sender="anna", slots=given, latest=LatestMessage(text="hi", message_id="m1"), events=events, channel="rest"
    )
    key = idempotency_key("m1", "step", action, given)
    domain = more.pop("domain", DOMAIN)
    return ActionCall(action, tracker(view, key=key), domain, digest(domain), key, **more)


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def action_server(folder: Path = ACME, *options: str, scheme: str = "http") -> Iterator[str]:
    """`python -m rasa_sdk` in a bot's folder; its URL, once it answers. At the end it is killed, whatever it does."""
    port = free_port()
    command = [sys.executable, "-m", "rasa_sdk", "--port", str(port), "--actions", "actions", *options]
    environment = os.environ | {"SANIC_HOST": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _await(process, f"{scheme}://127.0.0.1:{port}/health", log)
            yield f"{scheme}://127.0.0.1:{port}/webhook"
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # the server's worker is a process of its own
            process.wait()


def _await(process: subprocess.Popen[bytes], url: str, log: IO[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(url, verify=False, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise RuntimeError(f"no action server: {log.read().decode()[-2000:]}") from None
            time.sleep(0.1)
        else:
            return
