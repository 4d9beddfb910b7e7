"""`frontdesk approvals`, beside a store that a server uses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from bot.events import Actor, ApprovalAsked, Event, SlotSet
from bot.settings import Settings
from bot.store.sql import SqlStore
from bot.types import Message, Words
from channels import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def asked(settings: Settings) -> str:
    """The id of what waits in the queue "returns"."""

    async def make() -> str:
        settings.home.mkdir()
        store = SqlStore(settings.database_url)
        await store.open()
        accepted = await store.accept(Message(channel="web", sender="v", text="hi"), bot="b")
        state = await store.load(accepted.conversation)
        body = ApprovalAsked(action="action_start_return", step="r/s", queue="returns", reason="Much money.")
        bodies = [SlotSet(name="refund", value=Words(text="444.05")), body]
        who = Actor(kind="bot")
        events = [Event(conversation=accepted.conversation, actor=who, body=one) for one in bodies]
        await store.commit(accepted.conversation, state.version, events)
        await store.close()
        return body.id

    return asyncio.run(make())


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Run:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["approvals", *arguments, "--home", str(settings.home)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


def test_a_queue_shows_what_is_asked_for_and_with_what(run: Run, asked: str) -> None:
    code, told, _ = run("list", "--queue", "returns")
    assert code == 0
    for part in (asked[:12], "action_start_return", "Much money.", "refund: 444.05", "waits"):
        assert part in told
    assert "nothing waits" in run("list", "--queue", "finance")[1]
    (one,) = json.loads(run("list", "--json")[1])["approvals"]
    assert (one["id"], one["granted"], one["slots"]) == (asked, None, {"refund": 444.05})


@pytest.mark.parametrize(("word", "granted", "told"), [("approve", True, "approved"), ("deny", False, "denied")])
def test_a_person_decides_once(run: Run, asked: str, word: str, granted: bool, told: str) -> None:
    code, said, _ = run(word, asked[:10], "--agent", "mia", "--note", "she called")
    assert code == 0
    assert f"action_start_return is {told}" in said
    (one,) = json.loads(run("list", "--all", "--json")[1])["approvals"]
    assert (one["granted"], one["author"]) == (granted, "mia")
    assert f"{told} by mia" in run("list", "--all")[1]
    assert "nothing waits" in run("list")[1]
    code, _, error = run("approve", asked, "--agent", "tom")
    assert code == 1
    assert "decided already" in error


def test_an_id_that_nobody_has_is_told(run: Run, asked: str) -> None:
    code, _, error = run("deny", "zz")
    assert code == 1
    assert "no approvals have an id that begins with 'zz'" in error
