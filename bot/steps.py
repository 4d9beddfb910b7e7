"""What a turn does with the text it got: guard, understand, decide, and carry out the steps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Protocol

from bot import dialogue, guard, handoff, hearing, lexicon, pressed
from bot.botfile import BotFile
from bot.commands import Ask, Command, Nothing, Reason, WantPerson
from bot.dialogue import Decline, HandOver, Say
from bot.errors import Overloaded
from bot.events import Grounds, Guarded, HandedOver
from bot.flows import Domain
from bot.hearing import Heard
from bot.processes import AtWork, grave
from bot.record import Record, Stream
from bot.settings import Limits
from bot.state import State
from bot.types import Button, Citation, Message, Outcome, Reply
from bot.understand import understand, wants_person

HISTORY = 8
"""How many lines of the conversation go with a question."""
WHICH_ONE = "utter_which_one"
"""Asks back which of several like things is meant."""
NAMED = 6
"""The name of such a thing has at most so many words; a longer reply stands for itself."""


class Answered(Protocol):
    """What `bot.answer` comes back with. `timings_ms` by step; `evidence` are the scores behind it."""

    @property
    def text(self) -> str: ...
    @property
    def citations(self) -> tuple[Citation, ...]: ...
    @property
    def outcome(self) -> str: ...
    @property
    def confidence(self) -> float: ...
    @property
    def language_of_source(self) -> str | None: ...
    @property
    def evidence(self) -> Mapping[str, Any]: ...
    @property
    def grounds(self) -> Grounds | None: ...
    @property
    def timings_ms(self) -> Mapping[str, float]: ...
    @property
    def choices(self) -> tuple[str, ...]: ...


class Answers(Protocol):
    """A question to a cited answer, or to the word that the documents have none."""

    def answer(
        self,
        question: str,
        *,
        language: str,
        history: Sequence[tuple[str, str]],
        collections: frozenset[str] | None,
        emit: Callable[[str], None] | None,
        shown: str = "",
    ) -> Awaitable[Answered]: ...


class Steps:
    """The bot's side of a turn. Everything it does is written into the turn's record."""

    TEMPLATES: ClassVar[frozenset[str]] = (
        dialogue.TEMPLATES | handoff.TEMPLATES | hearing.TEMPLATES | {"utter_other_language_only", WHICH_ONE}
    )

    def __init__(
        self,
        answerer: Answers,
        domain: Domain,
        botfile: BotFile,
        limits: Limits,
        clock: Callable[[], datetime],
        *,
        processes: AtWork | None = None,
    ) -> None:
        self.answerer = answerer
        self.processes = processes
        self.domain = domain
        self.botfile = botfile
        self.limits = limits
        self.clock = clock

    def speaker(self, record: Record) -> Callable[..., Reply]:
        """The domain in this conversation's language, on its channel, with variations in turn."""

        def say(key: str, **values: Any) -> Reply:
            state = record.loaded
            return self.domain.say(key, record.language, seed=state.turns, channel=state.channel, **values)

        return say

    async def respond(self, record: Record, heard: Heard, stream: Stream) -> None:
        """Answer what was written and heard."""
        with record.watch.step("guard"):
            commands = self._declined(record, heard)
        if not commands and self.processes is not None:
            commands = await self._meant(self.processes, record, heard)
            if not grave(commands) and (commands or not heard.notes):
                await self.processes.respond(self, record, commands, heard, stream)
                return
        elif not commands:
            commands = self._commands(record, heard)
        steps = dialogue.decide(record.loaded, commands)
        if not steps and heard.notes:
            record.outcome = Outcome.FAILED if heard.failed else Outcome.ASKED
            self._enough(record, heard)
        elif not steps:
            steps = [Say(dialogue.SMALL_TALK["unclear"])]
        for step in steps:
            match step:
                case dialogue.Answer(question):
                    await self.answer(record, question, heard, stream)
                case Say(template, outcome, values):
                    record.say(self.speaker(record)(template, **values))
                    record.outcome, record.confidence = outcome, 1.0
                case HandOver(reason, priority):
                    self.hand_over(record, reason, priority)
                case Decline(reason, strike, template):
                    self._decline(record, reason, strike, template)

    def hand_over(self, record: Record, reason: Reason, priority: dialogue.Priority | None = None) -> None:
        """People own the conversation from here; the customer is told what happens next."""
        moment = self.clock()
        hours = self.botfile.working_hours
        opening = handoff.next_opening(hours, moment)
        template = handoff.template(reason, handoff.is_open(hours, moment))
        record.add(HandedOver(reason=reason, priority=priority or dialogue.PRIORITIES[reason]))
        next_opening = handoff.when(opening, moment, record.language)
        record.say(self.speaker(record)(template, next_opening=next_opening))
        record.outcome, record.confidence = Outcome.HANDED_OVER, 1.0

    def _enough(self, record: Record, heard: Heard) -> None:
        """A person, where no model could take what was sent once too often."""
        follows = dialogue.after_abstaining(record.loaded, self.botfile.handover.failures_in_a_row)
        if heard.failed and follows is not None:
            self.hand_over(record, follows.reason, follows.priority)

    def _declined(self, record: Record, heard: Heard) -> list[Command]:
        """The guard's commands, where it declines something or calls a person."""
        texts = [_text(message, heard) for message in record.claim.trigger.messages]
        verdicts = [guard.look(text, limit=self.limits.message_characters) for text in texts]
        return [command for verdict in verdicts if (command := verdict.command) is not None]

    async def _meant(self, processes: AtWork, record: Record, heard: Heard) -> list[Command]:
        """What was pressed and written, where the bot has business processes."""
        trigger, state = record.claim.trigger, record.loaded
        payloads = [(item.payload, item) for item in trigger.messages if item.payload is not None]
        given = [(str(trigger.data.get("payload", "")), None)] if trigger.kind == "payload" else payloads
        commands: list[Command] = []
        texts: list[str] = []
        for payload, message in given:
            button = pressed.offered(payload, state)
            meant = processes.press(button, record) if button is not None else None
            if meant is not None:
                commands += meant
            elif message is not None:
                written = _text(message, heard) or guard.clean(payload)
                texts.append(pressed.text(button) if button is not None else written)
        texts += [_text(message, heard) for message in trigger.messages if message.payload is None]
        if text := "\n".join(text for text in texts if text):
            commands += await self._written(processes, record, text)
        return commands

    async def _written(self, processes: AtWork, record: Record, text: str) -> list[Command]:
        """What a text means: a button that it names, a wish for a person, processes, else a question or small talk."""
        state = record.loaded
        button = pressed.named(text, state.choices)
        if button is not None and (meant := processes.press(button, record)) is not None:
            return meant
        text = pressed.text(button) if button is not None else text
        if wants_person(lexicon.plain(text)):
            return [WantPerson("asked")]
        return await processes.understand(text, record) or understand(text, None, state, record.language)

    def _commands(self, record: Record, heard: Heard) -> list[Command]:
        """What the messages were understood as."""
        trigger = record.claim.trigger
        if trigger.kind == "payload":
            return understand("", str(trigger.data.get("payload", "")), record.loaded, record.language)
        texts = {message.id: _text(message, heard) for message in trigger.messages}
        commands: list[Command] = []
        waiting: list[str] = []
        for message in trigger.messages:
            text = texts[message.id]
            if message.payload is not None:
                pressed = understand("", message.payload, record.loaded, record.language)
                if pressed != [Nothing()]:
                    commands += pressed
                    continue
                text = text or guard.clean(message.payload)
            if text:
                waiting.append(text)
            if text.endswith(("?", "？")) and not message.attachments:
                commands += understand("\n".join(waiting), None, record.loaded, record.language)
                waiting.clear()
        if waiting:
            last = understand("\n".join(waiting), None, record.loaded, record.language)
            commands = _joined(commands, last)
        return commands

    async def answer(self, record: Record, question: str, heard: Heard, stream: Stream) -> None:
        question = _taken_up(question, record.loaded)
        shown = [text for text in heard.shown if text in question]
        for text in shown:
            question = question.replace(text, "").strip()
        lines = [line for line in record.loaded.history if line.text.text and not line.template]
        said = [(line.role, line.text.text or "") for line in lines]
        emit = partial(stream, "sentence")
        answer = await self._ask(question, record.language, said[-HISTORY:], emit, "\n".join(shown))
        record.watch.add(answer.timings_ms)
        record.evidence = {**answer.evidence}
        record.rests_on(answer.grounds)
        if Outcome(answer.outcome) is Outcome.ANSWERED:
            text = answer.text
            if answer.language_of_source not in (None, record.language) and answer.citations:
                title = answer.citations[0].title
                text = f"{self.speaker(record)('utter_other_language_only', title=title).text}\n\n{text}"
            record.say(Reply(text=text, citations=answer.citations, language=record.language))
            record.outcome = Outcome.ANSWERED
            record.confidence = answer.confidence
            return
        if answer.choices:
            self._ask_back(record, answer)
            return
        self._abstain(record, answer.confidence)

    def _ask_back(self, record: Record, answer: Answered) -> None:
        """Which of several is meant."""
        buttons = tuple(Button(title=name, payload=name) for name in answer.choices)
        reply = self.speaker(record)(WHICH_ONE)
        record.say(reply.model_copy(update={"buttons": (*reply.buttons, *buttons)}))
        if record.outcome is not Outcome.ANSWERED:
            record.outcome, record.confidence = Outcome.ASKED, answer.confidence

    def _abstain(self, record: Record, confidence: float) -> None:
        again = record.loaded.failures > 0
        reply = self.speaker(record)("utter_abstain_again" if again else "utter_abstain")
        follows = dialogue.after_abstaining(record.loaded, self.botfile.handover.failures_in_a_row)
        if follows is not None and record.outcome is not Outcome.ANSWERED:
            record.say(reply.model_copy(update={"buttons": ()}))
            self.hand_over(record, follows.reason, follows.priority)
            return
        record.say(reply)
        if record.outcome is not Outcome.ANSWERED:
            record.outcome, record.confidence = Outcome.ABSTAINED, confidence

    async def _ask(
        self, question: str, language: str, history: Sequence[tuple[str, str]], emit: Callable[[str], None], shown: str
    ) -> Answered:
        """An engine that is busy is asked again, a little later each time, until the turn's own limit ends it."""
        collections = frozenset(self.botfile.collections)
        pause = 0.1
        while True:
            try:
                return await self.answerer.answer(
                    question, language=language, history=history, collections=collections, emit=emit, shown=shown
                )
            except Overloaded:
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)

    def _decline(self, record: Record, reason: str, strike: bool, template: str) -> None:
        message = record.claim.trigger.messages[0].id
        record.add(Guarded(message_id=message, reason=reason, strike=strike))
        record.say(self.speaker(record)(template))
        record.outcome, record.confidence = Outcome.BLOCKED, 1.0


def _text(message: Message, heard: Heard) -> str:
    """What one message says, written and heard."""
    parts = [guard.clean(message.text), *heard.texts.get(message.id, [])]
    return "\n".join(part for part in parts if part)


def _taken_up(question: str, state: State) -> str:
    """Where the bot asked which of several is meant and this names one: the question before, with the name."""
    lines = [line for line in state.history if line.text.text]
    asked = max((at for at, line in enumerate(lines) if line.role != "customer"), default=-1)
    if asked < 0 or lines[asked].template != WHICH_ONE or len(question.split()) > NAMED:
        return question
    before = next((line.text.text for line in reversed(lines[:asked]) if line.role == "customer"), "")
    return f"{before} ({question})" if before else question


def _joined(commands: list[Command], last: list[Command]) -> list[Command]:
    """What follows a question without being one ("Where is it?" "order 1234") belongs to it."""
    if commands and isinstance(commands[-1], Ask) and len(last) == 1 and isinstance(last[0], Ask):
        return [*commands[:-1], Ask(f"{commands[-1].question}\n{last[0].question}")]
    return commands + last
