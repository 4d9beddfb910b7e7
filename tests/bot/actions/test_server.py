"""Actions on an action server: a real one where it matters, and answers made up where a real one never gives them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot import results
from bot.actions import server as module
from bot.actions.endpoint import Endpoint
from bot.actions.server import ServerActions
from bot.errors import ActionFailed, ActionTimeout, ActionUnreachable, ConfigError
from tests import needs
from tests.bot.actions.stage import ACME, DOMAIN, action_server, call, free_port

URL = "http://actions.example:5055/webhook"
NOTHING = {"events": [], "responses": []}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with action_server() as served:
        yield served


class Watched(httpx.AsyncHTTPTransport):
    """The network, and what went over it."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[bool, int]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        body = request.content
        body = zlib.decompress(body) if request.headers.get("content-encoding") == "deflate" else body
        self.seen.append(("domain" in json.loads(body), answer.status_code))
        return answer


async def made(answer: Callable[[httpx.Request], httpx.Response] | Watched, **more: Any) -> ServerActions:
    transport = answer if isinstance(answer, Watched) else httpx.MockTransport(answer)
    actions = ServerActions(Endpoint(**{"url": URL, **more}), transport=transport)
    await actions.start()
    return actions


async def test_the_domain_is_sent_once_and_again_when_the_server_asks(url: str) -> None:
    network = Watched()
    actions, neighbour = await made(network, url=url), await made(Watched(), url=url)
    await actions.run(call("action_greet"))
    await actions.run(call("action_greet"))
    assert network.seen == [(True, 200), (False, 200)]
    await neighbour.run(call("action_greet", domain={**DOMAIN, "slots": {}}))  # the server knows this domain now
    await actions.run(call("action_greet"))
    assert network.seen[2:] == [(False, 449), (True, 200)]
    await actions.run(call("action_greet"))
    assert network.seen[4:] == [(False, 200)]
    await actions.close()
    await neighbour.close()


async def test_a_compressed_request_is_understood(url: str) -> None:
    network = Watched()
    actions = await made(network, url=url, deflate=True)
    asked = call("action_echo", {"name": "Anna" * 1000})
    (event,) = (await actions.run(asked)).events
    assert isinstance(event, results.SlotWasSet)
    assert event.value == {**asked.tracker, "domain": DOMAIN}
    await actions.close()


async def test_rich_messages_events_and_validation_come_over_http_as_in_process(url: str) -> None:
    actions = await made(Watched(), url=url)
    everything = await actions.run(call("action_everything"))
    assert len(everything.events) == 20
    assert everything.problems
    which, *_ = (await actions.run(call("action_rich"))).responses
    assert which.buttons == ({"title": "Red", "payload": "/SetSlots(colour=red)"},)
    refused = await actions.run(call("validate_order_form", {"amount": 12.0}, seen=("amount",)))
    assert refused.events == (results.SlotWasSet("amount", None),)
    await actions.close()


async def test_a_server_that_is_not_there_was_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.01, 0.01))
    actions = ServerActions(Endpoint(f"http://127.0.0.1:{free_port()}/webhook"))
    with pytest.raises(ActionUnreachable, match="not started"):
        await actions.run(call("action_greet"))
    await actions.start()
    assert not await actions.healthy()
    with pytest.raises(ActionUnreachable, match="cannot be reached") as raised:
        await actions.run(call("action_greet"))
    assert not raised.value.uncertain
    with pytest.raises(ActionUnreachable):
        await actions.names()
    await actions.close()


async def test_there_is_no_waiting_for_a_server_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (60.0,))
    actions = ServerActions(Endpoint(f"http://127.0.0.1:{free_port()}/webhook", seconds=30.0))
    await actions.start()
    with pytest.raises(ActionUnreachable):
        await actions.run(call("action_greet"))
    await actions.close()


async def test_a_server_that_comes_up_meanwhile_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.0))
    tries = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        if tries < 3:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, json=NOTHING)

    assert await (await made(answer)).run(call("action_greet")) == results.ActionResult()
    assert tries == 3


@pytest.mark.parametrize(("repeatable", "tried"), [(False, 1), (True, 3)])
async def test_a_call_that_broke_off_is_tried_again_only_where_it_does_no_harm(
    monkeypatch: pytest.MonkeyPatch, repeatable: bool, tried: int
) -> None:
    monkeypatch.setattr(module, "PAUSES", (0.0, 0.0))
    tries = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal tries
        tries += 1
        raise httpx.ReadError("reset", request=request)

    actions = await made(answer)
    with pytest.raises(ActionFailed, match="broke off") as raised:
        await actions.run(call("action_pay", repeatable=repeatable))
    assert raised.value.uncertain
    assert tries == tried


