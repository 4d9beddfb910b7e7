"""A conversation with the machine alone: commands in, what was said and done out, the state folded from its events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.commands import Command
from bot.events import Actor, Event, SlotSet, TurnEnded
from bot.flows.load import Loaded
from bot.machine import begin, resume
from bot.machine.effects import Answer, Batch, HandOver, RunAction, SayAgain, SmallTalk, Utter
from bot.machine.walk import Walk, values
from bot.stack import encoded
from bot.state import State, apply
from bot.types import Outcome

Acts = Mapping[str, Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]] | None]
"""What actions set, by name; None: it fails."""


class Talk:
    """`say` gives what came of it: response names, `run: NAME`, `answer: QUESTION`, `person: REASON`."""

    def __init__(self, bot: Loaded, actions: Acts | None = None) -> None:
        self.bot = bot
        self.actions = dict(actions or {})
        self.state = State(conversation="c")
        self.buttons: list[str] = []
        self.told: dict[str, str] = {}

    @property
    def slots(self) -> dict[str, Any]:
        return {name: value for name, value in values(self.bot, self.state).items() if value is not None}

    @property
    def open(self) -> list[str]:
        return [frame.flow for frame in self.state.stack]

    def say(self, *commands: Command, **more: Any) -> list[str]:
        self.buttons.clear()
        told: list[str] = []
        outcome = Outcome.DONE
        batch = begin(self.bot, self.state, commands, **more)
        while True:
            outcome = self._carry_out(batch, told, outcome)
            match batch.outside:
                case None:
                    break
                case HandOver(reason):
                    told.append(f"person: {reason}")
                    break
                case Answer(question):
                    told.append(f"answer: {question}")
                    batch = resume(self.bot, self.state, steps=batch.steps)
                case RunAction(name):
                    told.append(f"run: {name}")
                    batch = self._run(name, batch)
        self._fold(TurnEnded(outcome=outcome))
        return told

    def _run(self, name: str, batch: Batch) -> Batch:
        made = self.actions.get(name, {})
        if made is None:
            return resume(self.bot, self.state, steps=batch.steps, failed="action_failed")
        for slot, value in (made(self.slots) if callable(made) else made).items():
            self._fold(SlotSet(name=slot, value=encoded(value), by="action"))
        return resume(self.bot, self.state, steps=batch.steps)

    def _carry_out(self, batch: Batch, told: list[str], outcome: Outcome) -> Outcome:
        for item in batch.items:
            match item:
                case Utter():
                    reply = self.bot.domain.say(item.template, slots=item.slots, context=item.context)
                    told.append(item.template)
                    self.told[item.template] = reply.text
                    self.buttons += [button.payload for button in (*reply.buttons, *item.buttons)]
                    outcome = item.outcome if outcome is not Outcome.ABSTAINED else outcome
                case SayAgain():
                    told.append("again")
                case SmallTalk(kind):
                    told.append(f"talk: {kind}")
                case body:
                    self._fold(body)
        return outcome

    def _fold(self, body: Any) -> None:
        self.state = apply(self.state, Event(conversation="c", actor=Actor(kind="bot"), body=body))


def same(walk: Walk, state: State) -> bool:
    """Whether a walk and a folded state agree on stack and slots."""
    again = [(frame.id, frame.flow, frame.step, frame.phase, frame.kind) for frame in state.stack]
    here = [(frame.id, frame.flow.id, frame.step, frame.phase, frame.kind) for frame in walk.open]
    return again == here
