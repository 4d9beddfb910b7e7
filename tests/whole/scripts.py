"""Runs the end-to-end cases of tests/e2e (Rasa's format) against the demo company's bot, each with a fresh shop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bot.direct import Direct
from bot.events import ActionRan, Body, FlowEnded, FlowStarted, Sent, SlotSet
from bot.stack import decoded
from bot.types import new_id
from tests.whole.conftest import Company

FOLDER = Path(__file__).parents[1] / "e2e"


@dataclass(frozen=True)
class Case:
    """One case: what the customer says, and what must follow."""

    name: str
    slots: Mapping[str, Any]
    steps: tuple[Mapping[str, Any], ...]


@dataclass
class Said:
    """What one message of a customer led to."""

    bodies: list[Body] = field(default_factory=list)

    def told(self) -> str:
        """For the message of a failure, and to hold two runs against each other."""
        lines = []
        for body in self.bodies:
            match body:
                case Sent():
                    lines.append(f"bot ({body.template}): {body.text.text}")
                case FlowStarted():
                    lines.append(f"flow started: {body.flow}")
                case FlowEnded():
                    lines.append(f"flow {body.outcome}: {body.flow}")
                case SlotSet():
                    lines.append(f"slot {body.name} = {body.value.text}")
                case ActionRan():
                    lines.append(f"action {body.name}: {'done' if body.ok else body.error}")
                case _:
                    pass
        return "\n".join(lines)


def cases() -> Iterator[Case]:
    """All of the folder, in order."""
    for file in sorted(FOLDER.glob("*.yml")):
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        fixtures = {name: rows for item in content.get("fixtures", ()) for name, rows in item.items()}
        for given in content["test_cases"]:
            rows = [row for name in given.get("fixtures", ()) for row in fixtures[name]]
            slots = {name: value for row in rows for name, value in row.items()}
            yield Case(given["test_case"], slots, tuple(given["steps"]))


class Customer:
    """Somebody new, who talks to the company's bot; the shop's database is as on the first day."""

    def __init__(self, company: Company) -> None:
        self.company, self.sender, self.seen = company, new_id(), 0
        self.conversation = ""
        company.run(self._fresh_shop())

    async def _fresh_shop(self) -> None:
        actions = self.company.bot.actions
        assert actions is not None
        await actions.close()
        (self.company.bot.settings.home / "shop.db").unlink(missing_ok=True)
        await actions.start()

    def knows(self, slots: Mapping[str, Any]) -> None:
        """Slots that have a value before the customer says anything."""
        if slots:
            self.says("/SetSlots(" + ", ".join(f'{name}="{value}"' for name, value in slots.items()) + ")")

    def says(self, text: str) -> Said:
        """A message, or a payload; and what follows."""
        payload = text if text.startswith("/") else None
        direct = Direct(self.company.bot, "shell")
        result = self.company.run(direct.ask("" if payload else text, sender=self.sender, payload=payload))
        self.conversation = result.conversation
        return self.since()

    def hears_from_a_colleague(self, *, granted: bool) -> Said:
        """A colleague decides what waits for approval, and the conversation goes on."""
        self.company.run(self._decided(granted))
        return self.since()

    async def _decided(self, granted: bool) -> None:
        store = self.company.bot.store
        [asked] = [each for each in await store.approvals() if each.conversation == self.conversation]
        await store.decide(asked.id, granted, author="mia")
        claim = await store.claim("tests", lease_seconds=60, conversation=self.conversation)
        assert claim is not None
        await self.company.bot.turn.handle(claim)

    def loses_the_shop(self) -> None:
        """The shop's database breaks."""
        (self.company.bot.settings.home / "shop.db").write_text("no database")

    def owner(self) -> str:
        """Who has the conversation now."""
        return str(self.company.run(self.company.bot.store.load(self.conversation)).owner)

    def since(self) -> Said:
        """What has happened since it was last looked at."""
        events = self.company.run(self.company.bot.store.events(self.conversation, self.seen))
        self.seen = events[-1].sequence if events else self.seen
        return Said([event.body for event in events])


def run(company: Company, case: Case) -> tuple[str, list[str]]:
    """What was said and done, and what of it was not as it should be."""
    customer = Customer(company)
    customer.knows(case.slots)
    told, wrong = [], []
    for step in case.steps:
        said = customer.says(step["user"])
        told.append(f"user: {step['user']}\n{said.told()}")
        for assertion in step.get("assertions", ()):
            [(kind, wanted)] = assertion.items()
            if not holds(kind, wanted, said.bodies):
                wrong.append(f"after {step['user']!r}: {kind}: {wanted}\n{said.told()}")
    return "\n".join(told), wrong


def holds(kind: str, wanted: Any, bodies: list[Body]) -> bool:
    """Whether an assertion of Rasa's holds."""
    match kind:
        case "flow_started":
            begun = {body.flow for body in bodies if isinstance(body, FlowStarted)}
            ids = wanted["flow_ids"] if isinstance(wanted, dict) else [wanted]
            some = isinstance(wanted, dict) and wanted.get("operator") == "any"
            return any(id in begun for id in ids) if some else set(ids) <= begun
        case "flow_completed" | "flow_cancelled":
            outcome = kind.removeprefix("flow_")
            ended = [body for body in bodies if isinstance(body, FlowEnded) and body.outcome == outcome]
            return wanted["flow_id"] in [body.flow for body in ended]
        case "slot_was_set":
            return all(_set(item, bodies) for item in wanted)
        case "slot_was_not_set":
            return not any(_set(item, bodies) for item in wanted)
        case "action_executed":
            return any(isinstance(body, ActionRan) and body.ok and body.name == wanted for body in bodies)
        case "pattern_clarification_contains":
            payloads = {button.payload for body in bodies if isinstance(body, Sent) for button in body.buttons}
            return {f"/StartFlow({flow})" for flow in wanted} <= payloads
        case "bot_uttered":
            return any(isinstance(body, Sent) and _uttered(wanted, body) for body in bodies)
        case "bot_did_not_utter":
            return not any(isinstance(body, Sent) and _uttered(wanted, body) for body in bodies)
        case _:
            raise ValueError(f"the cases use {kind!r}, which is not known here")


def _set(wanted: Mapping[str, Any], bodies: list[Body]) -> bool:
    values = [decoded(body.value) for body in bodies if isinstance(body, SlotSet) and body.name == wanted["name"]]
    if "value" not in wanted:
        return any(value is not None for value in values)
    return wanted["value"] in values


def _uttered(wanted: Mapping[str, Any], body: Sent) -> bool:
    buttons = [{"title": button.title, "payload": button.payload} for button in body.buttons]
    return (
        wanted.get("utter_name", body.template) == body.template
        and re.search(wanted.get("text_matches", ""), body.text.text or "", re.DOTALL) is not None
        and all(button in buttons for button in wanted.get("buttons", ()))
    )
