"""Business processes in a turn: what the machine decides is said, run, answered and handed over, until the customer
has the word again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Protocol

from bot import commands as understood
from bot import machine, pressed
from bot.actions.base import Actions
from bot.commands import Ask, CannotHandle, Command, Intent, Nothing, Reason, Refuse, WantPerson
from bot.dialogue import SMALL_TALK, decide
from bot.events import ActionRan, Commanded, FlowResumed, StepTaken
from bot.flows.load import Loaded
from bot.hearing import Heard
from bot.machine.effects import Answer, Batch, HandOver, RunAction, SayAgain, SmallTalk, Utter
from bot.machine.session import expired
from bot.plainly import Understands, plainly
from bot.record import Record, Stream
from bot.rules import NO_RULES, Rules
from bot.running import REFUSED, Run, Running
from bot.types import Button, Outcome, Reply, Words

log = logging.getLogger(__name__)

WEIGHTY = (Outcome.ABSTAINED, Outcome.ANSWERED, Outcome.HANDED_OVER, Outcome.FAILED)
"""What a turn came to if this was among it, whatever was asked after."""

NAMES = ("canceled_name", "previous_flow_name")
"""What of a repair's context is the name of a flow."""


class Side(Protocol):
    """What a turn does besides: `bot.steps.Steps`."""

    def speaker(self, record: Record) -> Callable[..., Reply]: ...
    def hand_over(self, record: Record, reason: Reason) -> None: ...
    def answer(self, record: Record, question: str, heard: Heard, stream: Stream) -> Awaitable[None]: ...


class AtWork(Protocol):
    """What decides in a turn: `Processes` (flows), `bot.assistant.Assistant` (intents), or both by turns."""

    @property
    def bot(self) -> Loaded: ...
    async def understand(self, text: str, record: Record) -> list[Command]: ...
    def press(self, button: Button, record: Record) -> list[Command] | None: ...
    async def respond(
        self, side: Side, record: Record, commands: Sequence[Command], heard: Heard, stream: Stream
    ) -> None: ...
    async def decided(self, side: Side, record: Record, stream: Stream) -> None: ...
    async def go_on(self, side: Side, record: Record, stream: Stream) -> None: ...


