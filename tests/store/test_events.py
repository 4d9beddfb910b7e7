"""The fold: from any snapshot and the rest, from nothing, and from events that an older Frontdesk wrote."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.errors import StoreError
from bot.events import (
    ContactChanged,
    HandedOver,
    LabelsChanged,
    Returned,
    Sent,
    Understood,
)
from bot.state import State, fold
from bot.store import events
from bot.store.sql import SqlStore
from bot.types import Button, Words
from tests.store.stores import answer, claimed, event, hello, received, said


@pytest.fixture
async def store(sqlite_url: str) -> Any:
    opened = SqlStore(sqlite_url)
    await opened.open()
    yield opened
    await opened.close()


def sql(folder: Path, statement: str, *values: Any) -> list[Any]:
    connection = sqlite3.connect(folder / "frontdesk.db", isolation_level=None)
    connection.execute("DROP TRIGGER IF EXISTS events_no_update")
    rows = connection.execute(statement, values).fetchall()
    connection.close()
    return rows


async def history(store: SqlStore) -> tuple[str, list[Any]]:
    """A conversation with a little of everything, one commit each."""
    conversation = (await store.accept(hello(), bot="demo")).conversation
    heard = Understood(message_id="m", attachment="a", kind="transcript", text=Words(text="by voice"))
    nothing = Understood(
        message_id="m", attachment="b", kind="caption", text=Words(text=""), note="utter_picture_empty"
    )
    buttons = Sent(reply_id="b", text=Words(text="Choose"), buttons=(Button(title="A", payload="/a"),))
    happened = [
        received(conversation, "one", "m"),
        event(conversation, heard),
        event(conversation, nothing),
        event(conversation, buttons),
        event(conversation, ContactChanged(fields={"name": Words(text="Anna")}), "customer"),
        event(conversation, LabelsChanged(added=("vip",))),
        event(conversation, HandedOver(reason="asked")),
        said(conversation, "I am Eve", "e", "agent"),
        event(conversation, Returned(), "agent"),
    ]
    happened += [received(conversation, f"line {n}", f"l{n}") for n in range(25)]
    for version, one in enumerate(happened, start=1):
        await store.commit(conversation, version, [one])
    return conversation, happened


async def test_from_any_snapshot_and_the_rest_comes_the_same_state(store: SqlStore, tmp_path: Path) -> None:
    conversation = (await store.accept(hello(), bot="demo")).conversation
    snapshots = sql(tmp_path, "SELECT snapshot FROM conversations")
    for version in range(1, 40):
        await store.commit(conversation, version, [received(conversation, f"line {version}", f"m{version}")])
        snapshots += sql(tmp_path, "SELECT snapshot FROM conversations")
    state = await store.load(conversation)
    for (snapshot,) in [*snapshots[::3], (None,)]:
        sql(tmp_path, "UPDATE conversations SET snapshot = ?", snapshot)
        assert await store.load(conversation) == state
    sql(tmp_path, "UPDATE conversations SET snapshot = '{}', snapshot_shape = 'older'")
    assert await store.load(conversation) == state
    await store.commit(conversation, state.version, [])
    assert await store.load(conversation) == state


async def test_the_state_is_the_fold_of_the_events_also_after_erasing(store: SqlStore, tmp_path: Path) -> None:
    conversation, _ = await history(store)
    state = await store.load(conversation)
    begun = State(conversation=conversation)
    assert fold(begun, await store.events(conversation)) == state
    erased = [line.text.ref for line in state.history[:5]] + [state.contact["name"].ref]
    await store.erase(conversation, erased)
    state = await store.load(conversation)
    assert fold(begun, await store.events(conversation)) == state
    await store.erase(conversation)
    state = await store.load(conversation)
    assert fold(begun, await store.events(conversation)) == state
    assert not any(line.text.text for line in state.history)
    snapshots = repr(sql(tmp_path, "SELECT snapshot FROM conversations"))
    assert "line 2" not in snapshots
    assert "Anna" not in snapshots


async def test_events_of_older_schema_versions_are_read_through_all_upcasters(
    store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.accept(hello(text="now"), bot="demo")
    claim = await claimed(store)
    await answer(store, claim)
    sql(tmp_path, """UPDATE events SET body = replace(body, '"message_id"', '"id"') WHERE sequence = 2""")
    with pytest.raises(StoreError, match="event 2 of conversation"):
        await store.events(claim.lease.conversation)

    def name_the_message(data: dict[str, Any]) -> dict[str, Any]:
        body = dict(data["body"])
        if body["type"] == "received":
            body["message_id"] = body.pop("id")
        return {**data, "body": body}

    monkeypatch.setattr(events, "EVENT_SCHEMA", 3)
    monkeypatch.setitem(events.UPCASTERS, 1, name_the_message)
    monkeypatch.setitem(events.UPCASTERS, 2, lambda data: data)
    (_, read) = await store.events(claim.lease.conversation)
    assert read.body.message_id == claim.trigger.messages[0].id
    assert read.schema_version == 3


async def test_events_of_a_newer_frontdesk_are_refused(store: SqlStore, tmp_path: Path) -> None:
    conversation = (await store.accept(hello(), bot="demo")).conversation
    sql(tmp_path, "UPDATE events SET schema_version = 99")
    with pytest.raises(StoreError, match="newer Frontdesk"):
        await store.events(conversation)


async def test_a_commits_wait_for_the_disk_is_told_apart(store: SqlStore) -> None:
    conversation = (await store.accept(hello(), bot="demo")).conversation
    count, seconds = store.syncs
    await store.commit(conversation, 1, [received(conversation, "x")])
    assert store.syncs[0] == count + 1
    assert store.syncs[1] > seconds
