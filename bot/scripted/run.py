"""Runs one case against a started bot, through the same turn as any customer's message."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from bot.build import Bot
from bot.direct import Direct
from bot.events import Body, Sent, SlotSet
from bot.flows.model import Flow
from bot.flows.payloads import read_payload
from bot.scripted import judge
from bot.scripted.happened import Deed, Watched
from bot.scripted.matching import generated, holds
from bot.scripted.script import GENERATIVE, Assertion, Case, Step
from bot.stack import encoded
from bot.types import new_id


@dataclass(frozen=True, slots=True)
class Failure:
    """What was to follow a step and did not. `note` says more."""

    step: Step
    assertion: Assertion
    note: str = ""


@dataclass(slots=True)
class Outcome:
    """How a case went: what each step led to (up to the first that failed), and what was missing."""

    case: Case
    turns: list[tuple[Step, list[Deed]]] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        return not self.failures

    def taken(self) -> Iterable[tuple[str, str]]:
        """The flow and step of every step that was taken."""
        return (
            (deed.flow, deed.body.step) for _, deeds in self.turns for deed in deeds if deed.body.type == "step_taken"
        )


async def run(bot: Bot, flows: dict[str, Flow], case: Case) -> Outcome:
    """Say what the case's customer says, as somebody new; stop at the first step that is not as it should be."""
    direct, sender = Direct(bot, "shell"), f"test-{hashlib.sha256(case.name.encode()).hexdigest()[:12]}-{new_id()}"
    before: list[Body] = [SlotSet(name=name, value=encoded(value), by="flow") for name, value in case.slots.items()]
    watched, outcome, seen = Watched(flows), Outcome(case), 0
    for step in case.steps:
        payload = step.user if step.user.startswith("/") and read_payload(step.user) is not None else None
        result = await direct.ask(
            "" if payload else step.user, sender=sender, payload=payload, metadata=step.metadata, before=before
        )
        before = []
        events = await bot.store.events(result.conversation, seen)
        seen = events[-1].sequence if events else seen
        deeds = watched.see(events)
        outcome.turns.append((step, deeds))
        outcome.failures += await _missing(bot, step, deeds)
        if outcome.failures:
            break
    return outcome


async def _missing(bot: Bot, step: Step, deeds: list[Deed]) -> list[Failure]:
    """What of the step's assertions does not hold."""
    start, failures = 0, []
    for assertion in step.assertions:
        place = holds(assertion, deeds, start if step.ordered else 0)
        note = "" if place is not None or not step.ordered or holds(assertion, deeds) is None else "in another order"
        if place is not None and assertion.kind in GENERATIVE:
            note = await _judged(bot, assertion, step, deeds)
            place = None if note else place
        if place is None:
            failures.append(Failure(step, assertion, note))
        else:
            start = place
    return failures


async def _judged(bot: Bot, assertion: Assertion, step: Step, deeds: list[Deed]) -> str:
    """Why none of the replies that are meant is grounded, or relevant; "" where one is."""
    wanted, scores = assertion.wanted, [0.0]
    for deed in deeds:
        if isinstance(deed.body, Sent) and generated(deed, wanted):
            if assertion.kind == "generative_response_is_grounded":
                scores.append(
                    await judge.grounded(bot.engines.checker, step.user, deed.body, wanted.get("ground_truth"))
                )
            else:
                scores.append(await judge.relevant(bot.engines.encoder, step.user, deed.body))
    best = max(scores)
    return "" if best >= wanted["threshold"] else f"the score is {best:.2f}, and {wanted['threshold']:.2f} is wanted"