class Processes:
    """A bot's flows at work. `actions` run what is the bot's own; None: it has none. `understanding` makes commands of
    what customers write. `failures_in_a_row`: so often not understood, and a person is brought in. `documents`: whether
    there are some to answer questions from; else a question is something that cannot be handled, unless the bot has a
    `pattern_search` of its own. `rules` are asked before every action.
    """

    def __init__(
        self,
        bot: Loaded,
        actions: Actions | None = None,
        *,
        understanding: Understands = plainly,
        failures_in_a_row: int = 2,
        clock: Callable[[], datetime],
        events: Run | None = None,
        documents: Callable[[], bool] = lambda: True,
        rules: Rules = NO_RULES,
    ) -> None:
        self.bot = bot
        self.understanding = understanding
        self.failures_in_a_row = failures_in_a_row
        self.clock = clock
        self._documents = documents
        self._named: dict[str, dict[str, str]] = {}
        self.running = Running(bot, actions, events, rules)

    async def understand(self, text: str, record: Record) -> list[Command]:
        """What a text means to the business processes; nothing, where it is none of their business."""
        state = record.state
        expecting = replace(machine.expecting(self.bot, state), documents=self._documents())
        with record.watch.step("understand"):
            return await self.understanding(text, expecting, state, record.language)

    def press(self, button: Button, record: Record) -> list[Command] | None:
        """What a button stands for; None for one that is not about processes: what its title says counts."""
        found = pressed.commands(button.payload)
        known = self.bot.domain.intents
        if found and any(isinstance(item, Intent) and item.name not in known for item in found):
            return None
        return found

    async def respond(
        self, side: Side, record: Record, commands: Sequence[Command], heard: Heard, stream: Stream
    ) -> None:
        """Carry out what follows from the commands. Those that are no business of processes are decided elsewhere."""
        wanted = [item for item in commands if not isinstance(item, Refuse | Nothing)]
        if not self._documents() and "pattern_search" not in self.bot.processes.overridden:
            wanted = [CannotHandle() if isinstance(item, Ask) else item for item in wanted]
        note(record, commands)
        batch = machine.begin(
            self.bot,
            record.state,
            wanted,
            expired=expired(record.loaded, self.bot.domain.session, self.clock()),
            failures_in_a_row=self.failures_in_a_row,
        )
        await self._carry_out(side, record, batch, heard, stream)
        if not record.replies and record.state.owner == "bot" and not record.state.stack and not wanted:
            record.say(side.speaker(record)(SMALL_TALK["unclear"]))
            record.outcome = Outcome.SMALLTALK

    async def decided(self, side: Side, record: Record, stream: Stream) -> None:
        """Go on with what people said yes or no to. What no flow waits for any more is not done."""
        for owed in [owed for owed in record.state.approvals if owed.granted is not None]:
            asked = owed.asked
            waiting = [item for item in record.state.stack if item.phase == "waiting"]
            frame = next((item for item in waiting if f"{item.flow}/{item.step}" == asked.step), None)
            if frame is None:
                record.add(ActionRan(name=asked.action, ok=False, error="no_longer_wanted"))
                continue
            if record.state.stack[-1].id != frame.id:
                record.add(FlowResumed(frame=frame.id, flow=frame.flow))
            record.add(StepTaken(frame=frame.id, step=frame.step, phase="running"))
            failed = await self.running.run(record, asked.action, asked.step, approved=asked if owed.granted else False)
            await self._carry_out(side, record, self._resumed(record, failed), Heard(), stream)

    async def go_on(self, side: Side, record: Record, stream: Stream) -> None:
        """Take up what was open when people took over."""
        await self.decided(side, record, stream)
        if record.state.stack:
            await self._carry_out(side, record, self._resumed(record), Heard(), stream)

    async def _carry_out(self, side: Side, record: Record, batch: Batch, heard: Heard, stream: Stream) -> None:
        while True:
            for item in batch.items:
                match item:
                    case Utter():
                        self._utter(record, item)
                    case SayAgain():
                        _say_again(side, record)
                    case SmallTalk(kind):
                        _small_talk(side, record, kind)
                    case body:
                        record.add(body)
            failed: str | None = None
            match batch.outside:
                case None:
                    return
                case HandOver(reason):
                    side.hand_over(record, reason)
                    return
                case Answer(question):
                    await side.answer(record, question, heard, stream)
                case RunAction(name, step):
                    with record.watch.step("action"):
                        failed = await self.running.run(record, name, step)
            if record.state.owner == "people" or record.state.status == "resolved":
                return
            batch = self._resumed(record, failed, batch.steps)

    def _resumed(self, record: Record, failed: str | None = None, steps: int = 0) -> Batch:
        refused = failed == REFUSED
        return machine.resume(
            self.bot,
            record.state,
            steps=steps,
            failed=None if refused else failed,
            refused=refused,
            failures_in_a_row=self.failures_in_a_row,
        )

    def _names(self, language: str) -> dict[str, str]:
        """How flows are called in the customer's language, by their names: the response `utter_name_<flow>`."""
        if (known := self._named.get(language)) is None:
            domain, own = self.bot.domain, self.bot.processes.own.values()
            told = {flow.name: f"utter_name_{flow.id}" for flow in own}
            known = {name: domain.say(key, language).text for name, key in told.items() if key in domain.responses}
            self._named[language] = known
        return known

    def _utter(self, record: Record, item: Utter) -> None:
        state = record.loaded
        names = self._names(record.language)
        buttons = tuple(each.model_copy(update={"title": names.get(each.title, each.title)}) for each in item.buttons)
        context = {key: names.get(value, value) if key in NAMES else value for key, value in item.context.items()}
        if buttons:
            context["clarification_options"] = ", ".join(each.title for each in buttons)
        reply = self.bot.domain.say(
            item.template,
            record.language,
            seed=state.turns,
            channel=state.channel,
            slots=item.slots,
            context=context,
        )
        record.say(reply.model_copy(update={"buttons": (*reply.buttons, *buttons)}))
        if record.outcome not in WEIGHTY:
            record.outcome, record.confidence = item.outcome, 1.0


def grave(commands: Sequence[Command]) -> bool:
    """Whether something is meant that comes before any process: a threat, an attack, abuse."""
    return any(
        isinstance(item, Refuse) or (isinstance(item, WantPerson) and item.reason != "asked") for item in commands
    )


def note(record: Record, commands: Sequence[Command]) -> None:
    """Write down what was understood, for the inspector and for tests made of conversations."""
    if commands:
        told = [{"command": type(item).__name__, **asdict(item)} for item in commands]
        record.add(Commanded(commands=Words(text=json.dumps(told, ensure_ascii=False, default=str))))


def _say_again(side: Side, record: Record) -> None:
    """What the bot said last, with its buttons; where it said nothing yet, that it does not understand."""
    lines = []
    for line in reversed(record.loaded.history):
        if line.role == "customer":
            break
        lines.append(line)
    if not lines:
        record.say(side.speaker(record)(SMALL_TALK["unclear"]))
        return
    for place, line in enumerate(reversed(lines), start=1):
        buttons = record.loaded.choices if place == len(lines) else ()
        record.say(Reply(text=line.text.text or "", buttons=buttons, language=record.language, template=line.template))
    record.outcome = Outcome.DONE


def _small_talk(side: Side, record: Record, kind: str) -> None:
    for step in decide(record.loaded, [understood.SmallTalk(kind if kind in SMALL_TALK else "unclear")]):
        record.say(side.speaker(record)(getattr(step, "template", SMALL_TALK["unclear"])))
    if record.outcome not in WEIGHTY:
        record.outcome, record.confidence = Outcome.SMALLTALK, 1.0
