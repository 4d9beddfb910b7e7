"""Actions in this process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot import results
from bot.actions import threads as threads_module
from bot.actions.local import LocalActions
from bot.errors import ActionFailed, ActionTimeout, ConfigError
from tests.bot.actions.stage import ACME, call


@pytest.fixture
async def actions() -> AsyncIterator[LocalActions]:
    made = LocalActions(ACME, seconds=10)
    await made.start()
    yield made
    await made.close()


@pytest.fixture(autouse=True)
def _as_it_was(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Packages and folders that a test imports from are forgotten after it."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ("actions", "helpers")]:
        del sys.modules[name]


def package(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        file = folder / "actions" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


ONE = """
from rasa_sdk import Action

class {kind}(Action):
    def name(self):
        return "{name}"

    def run(self, dispatcher, tracker, domain):
        dispatcher.utter_message(text="{said}")
"""


async def said(actions: LocalActions, name: str) -> list[str | None]:
    return [answer.text for answer in (await actions.run(call(name))).responses]


async def test_only_the_packages_own_actions_are_registered(tmp_path: Path) -> None:
    first = LocalActions(ACME)
    await first.start()
    source = "from actions.plain import *\n" + ONE.format(kind="Own", name="action_own", said="mine")
    folder = package(tmp_path, __init__="", plain="from rasa_sdk import *\n", own=source)
    second = LocalActions(folder)
    await second.start()
    assert await second.names() == {"action_own"}
    assert {"validate_order_form", "action_validate_slot_mappings", "action_greet"} <= await first.names()
    assert await said(second, "action_own") == ["mine"]
    assert (await first.run(call("action_rich"))).responses
    await first.close()
    await second.close()


async def test_a_bot_without_a_package_has_no_actions_and_a_single_file_is_one_too(tmp_path: Path) -> None:
    none = LocalActions(tmp_path)
    await none.start()
    assert await none.names() == frozenset()
    await none.close()
    (tmp_path / "actions.py").write_text(ONE.format(kind="Own", name="action_own", said="mine"))
    one = LocalActions(tmp_path)
    await one.start()
    assert await said(one, "action_own") == ["mine"]
    await one.close()


async def test_a_package_that_cannot_be_imported_is_told_with_file_and_line(tmp_path: Path) -> None:
    folder = package(tmp_path, __init__="", broken="import os\n\nraise RuntimeError('no database')\n")
    with pytest.raises(ConfigError, match=r"RuntimeError: no database \(.*broken\.py, line 3\)"):
        await LocalActions(folder).start()
    package(tmp_path, broken="import a_package_that_nobody_has\n")
    with pytest.raises(ConfigError, match=r"ModuleNotFoundError: .*a_package_that_nobody_has.*broken\.py, line 1"):
        await LocalActions(folder).start()


async def test_of_two_actions_with_one_name_the_packages_is_run(tmp_path: Path) -> None:
    from rasa_sdk import Action

    class Builtin(Action):  # type: ignore[misc]
        def name(self) -> str:
            return "action_own"

        def run(self, dispatcher, tracker, domain):  # type: ignore[no-untyped-def]
            dispatcher.utter_message(text="built in")

    (tmp_path / "bot").mkdir()
    builtin = LocalActions(builtin=lambda: [Builtin()])
    await builtin.start()
    assert await said(builtin, "action_own") == ["built in"]
    await builtin.close()
    own = ONE.format(kind="Own", name="action_own", said="mine")
    both = LocalActions(package(tmp_path / "bot", __init__=own), builtin=lambda: [Builtin()])
    await both.start()
    assert await said(both, "action_own") == ["mine"]
    await both.close()


async def test_every_event_of_rasa_arrives_typed_and_the_unknown_one_is_told(actions: LocalActions) -> None:
    result = await actions.run(call("action_everything"))
    assert result.events == (
        results.SlotWasSet("colour", "red"),
        results.SlotsReset(),
        results.Followup("action_greet"),
        results.Paused(),
        results.Resumed(),
        results.Restarted(),
        results.SessionStarted(),
        results.SessionEnded({"why": "done"}),
        results.LoopActivated("order_form"),
        results.LoopInterrupted(True),
        results.ActionRan("action_x", "a policy", 0.5),
        results.ActionWasRejected("action_y"),
        results.UserSaid("hi", {"intent": {"name": "greet"}}, "rest"),
        results.BotSaid("hello", {"image": None}, {"utter_action": "utter_hello"}),
        results.AgentSaid("a person speaks"),
        results.ReminderSet("remind", "2026-12-01T09:00:00", name="later"),
        results.ReminderCancelled("later"),
        results.Rewound(),
        results.Undone(),
        results.Exported(),
    )
    (problem,) = result.problems
    assert problem.startswith("unknown event 'levitate': ignored; known are slot, reset_slots, ")


async def test_buttons_images_attachments_json_and_responses_arrive(actions: LocalActions) -> None:
    which, image, attachment, card, total = (await actions.run(call("action_rich"))).responses
    assert which.text == "Which?"
    assert which.buttons == ({"title": "Red", "payload": "/SetSlots(colour=red)"},)
    assert image.image == "https://shop.example/kettle.png"
    assert attachment.attachment == "https://shop.example/label.pdf"
    assert card.custom == {"map": [52.4, 4.6]}
    assert card.elements == ({"title": "A card"},)
    assert (total.response, total.values) == ("utter_total", {"amount": 12.5})


async def test_forms_and_slots_are_validated(actions: LocalActions) -> None:
    refused = await actions.run(call("validate_order_form", {"amount": 12.0}, seen=("amount",)))
    assert refused.events == (results.SlotWasSet("amount", None),)
    assert [answer.response for answer in refused.responses] == ["utter_too_many"]
    taken = await actions.run(call("validate_order_form", {"amount": 3.0}, seen=("amount",)))
    assert taken.events == (results.SlotWasSet("amount", 3),)
    mapped = await actions.run(call("action_validate_slot_mappings", {"city": "haarlem"}, seen=("city",)))
    assert mapped.events == (results.SlotWasSet("city", "Haarlem"),)


async def test_an_action_that_hangs_is_left_behind_and_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads_module, "GRACE", 0.05)
    actions = LocalActions(ACME, seconds=1.0, threads=2)
    await actions.start()
    calls = [actions.run(call("action_sleep", {"seconds": 5.0})) for _ in range(2)]
    for error in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(error, ActionTimeout)
        assert error.uncertain
    await asyncio.sleep(0.1)
    with pytest.raises(ActionTimeout, match="still hang") as refused:
        await actions.run(call("action_sleep", {"seconds": 0.0}))
    assert not refused.value.uncertain
    assert (await actions.run(call("action_greet", {"name": "Anna"}))).responses
    await actions.close()


async def test_an_action_that_waits_too_long_is_cancelled(actions: LocalActions) -> None:
    brief = LocalActions(ACME, seconds=0.1)
    await brief.start()
    for _ in range(4):
        with pytest.raises(ActionTimeout, match=r"did not finish within 0\.1 seconds"):
            await brief.run(call("action_wait", {"seconds": 60}))
    assert await actions.run(call("action_wait", {"seconds": 0.01})) == results.ActionResult()
    await brief.close()


@pytest.mark.parametrize(
    ("action", "told"),
    [("action_exit", "SystemExit"), ("action_squander", "TypeError"), ("action_break", "ValueError")],
)
async def test_what_an_action_raises_is_told_by_type_and_line(actions: LocalActions, action: str, told: str) -> None:
    with pytest.raises(ActionFailed, match=told) as raised:
        await actions.run(call(action))
    if action != "action_squander":
        assert "plain.py, line" in str(raised.value)
    assert (await actions.run(call("action_greet", {"name": "Anna"}))).responses


async def test_before_the_start_nothing_runs() -> None:
    with pytest.raises(ActionFailed, match="not started"):
        await LocalActions(ACME).run(call("action_greet"))
