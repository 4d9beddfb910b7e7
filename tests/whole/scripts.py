"""Runs the end-to-end cases of tests/e2e (Rasa's format) against the demo company's bot, each with a fresh shop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.direct import Direct
from bot.events import ActionRan, Body, FlowEnded, FlowStarted, Sent, SlotSet
from bot.scripted import report
from bot.scripted import run as scripted
from bot.scripted.read import read_cases
from bot.scripted.script import Case
from bot.types import new_id
from tests.whole.conftest import Company

FOLDER = Path(__file__).parents[1] / "e2e"


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


def cases() -> list[Case]:
    """All of the folder, in order."""
    found, problems = read_cases(str(FOLDER))
    assert not problems, "\n".join(map(str, problems))
    return found


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


def run(company: Company, case: Case) -> tuple[str, str]:
    """What was said and done, and why that is not as it should be ("": it is)."""
    Customer(company)  # a fresh shop
    processes = company.bot.turn.steps.processes
    assert processes is not None
    outcome = company.run(scripted.run(company.bot, dict(processes.bot.processes.flows), case))
    return "\n".join(f"{mark} {line}" for mark, line in report.difference(outcome)), report.reason(outcome)
