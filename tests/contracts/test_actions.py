"""What everything that runs actions does: in this process, on a real action server, and the fake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from bot import results
from bot.actions.base import ActionCall, Actions
from bot.actions.endpoint import Endpoint
from bot.actions.fake import Answer, FakeActions
from bot.actions.local import LocalActions
from bot.actions.server import ServerActions
from bot.errors import ActionFailed, ActionRejected, ActionUnknown
from bot.results import ActionResponse, ActionResult, SlotWasSet
from tests.bot.actions.stage import ACME, DOMAIN, action_server, call


def echoed(asked: ActionCall) -> ActionResult:
    shown: dict[str, Any] = {**asked.tracker, "domain": dict(asked.domain)}
    return ActionResult(events=(SlotWasSet("shown", shown),))


FAKED: dict[str, Answer] = {
    "action_greet": lambda asked: ActionResult(
        responses=(ActionResponse(text=f"Hello from a neighbour, {asked.tracker['slots']['name']}"),)
    ),
    "action_echo": echoed,
    "action_reject": ActionRejected("action_reject", "not today"),
    "action_break": ActionFailed("action_break", "it broke", uncertain=True),
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with action_server() as served:
        yield served


@pytest.fixture(params=["in process", "over HTTP", "fake"])
async def actions(request: pytest.FixtureRequest) -> AsyncIterator[Actions]:
    made: Actions = {
        "in process": lambda: LocalActions(ACME),
        "over HTTP": lambda: ServerActions(Endpoint(request.getfixturevalue("url"))),
        "fake": lambda: FakeActions(FAKED),
    }[request.param]()
    assert not await made.healthy()
    await made.start()
    await made.start()
    yield made
    await made.close()
    await made.close()
    assert not await made.healthy()


async def test_it_is_healthy_and_names_what_it_can_run(actions: Actions) -> None:
    assert await actions.healthy()
    assert {"action_greet", "action_echo", "action_reject", "action_break"} <= await actions.names()


async def test_an_action_reads_slots_and_speaks(actions: Actions) -> None:
    result = await actions.run(call("action_greet", {"name": "Anna"}))
    assert [said.text for said in result.responses] == ["Hello from a neighbour, Anna"]
    assert result.events == ()
    assert result.problems == ()


async def test_an_action_is_shown_the_whole_tracker_and_the_domain(actions: Actions) -> None:
    asked = call("action_echo", {"name": "Anna"}, seen=("name",))
    (event,) = (await actions.run(asked)).events
    assert isinstance(event, results.SlotWasSet)
    assert event.value == {**asked.tracker, "domain": DOMAIN}
    assert event.value["latest_message"]["metadata"]["idempotency_key"] == asked.key


async def test_what_an_action_does_to_its_tracker_stays_with_it(actions: Actions) -> None:
    asked = call("action_echo", {"name": "Anna"})
    await actions.run(asked)
    assert asked.tracker == call("action_echo", {"name": "Anna"}).tracker


async def test_an_action_that_will_not_run_was_not_carried_out(actions: Actions) -> None:
    with pytest.raises(ActionRejected, match="not today") as raised:
        await actions.run(call("action_reject"))
    assert not raised.value.uncertain
    assert raised.value.action == "action_reject"


async def test_an_action_that_nobody_has_is_unknown(actions: Actions) -> None:
    with pytest.raises(ActionUnknown, match="action_missing") as raised:
        await actions.run(call("action_missing"))
    assert not raised.value.uncertain


async def test_an_action_that_raises_may_have_done_something(actions: Actions) -> None:
    with pytest.raises(ActionFailed) as raised:
        await actions.run(call("action_break"))
    assert raised.value.uncertain
    assert "anna" not in str(raised.value)
