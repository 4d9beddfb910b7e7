"""The slots that a message fills in a bot with intents, as Rasa's `action_extract_slots` does it.

First the mappings (`bot.policies.extract`); then the actions that `custom` mappings name; then the bot's own
`action_validate_slot_mappings`, where its domain lists one, which is shown all of it and has the last word.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bot import results
from bot.commands import Intent
from bot.errors import ActionError, ActionRejected
from bot.events import ActionRan
from bot.flows.responses import Domain
from bot.policies.extract import extracted
from bot.record import Record
from bot.running import REFUSED, Heard, Running

VALIDATION = "action_validate_slot_mappings"

Set = Callable[[Record, str, Any], None]
"""What sets a slot to what the customer said."""


async def fill(
    domain: Domain, running: Running, record: Record, intent: Intent, *, asked: str | None, put: Set
) -> str | None:
    """Set what the message says; `asked` is the slot that the open form asks for. Returns the action that failed."""
    found = extracted(domain, intent, intent.text, record.state.loop, asked)
    heard = Heard(intent.name or None, intent.confidence, intent.entities, inner=True, guess=intent.guess)
    candidates = dict(found.values)
    for name, value in candidates.items():
        put(record, name, value)
    for name in found.actions:
        done = await running.once(record, name, f"{name}#extract", heard=heard)
        if done.failed is not None and not done.rejected and done.failed != REFUSED:
            return name
        candidates |= {each.name: each.value for each in done.events if isinstance(each, results.SlotWasSet)}
    if VALIDATION not in domain.actions:
        return None
    try:
        result = await running.ask(record, VALIDATION, VALIDATION, replace(heard, candidates=candidates))
    except ActionRejected:
        return None
    except ActionError as error:
        running.broke(record, VALIDATION, error)
        return VALIDATION
    record.add(ActionRan(name=VALIDATION, inner=True))
    running.apply(record, result)
    return None
