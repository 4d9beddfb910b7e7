"""`frontdesk conversations`, beside a store that a server uses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.events import Actor, HandedOver, Received, Sent
from bot.settings import Settings
from bot.store.sql import SqlStore
from bot.types import Message, Words
from channels import cli
from channels.writing import append


@pytest.fixture
def said(settings: Settings) -> str:
    """A conversation that waits for a person."""

    async def make() -> str:
        settings.home.mkdir()
        store = SqlStore(settings.database_url)
        await store.open()
        accepted = await store.accept(Message(channel="web", account="demo", sender="v", text="hi"), bot="b")
        claim = await store.claim("w", lease_seconds=30)
        assert claim is not None
        received = Received(message_id=accepted.message, text=Words(text="Where is\nmy order 1234?"))
        bodies = [received, HandedOver(reason="asked", priority="high")]
        await append(store, accepted.conversation, Actor(kind="customer"), lambda _: bodies)
        await store.close()
        return accepted.conversation

    return asyncio.run(make())


@pytest.fixture
def run(settings: Settings, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def command(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["conversations", *arguments, "--home", str(settings.home)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return command


Run = Callable[..., tuple[int, str, str]]


def store_of(settings: Settings, ask: Callable[[SqlStore], Any]) -> Any:
    async def asked() -> Any:
        store = SqlStore(settings.database_url)
        await store.open()
        try:
            return await ask(store)
        finally:
            await store.close()

    return asyncio.run(asked())


def test_the_list_says_who_waits_and_for_what(said: str, run: Run) -> None:
    code, out, _ = run("list", "--status", "open")
    assert code == 0
    assert said[:12] in out
    assert "high, asked" in out
    assert "Where is my order 1234?" in out
    assert run("list", "--status", "resolved")[1] == "no conversations\n"


def test_the_options_may_stand_before_or_behind_the_action(said: str, run: Run) -> None:
    for arguments in (("--json", "list"), ("list", "--json")):
        (one,) = json.loads(run(*arguments)[1])["conversations"]
        assert one["id"] == said


def test_show_masks_nothing(said: str, run: Run) -> None:
    _, out, _ = run("show", said[:8])
    assert "my order 1234?" in out
    assert "handed over: asked, high" in out
    events = json.loads(run("show", said, "--json")[1])["events"]
    assert events[-2]["body"]["text"]["text"] == "Where is\nmy order 1234?"


def test_a_reply_is_the_agents_and_goes_to_the_outbox(said: str, run: Run, settings: Settings) -> None:
    code, out, _ = run("reply", "--agent", "mia", said, "It left *today*.")
    assert (code, out) == (0, f"{said[:12]} is open, owned by people\n")
    (outgoing,) = store_of(settings, lambda store: store.due("w", channels=["web"]))
    assert (outgoing.author, outgoing.reply.text, outgoing.recipient) == ("agent", "It left *today*.", "v")
    events = store_of(settings, lambda store: store.events(said))
    assert [event.actor for event in events if isinstance(event.body, Sent)] == [Actor(kind="agent", id="mia")]


def test_a_reply_into_the_bots_conversation_takes_it_over(said: str, run: Run) -> None:
    assert run("return", said)[0] == 0
    told = json.loads(run("reply", said, "Let me.", "--json")[1])
    assert (told["status"], told["owner"]) == ("open", "people")


def test_giving_back_wakes_the_bot(said: str, run: Run, settings: Settings) -> None:
    for _ in range(2):  # the bot says once that it is back
        assert "pending, owned by bot" in run("return", said)[1]

    async def triggers(store: SqlStore) -> list[str]:
        kinds = []
        await store.release_worker("w")
        while claim := await store.claim("w2", lease_seconds=30):
            kinds.append(claim.trigger.kind)
            state = await store.load(said)
            await store.commit(said, state.version, [], lease=claim.lease, done=claim.inbox)
        return kinds

    assert store_of(settings, triggers) == ["message", "returned"]


def test_resolving_twice_is_once(said: str, run: Run, settings: Settings) -> None:
    assert json.loads(run("resolve", said, "--json")[1])["written"] == 1
    assert json.loads(run("resolve", said, "--json")[1])["written"] == 0
    assert store_of(settings, lambda store: store.load(said)).status == "resolved"


def test_what_is_not_there_is_said_in_a_line(said: str, run: Run) -> None:
    for arguments, words in (
        (("show", "zzz"), "no conversations have an id that begins with 'zzz'"),
        (("show", "f" * 32), "there is no such conversation"),
        (("reply", said, " "), "the reply is empty"),
    ):
        code, out, error = run(*arguments)
        assert (code, out) == (1, "")
        assert error.startswith("error: ")
        assert words in error


def test_a_home_without_a_database_is_not_made(run: Run, settings: Settings) -> None:
    code, _, error = run("list")
    assert code == 1
    assert "start 'frontdesk serve' first" in error
    assert not settings.home.exists()
