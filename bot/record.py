"""What one turn writes down before it is committed: events, replies, timings."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Literal

from bot.events import Actor, Body, Event, Grounds, Sent, TurnEnded
from bot.state import State, apply
from bot.store.base import Claim
from bot.timing import Stopwatch
from bot.types import Emission, Outcome, Reply, TurnResult, Words

Emit = Callable[[Emission], None]
"""Where a turn's emissions go."""


class Record:
    """The page that a turn writes. `state` is always the fold of what was loaded and what stands on the page.

    Reply ids follow from the work and their place in it, so that a turn that is done again (another worker, a conflict)
    gives its replies the same ids, and a client replaces what was streamed before.
    """

    def __init__(self, claim: Claim, state: State, versions: Mapping[str, str]) -> None:
        self.claim = claim
        self.expected = state.version
        self.state = state
        self.loaded = state
        self.events: list[Event] = []
        self.replies: list[Reply] = []
        self.watch = Stopwatch()
        self.outcome = Outcome.SILENT
        self.confidence = 0.0
        self.evidence: dict[str, Any] = {}
        self.grounds: list[Grounds] = []
        self.error: str | None = None
        self.language = state.language or "en"
        self._versions = dict(versions)
        messages = claim.trigger.messages
        self._key = messages[0].id if messages else claim.trigger.id

    def add(self, body: Body, actor: Literal["customer", "bot", "system"] = "bot", *, cause: str | None = None) -> None:
        """Append an event."""
        who = Actor(kind=actor, id=self.state.identity if actor == "customer" else "")
        event = Event(
            conversation=self.state.conversation,
            actor=who,
            cause=cause or self._key,
            versions={} if actor == "customer" else self._versions,
            body=body,
        )
        self.events.append(event)
        self.state = apply(self.state, event)

    @property
    def next_reply(self) -> str:
        """The id of the reply that is said next."""
        return hashlib.sha256(f"{self._key}:{len(self.replies)}".encode()).hexdigest()[:32]

    def say(self, reply: Reply) -> None:
        """Append a reply, to be sent when the turn is committed."""
        reply = reply.model_copy(update={"id": self.next_reply})
        self.replies.append(reply)
        self.add(
            Sent(
                reply_id=reply.id,
                text=Words(text=reply.text),
                buttons=reply.buttons,
                citations=reply.citations,
                attachments=reply.attachments,
                language=reply.language,
                template=reply.template,
            )
        )

    def rests_on(self, grounds: Grounds | None) -> None:
        """What the reply that is said next rests on."""
        if grounds is not None:
            self.grounds.append(grounds.model_copy(update={"reply_id": self.next_reply}))

    def end(self) -> None:
        """Append the audit trail's line. What comes later (the commit) is not in its timings."""
        self.add(
            TurnEnded(
                outcome=self.outcome,
                confidence=self.confidence,
                evidence=self.evidence,
                grounds=tuple(self.grounds),
                timings_ms=self.watch.read(),
                error=self.error,
            )
        )

    def result(self) -> TurnResult:
        """What a caller who waits is told."""
        details: dict[str, Any] = {"evidence": self.evidence, "language": self.language, "attempt": self.claim.attempt}
        if self.error is not None:
            details["error"] = self.error
        if self.state.owner == "people":
            details["reason"] = self.state.reason
        return TurnResult(
            conversation=self.state.conversation,
            outcome=self.outcome,
            replies=tuple(self.replies),
            confidence=self.confidence,
            timings_ms=self.watch.read(),
            details=details,
        )


class Stream:
    """Emissions of one attempt at a turn; silent when nobody listens."""

    def __init__(self, record: Record, attempt: int, emit: Emit | None) -> None:
        self._record = record
        self._attempt = attempt
        self._emit = emit

    def __call__(self, kind: Literal["typing", "heard", "sentence", "reset"], text: str = "") -> None:
        """Tell it, for the reply that is said next."""
        if self._emit is not None:
            record = self._record
            self._emit(
                Emission(
                    conversation=record.state.conversation,
                    kind=kind,
                    reply_id=record.next_reply,
                    attempt=self._attempt,
                    text=text,
                )
            )
