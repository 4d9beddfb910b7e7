"""Rules beside the models: who may have which action done, up to what, and when a person must approve it first.

A bot's folder may hold `rules.toml`. Every action is checked against it before it runs, whatever understood or decided
that it should:

    default = "allow"                       # what no rule decides; "deny" asks for a rule that allows each action
    repeatable = ["validate_*"]             # these may be carried out twice without harm

    [[rules]]
    actions = ["action_change_address", "action_cancel_*"]
    unless = "slots.order_verified"         # conditions as in flows: slots.*, and of the customer context.*
    then = "deny"
    reason = "The customer is not verified."
    utter = "utter_not_verified"            # how the customer is told; without one: utter_action_denied

    [[rules]]
    actions = ["action_start_return"]
    if = "slots.refund > 200"
    then = "approve"
    by = "returns"                          # whose queue it goes to
    reason = "A refund of more than 200 euros."

Of the rules that apply the strictest decides: deny, then approve, then allow. What is not there is false in a
condition, so write what may be refused as `unless`: then a missing amount is refused, not let through.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.errors import ConfigError
from bot.flows.conditions import Condition, parse
from bot.flows.scanner import WrongCondition

RULES = "rules.toml"
"""The file's name in a bot's folder."""
DENIED = "utter_action_denied"
WAITING = "utter_action_waits_for_approval"
NOT_APPROVED = "utter_action_not_approved"


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of the customer: `context.verified`, `context.channel` ... in conditions.

    `verified`: the platform or the site vouches for who it is. `labels` are the conversation's.
    """

    verified: bool = False
    channel: str = ""
    language: str = ""
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allow:
    """The action may run."""


@dataclass(frozen=True, slots=True)
class Deny:
    """The action must not run. `reason` is for the log and the inspector, `utter` tells the customer."""

    reason: str
    utter: str = DENIED


@dataclass(frozen=True, slots=True)
class Approve:
    """A person of `by` must say yes first."""

    by: str
    reason: str
    utter: str = WAITING


Verdict = Allow | Deny | Approve


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `actions` are names, or patterns such as `action_cancel_*`."""

    actions: tuple[str, ...]
    then: Verdict
    if_: Condition | None = None
    unless: Condition | None = None

    def applies(self, action: str, slots: Mapping[str, Any], context: Mapping[str, Any]) -> bool:
        """Whether it has something to say about this action, now."""
        if not any(fnmatchcase(action, pattern) for pattern in self.actions):
            return False
        if self.if_ is not None and not self.if_.holds(slots, context):
            return False
        return self.unless is None or not self.unless.holds(slots, context)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a bot. `default` decides where none applies."""

    rules: tuple[Rule, ...] = ()
    default: Literal["allow", "deny"] = "allow"
    repeatable: tuple[str, ...] = field(default=("validate_*", "action_validate_slot_mappings"))

    def may_repeat(self, action: str) -> bool:
        """Whether this action may be carried out twice without harm."""
        return any(fnmatchcase(action, pattern) for pattern in self.repeatable)


NO_RULES = Rules()


def check(rules: Rules, action: str, slots: Mapping[str, Any], person: Person, *, approved: bool = False) -> Verdict:
    """Whether the action may run with these slots for this customer. `approved`: a person has said yes to this call.

    Pure, and never raises: what cannot be compared makes its condition false.
    """
    context = {
        "action": action,
        "verified": person.verified,
        "channel": person.channel,
        "language": person.language,
        "labels": list(person.labels),
    }
    found = [rule.then for rule in rules.rules if rule.applies(action, slots, context)]
    if denied := next((verdict for verdict in found if isinstance(verdict, Deny)), None):
        return denied
    if waits := next((verdict for verdict in found if isinstance(verdict, Approve)), None):
        return Allow() if approved else waits
    if found or rules.default == "allow":
        return Allow()
    return Deny(f"no rule allows {action}")


def utters(rules: Rules) -> frozenset[str]:
    """The responses that a domain needs for these rules."""
    said = {rule.then.utter for rule in rules.rules if isinstance(rule.then, Deny | Approve)}
    waits = {NOT_APPROVED} if any(isinstance(rule.then, Approve) for rule in rules.rules) else set()
    return frozenset(said | waits | ({DENIED} if rules.default == "deny" else set()))


def unmatched(rules: Rules, names: Iterable[str]) -> list[str]:
    """The rules' patterns that fit no action of these names: a rule that guards nothing is a mistake."""
    known = list(names)
    patterns = dict.fromkeys(pattern for rule in rules.rules for pattern in rule.actions)
    return [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in known)]


# -- the file ----------------------------------------------------------------------------------------------------------


class _Written(BaseModel):
    """A rule as it stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: tuple[str, ...] = Field(min_length=1)
    if_: str | None = Field(None, alias="if")
    unless: str | None = None
    then: Literal["allow", "deny", "approve"]
    by: str = ""
    reason: str = ""
    utter: str | None = None

    @model_validator(mode="after")
    def _whole(self) -> _Written:
        if (self.then == "approve") != bool(self.by):
            raise ValueError("'by' says who approves: needed with then = \"approve\", and only there")
        if self.then == "allow" and (self.reason or self.utter):
            raise ValueError('with then = "allow" there is nothing to give a reason for')
        if self.then != "allow" and not self.reason:
            raise ValueError("needs a 'reason': what the log and the person who approves are told")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    default: Literal["allow", "deny"] = "allow"
    repeatable: tuple[str, ...] = Rules().repeatable
    rules: tuple[_Written, ...] = ()


def load_rules(file: Path) -> Rules:
    """The rules of a file; none where it does not exist. Raises ConfigError that names the rule and what is wrong."""
    if not file.exists():
        return Rules()
    try:
        written = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from None
    except ValidationError as error:
        told = "; ".join(f"{_where(item['loc'])}: {item['msg']}" for item in error.errors())
        raise ConfigError(f"{file} is wrong: {told}") from None
    made = tuple(_rule(file, number, rule) for number, rule in enumerate(written.rules, 1))
    return Rules(made, written.default, written.repeatable)


def _where(place: tuple[int | str, ...]) -> str:
    """`rule 2, then`: as a person counts them."""
    steps = [f"rule {step + 1}" if isinstance(step, int) and place[0] == "rules" else str(step) for step in place]
    return ", ".join(steps[1:] if place[:1] == ("rules",) and len(steps) > 1 else steps)


def _rule(file: Path, number: int, written: _Written) -> Rule:
    def condition(key: str, text: str | None) -> Condition | None:
        try:
            return None if text is None else parse(text)
        except WrongCondition as error:
            raise ConfigError(f"{file}, rule {number}, {key} = {text!r}: {error}") from None

    verdict: Verdict
    match written.then:
        case "allow":
            verdict = Allow()
        case "deny":
            verdict = Deny(written.reason, written.utter or DENIED)
        case "approve":
            verdict = Approve(written.by, written.reason, written.utter or WAITING)
    return Rule(written.actions, verdict, condition("if", written.if_), condition("unless", written.unless))
