"""A bot with intents at work in a turn: what its rules, forms and stories decide is said, run and asked, until the
customer has the word again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from bot import pressed, results
from bot.commands import Command, Intent, Nothing, Refuse, SetSlot, WantPerson
from bot.dialogue import after_abstaining
from bot.errors import ActionError, ActionRejected
from bot.events import ActionRan, LoopChanged, Rewound, SessionStarted, SlotSet
from bot.extraction import fill
from bot.flows.check import DEFAULT_ACTIONS
from bot.flows.load import Loaded
from bot.flows.model import Form
from bot.flows.story import Beat, Thresholds
from bot.hearing import Heard as Listened
from bot.machine.session import expired
from bot.machine.values import Unfit, fitted
from bot.machine.walk import values
from bot.policies import two_stage
from bot.policies.extract import REQUESTED, missing, question
from bot.policies.predict import Policies, Prediction
from bot.policies.track import LISTEN, REJECTED, beats
from bot.processes import Side, note
from bot.record import Record, Stream
from bot.running import REFUSED, Heard, Run, Running
from bot.stack import encoded
from bot.types import Button, Outcome
from bot.understanding.intents import Recognizer

MOST = 10
"""So many actions may follow one message, as in Rasa."""


class Assistant:
    """See the module's docstring. `events` reads what was stored of a conversation; `documents`: whether there are some
    that a question may be answered from, where no rule and no story takes it up.
    """

    def __init__(
        self,
        bot: Loaded,
        recognizer: Recognizer,
        running: Running,
        thresholds: Thresholds,
        *,
        clock: Callable[[], datetime],
        events: Run,
        documents: Callable[[], bool] = lambda: False,
        failures_in_a_row: int = 2,
    ) -> None:
        self.bot = bot
        self.policies = Policies(bot.training, bot.domain.slots, thresholds)
        self.failures_in_a_row = failures_in_a_row
        self.clock = clock
        self._recognizer = recognizer
        self.running = running
        self.documents = documents
        self._events = events

    async def understand(self, text: str, record: Record) -> list[Command]:
        """The intent of a text."""
        with record.watch.step("understand"):
            return [await self._recognizer.recognize(text)]

    def press(self, button: Button, record: Record) -> list[Command] | None:
        """What a button stands for; None for one whose title counts."""
        return pressed.commands(button.payload)

    async def respond(
        self, side: Side, record: Record, commands: Sequence[Command], heard: Listened, stream: Stream
    ) -> None:
        """Carry out what follows from an intent, or from the slots that a button sets."""
        self._begin(record)
        wanted = [item for item in commands if not isinstance(item, Refuse | Nothing)]
        note(record, commands)
        wish = next((item for item in wanted if isinstance(item, WantPerson)), None)
        if wish is not None:
            side.hand_over(record, wish.reason)
            return
        for item in wanted:
            if isinstance(item, SetSlot):
                self._set(record, item.name, item.value)
        intent = next((item for item in reversed(wanted) if isinstance(item, Intent)), Intent(""))
        asked = self.asked(record)
        if await fill(self.bot.domain, self.running, record, intent, asked=asked, put=self._set) is not None:
            side.hand_over(record, "error")
            return
        if wanted:
            await _Turn(self, side, record, intent, heard, stream).carry_out()
        if not record.replies and not any(isinstance(event.body, ActionRan) for event in record.events):
            record.say(side.speaker(record)("utter_clarify"))
            record.outcome = Outcome.SMALLTALK

    async def decided(self, side: Side, record: Record, stream: Stream) -> None:
        """Nothing of a bot with intents waits for a person's approval."""

    async def go_on(self, side: Side, record: Record, stream: Stream) -> None:
        """Take up the form that was open when people took over: its question is asked again."""
        form = self.bot.domain.forms.get(record.state.loop or "")
        if form is not None:
            await _Turn(self, side, record, Intent(""), Listened(), stream).ask(form, self.asked(record))

    async def policy(self, record: Record) -> tuple[Prediction, list[Beat]]:
        """The next action, and what it rests on."""
        stored = await self._events(record.state.conversation)
        told = beats([*stored, *record.events])
        return self.policies.next(told, values(self.bot, record.state)), told

    def example(self, intent: str) -> str:
        """How a customer says this intent; its name where the bot's files have no example."""
        examples = self.bot.training.nlu.examples
        return next((each.text for each in examples if each.intent == intent), intent)

    def _begin(self, record: Record) -> None:
        session = self.bot.domain.session
        silent = expired(record.loaded, session, self.clock())
        if record.state.session == 0 or silent:
            kept = session.carry_over_slots if record.state.session else bool(record.state.slots)
            record.add(SessionStarted(keep=kept))

    def asked(self, record: Record) -> str | None:
        """The slot that the open form asks for."""
        asked = values(self.bot, record.state).get(REQUESTED)
        return str(asked) if asked is not None else None

    def _set(self, record: Record, name: str, value: Any) -> None:
        slot = self.bot.domain.slots.get(name)
        fit = fitted(slot, value) if slot is not None else value
        if slot is not None and not isinstance(fit, Unfit):
            record.add(SlotSet(name=name, value=encoded(fit), by="customer"))


