"""Personal words lie in rows of their own: out of every event and snapshot, gone from the disk when they are erased."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.events import (
    ApprovalDecided,
    Body,
    Commanded,
    ContactChanged,
    Dropped,
    Edited,
    Event,
    Feedback,
    FlowStarted,
    Grounds,
    Received,
    Sent,
    SlotSet,
    TurnEnded,
    Understood,
)
from bot.state import Line, State
from bot.store import words
from bot.store.sql import SqlStore
from bot.types import Attachment, Outcome, Plain, Words
from tests.store.stores import claimed, event, hello

SECRET = "Ann-Kathrin Müller, 你好, \N{SMILING FACE WITH SUNGLASSES}"
PICTURE = Attachment(blob="b" * 32, media_type="image/png", size=1, name=Words(text=SECRET))
WITH_WORDS: list[Any] = [
    Received(message_id="m", text=Words(text=SECRET), attachments=(PICTURE,)),
    Understood(message_id="m", attachment="a", kind="transcript", text=Words(text=SECRET)),
    Sent(reply_id="r", text=Words(text=SECRET), attachments=(PICTURE,)),
    Edited(message_id="m", text=Words(text=SECRET)),
    Feedback(reply_id="r", rating="up", comment=Words(text=SECRET)),
    TurnEnded(
        outcome=Outcome.ANSWERED,
        grounds=(
            Grounds(
                asked=Words(text=SECRET),
                context=Words(text=SECRET),
                dropped=(Dropped(text=Words(text=SECRET), rule="a fact", reason=Words(text=SECRET)),),
            ),
        ),
    ),
    Commanded(commands=Words(text=SECRET)),
    SlotSet(name="city", value=Words(text=SECRET)),
    FlowStarted(frame=1, flow="move", context=Words(text=SECRET)),
    ApprovalDecided(id="a", granted=True, note=Words(text=SECRET)),
    ContactChanged(fields={"name": Words(text=SECRET), "email": Words(text=SECRET), "phone": None}),
]


def mentions(model: Any) -> bool:
    """Whether a class has Words in it, according to its schema."""
    return "Words" in model.model_json_schema().get("$defs", {})


def test_every_event_that_can_hold_words_is_tried_here() -> None:
    bodies = get_args(get_args(Body)[0])
    assert {type(body) for body in WITH_WORDS} == {body for body in bodies if mentions(body)}


@pytest.mark.parametrize("body", WITH_WORDS, ids=lambda body: body.type)
def test_words_are_split_out_and_joined_again(body: Any) -> None:
    original = event("c", body)
    bare, texts = words.strip(original)
    assert set(texts.values()) == {SECRET}
    for part in SECRET.split(", "):
        assert part not in bare.model_dump_json()
        assert part not in repr(bare)
    assert words.refs(bare) == set(texts)
    assert words.fill(bare, texts) == original
    assert Event.model_validate_json(bare.model_dump_json()) == bare


class Deep(Plain):
    one: Words
    many: tuple[Words, ...]
    named: dict[str, Words | None]
    nested: tuple[Line, ...]
    other: dict[str, Any]


SOME = st.builds(Words, ref=st.uuids().map(lambda one: one.hex), text=st.none() | st.text(st.characters(codec="utf-8")))
LINES = st.builds(Line, id=st.text(), role=st.just("customer"), text=SOME)
DEEP = st.builds(
    Deep,
    one=SOME,
    many=st.lists(SOME).map(tuple),
    named=st.dictionaries(st.text(), st.none() | SOME),
    nested=st.lists(LINES).map(tuple),
    other=st.just({"ref": "x", "text": "not words"}),
)


@settings(max_examples=40)
@given(DEEP)
def test_strip_and_fill_are_each_others_inverse_however_deep(model: Deep) -> None:
    bare, texts = words.strip(model)
    assert all(text is None for text in _texts(bare))
    expected = words.rewrite(
        model, lambda one: one.model_copy(update={"text": (one.text or "").replace("\0", "\ufffd")})
    )
    filled = words.rewrite(words.fill(bare, texts), lambda one: one.model_copy(update={"text": one.text or ""}))
    assert filled == expected


def _texts(model: Any) -> list[str | None]:
    found: list[str | None] = []
    words.rewrite(model, lambda one: found.append(one.text) or one)
    return found


def test_a_state_without_words_shares_what_does_not_change() -> None:
    state = State(conversation="c")
    assert words.strip(state)[0] is state


async def test_no_table_but_words_holds_what_a_person_wrote_and_erasing_leaves_no_byte(
    sqlite_url: str, tmp_path: Path
) -> None:
    store = SqlStore(sqlite_url)
    await store.open()
    secret = "Geheimnis-4711"
    picture = Attachment(blob="b" * 32, media_type="image/png", size=1, name=Words(text=f"{secret}.png"))
    message = hello("1", text=f"I am {secret}", attachments=(picture,), profile={"email": f"{secret}@example.org"})
    accepted = await store.accept(message, bot="demo")
    claim = await claimed(store)
    bodies = [Received(message_id="m", text=Words(text=f"I am {secret}"), attachments=(picture,))]
    bodies.append(ContactChanged(fields={"email": Words(text=f"{secret}@example.org")}))
    happened = [event(accepted.conversation, body, "customer") for body in bodies]
    await store.commit(accepted.conversation, 1, happened, lease=claim.lease, done=claim.inbox)

    assert _tables_with(tmp_path / "frontdesk.db", secret) == {"words"}
    await store.accept(hello("2", text=f"{secret} waits"), bot="demo")
    assert _tables_with(tmp_path / "frontdesk.db", secret) == {"words", "inbox"}
    assert secret.encode() in _bytes(tmp_path)
    await store.erase(accepted.conversation)
    assert _tables_with(tmp_path / "frontdesk.db", secret) == set()
    assert secret.encode() not in _bytes(tmp_path)
    await store.close()


def _tables_with(file: Path, text: str) -> set[str]:
    connection = sqlite3.connect(file)
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name for name in names if text in repr(connection.execute(f"SELECT * FROM {name}").fetchall())}
    connection.close()
    return found


def _bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("frontdesk.db*"))