async def test_a_server_that_is_killed_in_the_middle_was_asked_once(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    slots = {"seconds": 20.0, "file": str(ran)}
    with action_server() as url:
        actions = await made(Watched(), url=url)
        running = asyncio.create_task(actions.run(call("action_sleep", slots)))
        for _ in range(500):
            if ran.exists():
                break
            await asyncio.sleep(0.02)
    with pytest.raises((ActionFailed, ActionTimeout)) as raised:
        await running
    assert raised.value.uncertain
    assert ran.read_text() == "ran\n"
    await actions.close()


async def test_a_server_that_takes_too_long_may_have_done_it() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(20)
        return httpx.Response(200, json=NOTHING)

    actions = ServerActions(Endpoint(URL, seconds=0.1), transport=httpx.MockTransport(answer))
    await actions.start()
    with pytest.raises(ActionTimeout, match=r"within 0\.1 seconds") as raised:
        await actions.run(call("action_pay"))
    assert raised.value.uncertain


@pytest.mark.parametrize(
    ("answer", "uncertain"),
    [
        (httpx.Response(200, text="<html>"), True),
        (httpx.Response(200, json=["no"]), True),
        (httpx.Response(400, json={"error": "Invalid body request"}), False),
        (httpx.Response(404, text="no such page"), False),
        (httpx.Response(307, headers={"location": "http://elsewhere.example"}), False),
        (httpx.Response(449, json={"error": "domain", "action_name": "action_pay"}), False),
        (httpx.Response(503, text="busy"), True),
        (httpx.Response(200, text="x" * 2000), True),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_failure(answer: httpx.Response, uncertain: bool) -> None:
    actions = await made(lambda _: answer, response_bytes=1000)
    with pytest.raises(ActionFailed) as raised:
        await actions.run(call("action_pay"))
    assert raised.value.uncertain == uncertain


async def test_a_request_that_is_too_large_is_not_sent() -> None:
    actions = await made(lambda _: pytest.fail("it was sent"), request_bytes=100)
    with pytest.raises(ActionFailed, match="more than the limit") as raised:
        await actions.run(call("action_pay"))
    assert not raised.value.uncertain


async def test_an_answer_without_lists_is_an_empty_result_and_others_are_told() -> None:
    assert await (await made(lambda _: httpx.Response(200, text="null"))).run(call("a")) == results.ActionResult()
    odd = {"events": "none", "responses": [{"text": 5}, "hello", {"buttons": "no"}], "more": 1}
    result = await (await made(lambda _: httpx.Response(200, json=odd))).run(call("a"))
    assert [said.text for said in result.responses] == ["5"]
    assert len(result.problems) == 3


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    crt, key = folder / "server.crt", folder / "server.key"
    command = [needs.program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += [
        "-keyout",
        str(key),
        "-out",
        str(crt),
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    ]
    subprocess.run(command, check=True, capture_output=True)
    return crt, key


async def test_tls_is_believed_with_its_own_authority_and_with_no_other(tmp_path: Path) -> None:
    crt, key = certificate(tmp_path)
    with action_server(ACME, "--ssl-certificate", str(crt), "--ssl-keyfile", str(key), scheme="https") as url:
        own = ServerActions(Endpoint(url, cafile=crt))
        await own.start()
        assert await own.healthy()
        assert (await own.run(call("action_greet"))).responses
        stranger = ServerActions(Endpoint(url))
        await stranger.start()
        assert not await stranger.healthy()
        with pytest.raises(ActionUnreachable, match="certificate"):
            await stranger.run(call("action_greet"))
        await own.close()
        await stranger.close()


@pytest.mark.parametrize("url", ["localhost:5055", "ftp://x/webhook", "http://", "http://[::1/webhook"])
def test_a_url_that_is_none_is_told(url: str) -> None:
    with pytest.raises(ConfigError, match="action server's URL"):
        Endpoint(url)


async def test_a_bad_cafile_is_told(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    for _ in range(2):
        with pytest.raises(ConfigError, match=r"ca\.pem is no file of PEM certificates"):
            await ServerActions(Endpoint("https://x/webhook", cafile=bad)).start()
        bad.write_text("no certificate")