class _Turn:
    """One message's actions, one after the other."""

    def __init__(  # noqa: PLR0917 - a turn's parts, all of them needed
        self, assistant: Assistant, side: Side, record: Record, intent: Intent, heard: Listened, stream: Stream
    ) -> None:
        self._of = assistant
        self._domain = assistant.bot.domain
        self._side, self._record, self._intent = side, record, intent
        self._heard, self._stream = heard, stream
        self._over = False

    async def carry_out(self) -> None:
        """Do what is predicted until that is to listen."""
        followup: str | None = None
        for number in range(MOST):
            prediction, told = await self._of.policy(self._record)
            action = followup or prediction.action
            if action == LISTEN:
                return
            if followup is None and prediction.by == "fallback" and self._intent.text and self._of.documents():
                await self._answer()
                return
            followup = await self._do(action, number, told)
            if self._over or self._record.state.owner == "people" or self._record.state.status == "resolved":
                return

    async def _answer(self) -> None:
        """What no rule and no story takes up is a question for the documents; an open form then asks again."""
        self._record.add(Rewound())
        await self._side.answer(self._record, self._intent.text, self._heard, self._stream)
        form = self._domain.forms.get(self._record.state.loop or "")
        if form is not None and self._record.state.owner == "bot":
            await self.ask(form, self._of.asked(self._record))

    async def _do(self, action: str, number: int, told: Sequence[Beat]) -> str | None:
        """Carry an action out; returns the one that is to follow, where it names one."""
        form = self._domain.forms.get(action)
        if form is not None:
            await self._form(form, told)
            return None
        if action.startswith("utter_") and (template := self._template(action)) is not None:
            self._record.add(ActionRan(name=action))
            self._say(template)
            return None
        if action in self._domain.actions or action not in DEFAULT_ACTIONS:
            return await self._run(action, number)
        if action == two_stage.NAME:
            await self._two_stage(told)
            return None
        self._default(action)
        return None

    # -- actions of the bot's own

    async def _run(self, action: str, number: int, *, inner: bool = False) -> str | None:
        done = await self._of.running.once(self._record, action, f"{action}#{number}", heard=self._shown(inner=inner))
        if done.failed is not None and done.failed != REFUSED:
            self._broken()
        elif done.failed is not None:
            self._over = True
        return done.followup

    def _shown(self, **more: Any) -> Heard:
        intent = self._intent
        return Heard(intent.name or None, intent.confidence, intent.entities, guess=intent.guess, **more)

    def _broken(self) -> None:
        """An action did not do its work: nothing that rests on it goes on, and a person takes over."""
        self._close()
        self._side.hand_over(self._record, "error")

    # -- what every bot does

    def _default(self, action: str) -> None:
        record = self._record
        record.add(ActionRan(name=action))
        match action:
            case "action_default_fallback" | "action_default_ask_rephrase":
                self._fall_back("utter_default" if action == "action_default_fallback" else "utter_ask_rephrase")
            case "action_restart":
                self._say_if("utter_restart")
                record.add(SessionStarted(keep=False))
                self._over = True
            case "action_back":
                self._say_if("utter_back")
                record.add(Rewound())
                record.add(Rewound())
                self._over = True
            case "action_deactivate_loop":
                self._close()
            case "action_human_handoff":
                self._side.hand_over(record, "asked")
            case _:
                pass  # what it does in Rasa is done here without it

    async def _two_stage(self, told: Sequence[Beat]) -> None:
        """Offer what may be meant, ask to rephrase, or give up; or take up what is understood by now."""
        record, form = self._record, two_stage.interrupted(told)
        step = two_stage.step(told)
        if step == "understood":
            record.add(LoopChanged(name=form))
            record.add(Rewound())  # this message, and the one that was not understood, with all between them
            record.add(Rewound())
            note(record, [self._intent])
            return
        record.add(ActionRan(name=two_stage.NAME))
        if step == "give_up":
            record.add(LoopChanged(name=form))
            self._fall_back("utter_default")
            if record.state.owner == "bot":
                self._side.hand_over(record, "failures")
            return
        if record.state.loop != two_stage.NAME:
            record.add(LoopChanged(name=two_stage.NAME))
        asks = "action_default_ask_affirmation" if step == "affirm" else "action_default_ask_rephrase"
        if asks in self._domain.actions:
            await self._run(asks, 0, inner=True)
        elif step == "affirm" and self._intent.guess:
            example = self._of.example(self._intent.guess)
            self._say("utter_ask_affirmation", Outcome.ASKED, intent=self._intent.guess, example=example)
        else:
            self._say("utter_ask_rephrase", Outcome.ASKED)

    def _fall_back(self, template: str) -> None:
        """Say so, and take the message back; once too often in a row, and a person is brought in."""
        record = self._record
        self._say(template if template in self._domain.responses else "utter_ask_rephrase")
        record.outcome = Outcome.ABSTAINED
        record.add(Rewound())
        for name, before in record.state.slots.items():
            was = record.loaded.slots.get(name)
            if was is None or was.text != before.text:
                record.add(SlotSet(name=name, value=was or encoded(self._initial(name)), by="reset"))
        follows = after_abstaining(record.loaded, self._of.failures_in_a_row)
        if follows is not None:
            self._side.hand_over(record, follows.reason)
        self._over = True

    def _initial(self, name: str) -> Any:
        slot = self._domain.slots.get(name)
        return slot.initial_value if slot is not None else None

    def _template(self, action: str) -> str | None:
        """The response that an action says; of a selector's, that of the intent."""
        if action in self._domain.responses:
            return action
        chosen = f"utter_{self._intent.name}"
        return chosen if chosen.startswith(f"{action}/") and chosen in self._domain.responses else None

    def _say(self, template: str, outcome: Outcome = Outcome.DONE, **more: Any) -> None:
        record, state = self._record, self._record.loaded
        slots = values(self._of.bot, record.state)
        reply = self._domain.say(
            template, record.language, seed=state.turns, channel=state.channel, slots=slots, **more
        )
        record.say(reply)
        record.outcome, record.confidence = outcome, 1.0

    def _say_if(self, template: str) -> None:
        if template in self._domain.responses:
            self._say(template)

    # -- forms

    async def _form(self, form: Form, told: Sequence[Beat]) -> None:
        """Open a form, take what was said, ask for what is missing; or say that nothing of it was said."""
        record = self._record
        opens = record.state.loop != form.name
        asked = None if opens else self._of.asked(record)
        given: dict[str, Any] = {}
        events: Sequence[results.ActionEvent] = ()
        result: results.ActionResult | None = None
        if opens or _just_said(told):
            given = self._given(form, told, opens=opens)
            check = f"validate_{form.name}"
            if check in self._domain.actions:
                try:
                    shown = self._shown(loop=form.name, candidates=given, inner=True)
                    result = await self._of.running.ask(record, check, check, shown)
                except ActionRejected:
                    given = {}
                except ActionError as error:
                    self._of.running.broke(record, check, error)
                    self._broken()
                    return
            events = result.events if result is not None else ()
            sets = {event.name for event in events if isinstance(event, results.SlotWasSet)}
            taken = bool(sets if result is not None else given)
            if asked is not None and not taken:
                record.add(ActionRan(name=form.name, ok=False, error=REJECTED))
                return
        record.add(ActionRan(name=form.name))
        if opens:
            record.add(LoopChanged(name=form.name))
        if result is not None:
            record.add(ActionRan(name=f"validate_{form.name}", inner=True))
            self._of.running.apply(record, result)
        await self._go_on(form, events)

    async def _go_on(self, form: Form, events: Sequence[results.ActionEvent]) -> None:
        """Ask for the next slot, or close the form: the validation may say which, and that it is done."""
        requested = [
            event.value for event in events if isinstance(event, results.SlotWasSet) and event.name == REQUESTED
        ]
        closed = any(isinstance(event, results.LoopActivated) and event.name is None for event in events)
        wanted = requested[-1] if requested else missing(form, values(self._of.bot, self._record.state))
        if closed or wanted is None:
            self._close()
            return
        await self.ask(form, str(wanted))

    async def ask(self, form: Form, slot: str | None) -> None:
        """Ask for a slot of the form."""
        if slot is None:
            return
        if self._of.asked(self._record) != slot:
            self._record.add(SlotSet(name=REQUESTED, value=encoded(slot), by="flow"))
        asks = question(self._domain, form, slot)
        if asks is not None and asks.startswith("action_"):
            await self._run(asks, 0, inner=True)
        elif asks is not None:
            self._say(asks, Outcome.ASKED)

    def _given(self, form: Form, told: Sequence[Beat], *, opens: bool) -> dict[str, Any]:
        """The values that are to be looked at: those that a form finds when it opens, else what was just said."""
        slots = values(self._of.bot, self._record.state)
        if opens:
            return {name: slots[name] for name in form.required_slots if slots.get(name) is not None}
        found: dict[str, Any] = {}
        for beat in reversed(told):
            if beat.kind == "user":
                break
            if beat.kind == "slot" and beat.name is not None and beat.name != REQUESTED:
                found.setdefault(beat.name, beat.value)
        return found

    def _close(self) -> None:
        record = self._record
        if record.state.loop is not None:
            record.add(LoopChanged(name=None))
        if self._of.asked(record) is not None:
            record.add(SlotSet(name=REQUESTED, value=encoded(None), by="flow"))


def _just_said(told: Sequence[Beat]) -> bool:
    """Whether nothing was done since the customer spoke."""
    last = next((beat for beat in reversed(told) if beat.kind in ("user", "action", "rejected")), None)
    return last is not None and last.kind == "user"
