"""Turns that go wrong: nothing that a customer wrote is lost, and nobody is left alone with a broken bot."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from bot.errors import Conflict, LeaseLost, Overloaded, StoreError
from bot.events import Delivery, HandedOver, LabelsChanged, Sent
from bot.settings import Settings
from bot.types import Outcome
from tests.bot.rig import Rig


@pytest.fixture
async def rig(settings: Settings, tmp_path: Path) -> AsyncIterator[Rig]:
    rig = await Rig(settings, tmp_path).open()
    yield rig
    await rig.close()


async def test_an_error_brings_a_person_and_loses_nothing(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    rig.answerer.errors = [RuntimeError("boom ann@example.org")]
    result = await rig.say("How long does a parcel take? I am ann@example.org")
    assert (result.outcome, result.replies[0].template) == (Outcome.FAILED, "utter_handover_failure")
    state = await rig.state()
    assert (state.owner, state.reason, state.priority) == ("people", "error", "high")
    assert state.history[0].text.text == "How long does a parcel take? I am ann@example.org"
    assert "RuntimeError" in caplog.text
    assert "ann@example.org" not in caplog.text


async def test_a_turn_over_its_time_goes_to_a_person(rig: Rig) -> None:
    rig.turn.settings = rig.settings.model_copy(
        update={"turns": rig.settings.turns.model_copy(update={"limit_seconds": 0.1})}
    )
    rig.answerer.delay = 5.0
    result = await rig.say("How long does a parcel take?")
    assert (result.outcome, result.details["error"]) == (Outcome.FAILED, "TimeoutError")
    assert (await rig.state()).owner == "people"


async def test_a_busy_engine_is_asked_again(rig: Rig) -> None:
    rig.answerer.errors = [Overloaded("full"), Overloaded("full")]
    assert (await rig.say("How long does a parcel take?")).outcome is Outcome.ANSWERED


async def test_work_that_died_too_often_goes_to_a_person_without_another_try(rig: Rig) -> None:
    await rig.put("How long does a parcel take?")
    claim = replace(await rig.claim(), attempt=rig.settings.turns.attempts + 1)
    result = await rig.turn.handle(claim)
    assert (result.outcome, rig.answerer.asked) == (Outcome.FAILED, [])
    assert (await rig.state()).reason == "error"


async def test_a_turn_is_done_again_when_somebody_else_wrote_meanwhile(rig: Rig) -> None:
    await rig.say("hello")

    async def label() -> None:
        await rig.write(LabelsChanged(added=("vip",)))

    rig.answerer.meanwhile = label
    result = await rig.say("Where is it?", attachments=[await rig.attachment()])
    assert result.outcome is Outcome.ANSWERED
    assert [emission.attempt for emission in rig.emitted if emission.kind == "sentence"] == [1, 2]
    assert len({emission.reply_id for emission in rig.emitted if emission.kind == "sentence"}) == 1
    assert rig.media.calls == 1
    assert (await rig.kinds()).count("received") == 2


async def test_a_person_who_takes_over_meanwhile_is_not_talked_over(rig: Rig) -> None:
    await rig.say("hello")

    async def take() -> None:
        await rig.write(HandedOver(reason="asked"))

    rig.answerer.meanwhile = take
    result = await rig.say("How long does a parcel take?")
    assert (result.outcome, result.replies) == (Outcome.SILENT, ())


async def test_a_lost_lease_ends_the_work_and_writes_nothing(rig: Rig) -> None:
    await rig.put("How long does a parcel take?")
    claim = await rig.claim()

    async def lose() -> None:
        await rig.store.release(claim.lease)

    rig.answerer.meanwhile = lose
    with pytest.raises(LeaseLost):
        await rig.turn.handle(claim)
    assert await rig.kinds() == ["started"]
    assert (await rig.run()).outcome is Outcome.ANSWERED


async def test_the_lease_is_renewed_during_long_work(settings: Settings, tmp_path: Path) -> None:
    short = settings.model_copy(update={"turns": settings.turns.model_copy(update={"lease_seconds": 0.3})})
    rig = await Rig(short, tmp_path).open()
    rig.answerer.delay = 0.8
    await rig.put("How long does a parcel take?")
    claim = await rig.claim()
    working = asyncio.create_task(rig.turn.handle(claim))
    await asyncio.sleep(0.6)
    assert await rig.store.claim("thief", lease_seconds=1) is None
    assert (await working).outcome is Outcome.ANSWERED
    await rig.close()


async def test_a_lease_that_another_took_stops_the_work(settings: Settings, tmp_path: Path) -> None:
    short = settings.model_copy(update={"turns": settings.turns.model_copy(update={"lease_seconds": 0.3})})
    rig = await Rig(short, tmp_path).open()
    rig.answerer.delay = 10.0
    await rig.put("How long does a parcel take?")
    claim = await rig.claim()
    working = asyncio.create_task(rig.turn.handle(claim))
    await rig.store.release(claim.lease)
    with pytest.raises(LeaseLost):
        await asyncio.wait_for(working, 2)
    await rig.close()


async def test_a_database_in_trouble_leaves_the_work_in_the_inbox(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    await rig.put("How long does a parcel take?")
    claim = await rig.claim()

    async def full(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(rig.store, "commit", full)
        with pytest.raises(StoreError):
            await rig.turn.handle(claim)
    await rig.store.release(claim.lease)
    assert (await rig.run()).outcome is Outcome.ANSWERED


async def test_a_reply_that_is_read_meanwhile_does_not_make_the_turn_run_again(rig: Rig) -> None:
    await rig.say("How long does a parcel take?")
    before = (await rig.events())[-2]
    assert isinstance(before.body, Sent)
    rig.answerer.meanwhile = partial(rig.write, Delivery(reply_id=before.body.reply_id, status="read"))
    assert (await rig.say("And abroad?")).outcome is Outcome.ANSWERED
    assert rig.answerer.asked == ["How long does a parcel take?", "And abroad?"]
    assert (await rig.kinds())[-4:] == ["delivery", "received", "sent", "turn_ended"]


async def test_a_conversation_that_never_rests_is_left_for_later(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def conflict(*_: object, **__: object) -> None:
        raise Conflict("again")

    monkeypatch.setattr(rig.store, "commit", conflict)
    with pytest.raises(Conflict):
        await rig.say("How long does a parcel take?")


BROKEN_BODIES = {
    "of another version": ('{"text": "Where is it?", "channel": "web", "novel": 1}', "Where is it?"),
    "broken off": ('{"text": "Where is it', '{"text": "Where is it'),
    "no object": ("[]", "[]"),
    "of a wrong kind": ('{"text": 7}', ""),
}


@pytest.mark.parametrize("body", BROKEN_BODIES)
async def test_a_waiting_message_that_cannot_be_read_again_brings_a_person_and_blocks_nobody(
    rig: Rig, tmp_path: Path, body: str, caplog: pytest.LogCaptureFixture
) -> None:
    written, words = BROKEN_BODIES[body]
    await rig.put("Where is it?")
    with sqlite3.connect(tmp_path / "test.db") as other:
        other.execute("UPDATE inbox SET body = ?", (written,))
    other.close()
    await rig.put("How long does a parcel take?")
    result = await rig.run()
    assert (result.outcome, result.details["error"]) == (Outcome.FAILED, "Unreadable")
    state = await rig.state()
    assert (state.owner, state.reason) == ("people", "error")
    said = [line.text.text for line in state.history if line.role == "customer"]
    assert said == [words, "How long does a parcel take?"]
    assert await rig.store.waiting() == 0
    assert "Where is it" not in caplog.text


async def test_a_waiting_trigger_that_cannot_be_read_again_brings_a_person(rig: Rig, tmp_path: Path) -> None:
    await rig.say("How long does a parcel take?")
    await rig.store.trigger(rig.conversation, "returned", {})
    with sqlite3.connect(tmp_path / "test.db") as other:
        other.execute("UPDATE inbox SET body = '{', kind = 'of the future' WHERE done IS NULL")
    other.close()
    assert (await rig.run()).outcome is Outcome.FAILED
    assert (await rig.state()).owner == "people"
    assert await rig.store.waiting() == 0
