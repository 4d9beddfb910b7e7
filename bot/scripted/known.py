"""What test cases name and the bot does not have: such an assertion can never hold, or always does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from bot.flows.load import Loaded
from bot.flows.model import Place, Problem
from bot.flows.source import meant
from bot.scripted.script import GENERATIVE, SLOTS, UTTERED, Assertion, Case


def unknown(bot: Loaded, cases: Iterable[Case]) -> list[Problem]:
    """Warnings, each with its line."""
    domain, flows = bot.domain, bot.processes.flows
    known: dict[str, Collection[str]] = {"slot": domain.slots, "flow": flows, "response": domain.responses}
    named = [item for case in cases for item in _named(case)]
    found = [
        Problem("unknown_name", f"the bot has no {what} {name!r}{meant(name, known[what])}", place, "warning")
        for what, name, place in named
        if name not in known[what]
    ]
    return list(dict.fromkeys(found))


def _named(case: Case) -> Iterator[tuple[str, str, Place]]:
    for slot in case.slots:
        yield "slot", slot, case.place
    for step in case.steps:
        for assertion in step.assertions:
            for what, name in _of(assertion):
                yield what, name, assertion.place


def _of(assertion: Assertion) -> Iterator[tuple[str, str]]:
    wanted = assertion.wanted
    match assertion.kind:
        case "flow_started":
            yield from (("flow", name) for name in wanted["flow_ids"])
        case "flow_completed" | "flow_cancelled":
            yield "flow", wanted["flow_id"]
        case "pattern_clarification_contains":
            yield from (("flow", name) for name in wanted)
        case kind if kind in SLOTS:
            yield from (("slot", item["name"]) for item in wanted)
        case kind if kind in (*UTTERED, *GENERATIVE) and "utter_name" in wanted:
            yield "response", wanted["utter_name"]
        case _:
            pass
