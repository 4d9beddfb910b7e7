"""State is the fold of events, whatever way they come in."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.events import (
    Actor,
    ContactChanged,
    Deleted,
    Delivery,
    Edited,
    Erased,
    Event,
    Feedback,
    Guarded,
    HandedOver,
    LabelsChanged,
    LanguageSet,
    Merged,
    Received,
    Reopened,
    Resolved,
    Returned,
    Sent,
    Started,
    TurnEnded,
    Understood,
)
from bot.state import HISTORY, State, apply, fold
from bot.types import Button, Outcome, Words

EMPTY = State(conversation="c")
BUTTON = Button(title="A person", payload="/handover")


def event(body: Any, sequence: int = 0, kind: Any = "bot") -> Event:
    return Event(conversation="c", sequence=sequence, actor=Actor(kind=kind), body=body)


def after(*bodies: Any) -> State:
    return fold(EMPTY, [event(body, number) for number, body in enumerate(bodies, 1)])


def ended(outcome: Outcome) -> TurnEnded:
    return TurnEnded(outcome=outcome)


words = st.builds(Words, ref=st.sampled_from("abcdef"), text=st.none() | st.text(max_size=5))
bodies = st.one_of(
    st.builds(Started, channel=st.just("web"), account=st.just("d"), identity=st.just("i"), bot=st.just("b")),
    st.builds(Received, message_id=st.sampled_from("mn"), text=words),
    st.builds(Sent, reply_id=st.sampled_from("rs"), text=words, buttons=st.sampled_from([(), (BUTTON,)])),
    st.builds(TurnEnded, outcome=st.sampled_from(Outcome)),
    st.builds(Guarded, message_id=st.just("m"), reason=st.just("abuse"), strike=st.booleans()),
    st.builds(HandedOver, reason=st.just("asked")),
    st.builds(Edited, message_id=st.sampled_from("mn"), text=words),
    st.builds(Deleted, message_id=st.sampled_from("mn")),
    st.builds(Erased, refs=st.sampled_from([("a",), ("b", "c")])),
    st.builds(LabelsChanged, added=st.sampled_from([(), ("vip",)]), removed=st.sampled_from([(), ("vip",)])),
    st.builds(ContactChanged, fields=st.dictionaries(st.sampled_from(["name"]), st.none() | words)),
    st.just(Returned()),
    st.just(Resolved()),
    st.builds(Reopened, to=st.sampled_from(["bot", "people"])),
)
histories = st.lists(bodies, max_size=40).map(lambda made: [event(body, n) for n, body in enumerate(made, 1)])


@given(histories, st.data())
def test_folding_in_two_parts_is_folding_at_once(events: list[Event], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(events)))
    assert fold(fold(EMPTY, events[:cut]), events[cut:]) == fold(EMPTY, events)


@given(histories)
def test_events_that_come_twice_change_nothing(events: list[Event]) -> None:
    state = fold(EMPTY, events)
    assert fold(state, events) == state
    assert state.version == len(events)


@given(histories)
def test_a_state_survives_being_stored(events: list[Event]) -> None:
    state = fold(EMPTY, events)
    assert State.model_validate_json(state.model_dump_json()) == state
    assert len(state.history) <= HISTORY


@given(histories)
def test_erased_words_are_nowhere_in_the_state(events: list[Event]) -> None:
    state = apply(fold(EMPTY, events), event(Erased(refs=("a", "b")), len(events) + 1))
    kept = [line.text for line in state.history] + list(state.contact.values())
    assert all(item.text is None for item in kept if item.ref in ("a", "b"))


def test_the_beginning_names_channel_identity_and_bot() -> None:
    state = after(Started(channel="web", account="d", identity="i", bot="demo", language="zh"))
    assert (state.channel, state.identity, state.bot, state.language) == ("web", "i", "demo", "zh")
    assert (state.owner, state.status) == ("bot", "pending")


def test_what_was_said_is_remembered_by_role() -> None:
    said = [
        event(Received(message_id="m", text=Words(text="hello")), 1, "customer"),
        event(Understood(message_id="m", attachment="a", kind="transcript", text=Words(text="spoken")), 2),
        event(Sent(reply_id="r", text=Words(text="hi")), 3),
        event(Sent(reply_id="s", text=Words(text="Bob here")), 4, "agent"),
    ]
    assert [(line.role, line.text.text) for line in fold(EMPTY, said).history] == [
        ("customer", "hello"),
        ("customer", "spoken"),
        ("bot", "hi"),
        ("agent", "Bob here"),
    ]


@pytest.mark.parametrize(
    ("outcomes", "failures"),
    [
        ([Outcome.ABSTAINED], 1),
        ([Outcome.ABSTAINED, Outcome.FAILED], 2),
        ([Outcome.ABSTAINED, Outcome.ANSWERED], 0),
        ([Outcome.ABSTAINED, Outcome.SMALLTALK], 0),
        ([Outcome.ABSTAINED, Outcome.BLOCKED], 1),
        ([Outcome.ABSTAINED, Outcome.SILENT], 1),
    ],
)
def test_failures_count_in_a_row(outcomes: list[Outcome], failures: int) -> None:
    assert after(*map(ended, outcomes)).failures == failures


def test_people_take_over_and_give_back() -> None:
    taken = [
        ended(Outcome.FAILED),
        Guarded(message_id="m", reason="abuse"),
        HandedOver(reason="crisis", priority="urgent"),
    ]
    state = after(*taken)
    assert (state.owner, state.status, state.reason, state.priority) == ("people", "open", "crisis", "urgent")
    back = after(*taken, Returned())
    assert (back.owner, back.status, back.failures, back.strikes, back.reason) == ("bot", "pending", 0, 0, None)
    assert after(*taken, Resolved()).status == "resolved"
    assert after(*taken, Resolved(), Reopened(to="people")).status == "open"


def test_offered_buttons_stay_honoured_and_the_newest_replys_are_the_choices() -> None:
    state = after(
        Sent(reply_id="r", text=Words(text="?"), buttons=(BUTTON,)), Sent(reply_id="s", text=Words(text="and?"))
    )
    assert (state.offered, state.choices) == ((BUTTON,), ())


def test_contact_labels_language_and_what_leaves_no_trace() -> None:
    state = after(
        ContactChanged(
            fields={"name": Words(ref="n", text="Ann"), "email": Words(ref="e", text="a@b.c")}, verified=True
        ),
        ContactChanged(fields={"email": None}),
        LabelsChanged(added=("vip", "old")),
        LabelsChanged(added=("vip",), removed=("old",)),
        LanguageSet(language="zh"),
        Delivery(reply_id="r", status="read"),
        Feedback(reply_id="r", rating="up"),
        Merged(from_person="p", to_person="q"),
    )
    assert list(state.contact) == ["name"]
    assert (state.verified, state.labels, state.language, state.version) == (True, ("vip",), "zh", 8)


def test_an_edited_message_reads_as_edited_and_a_deleted_one_is_gone() -> None:
    first = Received(message_id="m", text=Words(text="helo"))
    assert after(first, Edited(message_id="m", text=Words(text="hello"))).history[0].text.text == "hello"
    assert after(first, Deleted(message_id="m")).history == ()
