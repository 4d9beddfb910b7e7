"""What the bot does next: from the state and the commands that a message was understood as, to steps. Pure.

`understand` (and the guard) make commands (`bot.commands`); `decide` turns them into steps; `turn` carries them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from bot.commands import Ask, Command, Reason, Refuse, SmallTalk, WantPerson
from bot.state import State
from bot.types import Outcome

Priority = Literal["low", "medium", "high", "urgent"]

STRIKES = 3
"""Abuse this often in one conversation is for people to deal with."""

QUESTIONS = 3
"""At most so many questions of one burst are answered, each in a reply of its own."""

PRIORITIES: dict[str, Priority] = {
    "asked": "medium",
    "failures": "medium",
    "threat": "urgent",
    "crisis": "urgent",
    "abuse": "medium",
    "error": "high",
    "policy": "high",
}


# -- steps: what the bot does about it ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer from the documents, or say that they do not know."""

    question: str


@dataclass(frozen=True, slots=True)
class Say:
    """Say a response of the domain."""

    template: str
    outcome: Outcome = Outcome.SMALLTALK
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HandOver:
    """Give the conversation to people."""

    reason: Reason
    priority: Priority = "medium"


@dataclass(frozen=True, slots=True)
class Decline:
    """Say no, once, politely; nobody's time is spent on it."""

    reason: str
    strike: bool
    template: str


Step = Answer | Say | HandOver | Decline

SMALL_TALK: dict[str, str] = {
    "greeting": "utter_greeting",
    "welcome_back": "utter_welcome_back",
    "thanks": "utter_thanks",
    "goodbye": "utter_goodbye",
    "how_are_you": "utter_how_are_you",
    "identity": "utter_bot_identity",
    "capabilities": "utter_capabilities",
    "compliment": "utter_compliment",
    "anger": "utter_anger",
    "acknowledgement": "utter_thanks",
    "unclear": "utter_clarify",
}
"""The domain's response for every kind of small talk."""

DECLINED: dict[str, str] = {"too_long": "utter_too_long"}
"""Responses for reasons that have one of their own; the others are `utter_blocked`."""

TEMPLATES = frozenset(
    [
        *SMALL_TALK.values(),
        *DECLINED.values(),
        "utter_blocked",
        "utter_blocked_again",
        "utter_abstain",
        "utter_abstain_again",
    ]
)
"""The responses that a domain must have for what is decided here."""


def decide(state: State, commands: Sequence[Command]) -> list[Step]:
    """The steps for one burst's commands, the gravest first: a person, a refusal, questions, small talk."""
    wishes = [command for command in commands if isinstance(command, WantPerson)]
    if wishes:
        gravest = max(wishes, key=lambda wish: _RANK[wish.reason])
        return [HandOver(gravest.reason, PRIORITIES[gravest.reason])]
    refusals = [command for command in commands if isinstance(command, Refuse)]
    if refusals:
        return [_refusal(state, refusals)]
    questions = list(dict.fromkeys(command.question for command in commands if isinstance(command, Ask)))
    if questions:
        return [
            Answer(question)
            for question in [*questions[: QUESTIONS - 1], " ".join(questions[QUESTIONS - 1 :])]
            if question
        ]
    talk = [command.kind for command in commands if isinstance(command, SmallTalk)]
    return [_small_talk(state, talk)] if talk else []


def after_abstaining(state: State, failures_in_a_row: int) -> HandOver | None:
    """What follows when the documents did not answer: a person, once that has happened too often in a row."""
    return HandOver("failures", PRIORITIES["failures"]) if state.failures + 1 >= failures_in_a_row else None


_RANK = {"asked": 0, "failures": 0, "error": 1, "abuse": 2, "policy": 3, "threat": 4, "crisis": 5}


def _refusal(state: State, refusals: Sequence[Refuse]) -> Step:
    gravest = max(refusals, key=lambda refusal: refusal.strike)
    if gravest.strike and state.strikes + 1 >= STRIKES:
        return HandOver("abuse", PRIORITIES["abuse"])
    again = "utter_blocked_again" if state.last_outcome is Outcome.BLOCKED else "utter_blocked"
    return Decline(gravest.reason, gravest.strike, DECLINED.get(gravest.reason, again))


def _small_talk(state: State, kinds: Sequence[str]) -> Say:
    """The first kind in the table's grave-to-light order speaks for all ("Hi" + "How are you?")."""
    order = ["anger", "identity", "capabilities", "how_are_you", "goodbye", "thanks", "compliment"]
    kind = next((name for name in order if name in kinds), kinds[0])
    if kind == "greeting" and state.turns > 0:
        kind = "welcome_back"
    return Say(SMALL_TALK[kind])
