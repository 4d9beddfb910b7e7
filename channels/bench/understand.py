"""`frontdesk bench understand`: how long a message takes to be understood, in an open flow with five slots and without.

The messages and the flows are made up here, so that the figure means the same for every bot; the models are the
installation's own. Vectors of what is said of the flows are kept from the first message on, as they are when serving.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Any

from bot.engines import tables
from bot.engines.weights import Weights
from bot.flows.expecting import Expecting, Startable, Wanted
from bot.flows.model import Flow, Slot
from bot.settings import Settings
from bot.state import State
from bot.understanding.meaning import Understanding
from channels.bench.machine import describe, reference_ms

TARGETS = {"open_flow": 80.0, "idle": 40.0}
"""Milliseconds, the median."""
FLOWS = (
    Startable("transfer_money", "transfer money", "Send money to a contact"),
    Startable("check_balance", "check balance", "Tell the balance of an account"),
    Startable("return_item", "return an item", "Start a return of something that was delivered"),
    Startable("cancel_subscription", "cancel subscription", "End a running subscription"),
    Startable("track_order", "track an order", "Find where an order is now"),
    Startable("change_address", "change address", "Change the address that things are delivered to"),
    Startable("book_repair", "book a repair", "Make an appointment to repair a broken device"),
    Startable("check_stock", "check stock", "Look up whether a product is available"),
)
SLOTS = (
    Wanted(Slot("device", "text"), "the device that is broken"),
    Wanted(Slot("problem", "text"), "what is wrong with the device"),
    Wanted(Slot("appointment_date", "text"), "day of the appointment"),
    Wanted(Slot("contact_email", "text"), "e-mail address of the customer"),
    Wanted(Slot("technician", "text"), "name of the technician who came last time"),
)
OPEN = Expecting(flows=FLOWS, open_flow=Flow("book_repair", "book a repair", "", {}), asking=SLOTS[0], others=SLOTS[1:])
IDLE = Expecting(flows=FLOWS)
SAID_OPEN = (
    "It is the coffee machine that I bought from you last year",
    "My washing machine leaks water and I would like somebody to come next Tuesday",
    "the phone, its screen has been black since yesterday",
    "what does it cost if the warranty is over?",
    "actually I would rather return it, can we do that instead?",
    "the vacuum cleaner, and please write to ann@example.com",
    "a kettle",
    "I want to check my balance first",
)
SAID_IDLE = (
    "I would like to send some money to my sister in Spain",
    "where is the parcel that I ordered last week?",
    "what are your opening hours?",
    "my laptop does not start any more, can someone look at it?",
    "please cancel my subscription",
    "I moved, so my address has changed",
    "do you have the blue one in stock?",
    "thank you, that was all",
)


async def measured(settings: Settings, rounds: int) -> dict[str, Any]:
    """Milliseconds by situation, each message `rounds` times, one at a time; and the reference of the same run."""
    weights = Weights(settings)
    encoder: Any = tables.create("encoder", settings.engines.encoder, settings=settings, weights=weights)
    reader: Any = tables.create("reader", settings.engines.reader, settings=settings, weights=weights)
    try:
        await asyncio.gather(encoder.start(), reader.start())
        understanding = Understanding(encoder=encoder, reader=reader, clock=lambda: datetime.now(UTC))
        found = {
            "open_flow": await _timed(understanding, OPEN, SAID_OPEN, rounds),
            "idle": await _timed(understanding, IDLE, SAID_IDLE, rounds),
        }
        models = {"encoder": encoder.name, "reader": reader.name}
    finally:
        await asyncio.gather(encoder.close(), reader.close())
    reference = reference_ms()
    return {
        "bench": "understand",
        **{
            name: {
                "p50_ms": round(median(times), 1),
                "p95_ms": round(sorted(times)[int(0.95 * (len(times) - 1))], 1),
                "target_ms": TARGETS[name],
                "met": median(times) <= TARGETS[name],
                "in_references": round(median(times) / reference, 3),
                "n": len(times),
            }
            for name, times in found.items()
        },
        "slots": len(SLOTS),
        "flows": len(FLOWS),
        "models": models,
        "reference_ms": round(reference, 1),
        "machine": describe(),
    }


async def _timed(understanding: Understanding, expecting: Expecting, said: Sequence[str], rounds: int) -> list[float]:
    state = State(conversation="bench")
    for text in said:  # the first time is for what is kept from then on
        await understanding(text, expecting, state, "en")
    times = []
    for _ in range(rounds):
        for text in said:
            began = time.perf_counter()
            await understanding(text, expecting, state, "en")
            times.append((time.perf_counter() - began) * 1000)
    return times


def lines(found: dict[str, Any]) -> list[str]:
    """The result for people."""
    told = {"open_flow": f"in an open flow with {found['slots']} slots", "idle": "with no flow open"}
    return [
        f"understanding {what}: p50 {found[name]['p50_ms']:g} ms (target {found[name]['target_ms']:g}), "
        f"p95 {found[name]['p95_ms']:g} ms, n {found[name]['n']}"
        for name, what in told.items()
    ] + [f"reference forward pass of the same run: {found['reference_ms']:g} ms"]
