"""A conversation in Rasa's shape."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from rasa_sdk import Tracker

from bot.actions.events import READERS, read_result
from bot.actions.tracker import LatestMessage, TrackerView, digest, idempotency_key, rasa_events, tracker
from bot.events import (
    ActionRan,
    Actor,
    Body,
    Commanded,
    Event,
    FlowEnded,
    FlowStarted,
    HandedOver,
    Received,
    Resolved,
    Sent,
    SessionStarted,
    SlotSet,
    Started,
)
from bot.types import Button, Words

AT = datetime(2026, 6, 3, 10, 0, tzinfo=UTC)


def happened(*bodies: Body, who: Any = "bot") -> list[Event]:
    return [Event(conversation="c", actor=Actor(kind=who), body=body, time=AT) for body in bodies]


def test_the_tracker_has_the_contracts_keys_and_rasa_sdk_reads_them() -> None:
    view = TrackerView(
        sender="anna",
        slots={"city": "Haarlem"},
        latest=LatestMessage(
            "hi", "m1", "greet", 0.9, [{"entity": "city", "value": "Haarlem"}], metadata={"page": "/"}
        ),
        events=[{"event": "user", "text": "hi", "timestamp": 3.0, "input_channel": "web"}],
        channel="web",
        followup="action_next",
        loop="order_form",
        last_action="action_listen",
        stack=[{"flow_id": "order"}],
        user_id="p1",
    )
    made = tracker(view, key="k")
    contract = "sender_id slots latest_message latest_event_time paused followup_action events latest_input_channel "
    assert list(made) == (contract + "active_loop latest_action_name stack user_id").split()
    assert made["latest_event_time"] == 3.0
    assert made["latest_message"]["metadata"] == {"page": "/", "idempotency_key": "k"}
    read = Tracker.from_dict(made)
    assert (read.sender_id, read.get_slot("city"), read.active_loop_name) == ("anna", "Haarlem", "order_form")
    assert read.get_intent_of_latest_message() == "greet"
    assert next(read.get_latest_entity_values("city")) == "Haarlem"
    assert (read.get_latest_input_channel(), read.user_id, read.stack) == ("web", "p1", [{"flow_id": "order"}])


def test_what_happened_is_told_as_rasa_tells_it() -> None:
    told = rasa_events(
        [
            *happened(Started(channel="web", account="a", identity="i", bot="b"), who="system"),
            *happened(Received(message_id="m1", text=Words(text="return it")), who="customer"),
            *happened(
                SessionStarted(),
                Commanded(commands=Words(text='[{"command": "StartFlow", "flow": "return"}]')),
                FlowStarted(frame=1, flow="return"),
                SlotSet(name="city", value=Words(text='"Haarlem"')),
                ActionRan(name="action_find"),
                ActionRan(name="action_pay", ok=False, error="refused"),
                Sent(
                    reply_id="r",
                    text=Words(text="Which?"),
                    template="utter_ask",
                    buttons=(Button(title="A", payload="/a"),),
                ),
                FlowEnded(frame=1, flow="return", step="ask", outcome="cancelled"),
                HandedOver(reason="asked"),
                Resolved(),
            ),
            *happened(Sent(reply_id="r2", text=Words(text="Mia here")), who="agent"),
        ]
    )
    assert [event["event"] for event in told] == [
        "user",
        "session_started",
        "flow_started",
        "slot",
        "action",
        "action_execution_rejected",
        "action",
        "bot",
        "flow_cancelled",
        "pause",
        "agent",
    ]
    assert all(event["timestamp"] == AT.timestamp() for event in told)
    user, bot = told[0], told[7]
    assert (user["text"], user["input_channel"], user["message_id"]) == ("return it", "web", "m1")
    assert user["parse_data"]["commands"] == [{"command": "StartFlow", "flow": "return"}]
    assert bot["metadata"] == {"utter_action": "utter_ask"}
    assert bot["data"]["buttons"] == [{"title": "A", "payload": "/a"}]
    assert told[3]["value"] == "Haarlem"


def test_erased_words_are_empty() -> None:
    gone = Words(ref="x", text=None)
    told = rasa_events(happened(Received(message_id="m", text=gone), SlotSet(name="city", value=gone)))
    assert [told[0]["text"], told[1]["value"]] == ["", None]


def test_the_key_is_the_calls_and_nothing_elses() -> None:
    key = idempotency_key("m1", "flow/step", "action_pay", {"amount": 5.0, "to": "Ann"})
    assert key == idempotency_key("m1", "flow/step", "action_pay", {"to": "Ann", "amount": 5.0})
    others = [
        idempotency_key("m2", "flow/step", "action_pay", {"amount": 5.0, "to": "Ann"}),
        idempotency_key("m1", "flow/other", "action_pay", {"amount": 5.0, "to": "Ann"}),
        idempotency_key("m1", "flow/step", "action_ask", {"amount": 5.0, "to": "Ann"}),
        idempotency_key("m1", "flow/step", "action_pay", {"amount": 6.0, "to": "Ann"}),
    ]
    assert len({key, *others}) == 5


def test_equal_domains_have_one_digest() -> None:
    assert digest({"slots": {}, "forms": {}}) == digest({"forms": {}, "slots": {}})
    assert digest({"slots": {}}) != digest({"slots": {"a": {}}})


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ("slot", "an event is a str"),
        ({}, "unknown event None"),
        ({"event": "slot"}, "needs 'name'"),
        ({"event": "followup", "name": 5}, "needs 'name'"),
        ({"event": "loop_interrupted"}, "needs 'is_interrupted'"),
        ({"event": "reminder", "intent": "x", "date_time": "now", "kill_on_user_msg": "no"}, "kill_on_user_msg"),
        ({"event": "bot", "data": []}, "'data'"),
        ({"event": "action", "name": "a", "confidence": "high"}, "no number"),
    ],
)
def test_an_event_that_is_wrong_is_told_and_the_rest_counts(event: object, told: str) -> None:
    result = read_result([event, {"event": "restart"}], [])
    assert len(result.events) == 1
    assert told in result.problems[0]


def test_every_event_of_the_contract_is_read() -> None:
    contract = """slot, reset_slots, followup, pause, resume, restart, session_started, session_ended, active_loop,
    loop_interrupted, action, action_execution_rejected, user, bot, agent, reminder, cancel_reminder, rewind, undo,
    export"""
    assert {name.strip() for name in contract.split(",")} <= set(READERS)
