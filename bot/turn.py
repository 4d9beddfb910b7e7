"""One turn: the order of everything, on one page.

    receive   what came is written down; a resolved conversation opens again
    hear      voices and pictures become text, shown to the customer
    guard     is it a question at all, or an attack, abuse, a threat, a cry for help?
    silent    people own the conversation: the bot says nothing
    decide    understand -> commands -> steps
    carry out answer, say, decline, hand over
    commit    events, replies and "done" in one transaction; if somebody was faster, all of it again

Whatever fails, the conversation goes to a person and nothing that the customer wrote is lost.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime

from bot.botfile import BotFile
from bot.errors import Conflict, LeaseLost, StoreError
from bot.events import ContactChanged, Delivery, Feedback, LanguageSet, Received, Reopened
from bot.flows import Domain
from bot.guard import clean
from bot.hearing import Ears, Heard, Understanding
from bot.lease import held
from bot.processes import AtWork
from bot.record import Emit, Record, Stream
from bot.settings import Settings
from bot.steps import Answers, Steps
from bot.store.base import Claim, Store
from bot.timing import span
from bot.types import Outcome, Reply, TurnResult, Words, now
from bot.understand import detect_language

log = logging.getLogger(__name__)

REDOS = 4
"""How often a turn is done again because somebody else wrote the conversation meanwhile."""

NAME = 3
"""A name (of a street, a town, a person) has at most so many words."""


class Turn:
    """Carries out turns. One object serves all conversations; what belongs to one turn lives in its `Record`.

    `versions` names index, prompts and models for the audit trail, `hold` keeps the models the same to the turn's end.
    `processes` are the bot's flows at work, None where it has none. `clock` tells the time, UTC.
    """

    def __init__(
        self,
        *,
        store: Store,
        answerer: Answers,
        ears: Ears,
        domain: Domain,
        botfile: BotFile,
        settings: Settings,
        versions: Callable[[], Mapping[str, str]] = dict,
        clock: Callable[[], datetime] = now,
        hold: Callable[[], AbstractContextManager[None]] = nullcontext,
        processes: AtWork | None = None,
    ) -> None:
        self.store = store
        self.ears = ears
        self.domain = domain
        self.botfile = botfile
        self.settings = settings
        self.versions = versions
        self.hold = hold
        self.steps = Steps(answerer, domain, botfile, settings.limits, clock, processes=processes)

    async def handle(self, claim: Claim, emit: Emit | None = None) -> TurnResult:
        """Do the claimed work and commit it. Emissions are provisional; the result's replies are what is sent.

        Raises LeaseLost (another worker has the conversation now) and StoreError (the database is in trouble: the work
        stays in the inbox); everything else ends with a person.
        """
        conversation = claim.lease.conversation
        seconds = self.settings.turns.lease_seconds
        with self.hold(), span("turn", conversation=conversation, attempt=claim.attempt):
            async with held(self.store, claim.lease, seconds):
                if claim.attempt > self.settings.turns.attempts:
                    return await self._give_up(claim, "TooManyAttempts")
                if claim.trigger.data.get("unreadable"):
                    return await self._give_up(claim, "Unreadable")
                try:
                    return await self._answer(claim, emit)
                except StoreError:
                    raise
                except TimeoutError:
                    log.error("turn in %s took longer than its limit", conversation)
                    return await self._give_up(claim, "TimeoutError")
                except Exception as error:  # noqa: BLE001 - the edge of a turn: the customer must not be stranded
                    where = "".join(traceback.format_tb(error.__traceback__))
                    log.error("turn in %s failed: %s\n%s", conversation, type(error).__name__, where)
                    return await self._give_up(claim, type(error).__name__)

    async def _answer(self, claim: Claim, emit: Emit | None) -> TurnResult:
        known: dict[str, Understanding] = {}
        async with asyncio.timeout(self.settings.turns.limit_seconds) as limit:
            for redo in range(REDOS):
                attempt = (claim.attempt - 1) * REDOS + redo + 1
                record = await self._work(claim, emit, attempt, known)
                deadline = limit.when()
                limit.reschedule(None)  # a commit is never cut short: nobody could tell what became of it
                try:
                    return await self._commit(record)
                except Conflict:
                    log.info("turn in %s is done again: somebody else wrote it", record.state.conversation)
                limit.reschedule(deadline)
        raise Conflict("the conversation changes faster than a turn can be done")

    async def _work(self, claim: Claim, emit: Emit | None, attempt: int, known: dict[str, Understanding]) -> Record:
        record = await self._begin(claim)
        stream = Stream(record, attempt, emit)
        messages = claim.trigger.messages
        if record.state.owner == "bot":
            stream("typing")
        with record.watch.step("media"):
            heard = await self.ears.hear(record, messages, self._say(record), stream, known)
        self._set_language(record, heard)
        if record.state.owner == "people":
            record.outcome = Outcome.SILENT
        elif claim.trigger.kind in ("message", "payload"):
            await self.steps.respond(record, heard, stream)
        elif claim.trigger.kind == "approval" and self.steps.processes is not None:
            await self.steps.processes.decided(self.steps, record, stream)
        elif claim.trigger.kind == "returned":
            record.say(self._say(record)("utter_returned"))
            record.outcome = Outcome.DONE
            if self.steps.processes is not None:
                await self.steps.processes.go_on(self.steps, record, stream)
        record.end()
        return record

    async def _begin(self, claim: Claim) -> Record:
        """Load the state and write down what came in."""
        state = await self.store.load(claim.lease.conversation)
        record = Record(claim, state, self.versions())
        limit = self.settings.limits.message_characters
        for message in claim.trigger.messages:
            if record.state.status in ("resolved", "snoozed"):
                kept = state.status == "snoozed" and state.owner == "people"
                record.add(Reopened(to="people" if kept else "bot"), "system", cause=message.id)
            record.add(
                Received(
                    message_id=message.id,
                    text=Words(text=clean(message.text)[: limit + 1]),
                    payload=message.payload,
                    attachments=message.attachments,
                    external_id=message.external_id,
                ),
                "customer",
                cause=message.id,
            )
            told = {key: value for key, value in message.profile.items() if _told(record, key) != value}
            if told:
                fields = {key: Words(text=value) for key, value in told.items()}
                record.add(ContactChanged(fields=fields), "system", cause=message.id)
        locale = next((message.locale for message in claim.trigger.messages if message.locale), "") or ""
        spoken = locale.replace("_", "-").partition("-")[0].lower()
        asked = spoken if spoken in self.botfile.languages else self.botfile.language
        record.language = state.language or asked
        return record

    def _set_language(self, record: Record, heard: Heard) -> None:
        """The customer is answered in the language that they write or speak; pictures do not count."""
        texts = [clean(message.text) for message in record.claim.trigger.messages]
        texts = [text for text in texts if text] or [text for made in heard.texts.values() for text in made]
        known = self.botfile.languages
        for text in texts:
            found = detect_language(text, record.language, known)
            if found != self.botfile.language or not record.state.stack or len(text.split()) > NAME:
                record.language = found  # else it may be a name that was asked for: it is the same in every language
        if record.language != record.state.language:
            record.add(LanguageSet(language=record.language))

    def _say(self, record: Record) -> Callable[..., Reply]:
        return self.steps.speaker(record)

    async def _commit(self, record: Record) -> TurnResult:
        """Write the page. What happened to earlier replies meanwhile (they were read, they were rated) changes nothing
        of it: only what somebody said or did does.
        """
        with record.watch.step("commit"):
            await self._written(record)
        return record.result()

    async def _written(self, record: Record) -> None:
        for _ in range(REDOS):
            try:
                await self.store.commit(
                    record.state.conversation,
                    record.expected,
                    record.events,
                    send=[reply.id for reply in record.replies],
                    lease=record.claim.lease,
                    done=record.claim.inbox,
                )
                return
            except Conflict:
                meanwhile = await self.store.events(record.state.conversation, record.expected)
                if not meanwhile or not all(isinstance(event.body, Delivery | Feedback) for event in meanwhile):
                    raise
                record.expected = meanwhile[-1].sequence
        raise Conflict("the conversation changes faster than a turn can be written down")

    async def _give_up(self, claim: Claim, error: str) -> TurnResult:
        """The bot could not do it: what came in is kept, and a person takes over."""
        for _ in range(REDOS):
            record = await self._begin(claim)
            record.error = error
            if record.state.owner == "bot":
                self.steps.hand_over(record, "error")
                record.outcome = Outcome.FAILED
            record.end()
            try:
                return await self._commit(record)
            except LeaseLost:
                raise
            except Conflict:
                continue
        raise Conflict("the conversation changes faster than it can be handed over")


def _told(record: Record, key: str) -> str | None:
    words = record.state.contact.get(key)
    return words.text if words is not None else None


TEMPLATES = frozenset({"utter_returned"}) | Steps.TEMPLATES
"""Every response that a domain must have."""
