"""How a run went, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal
from xml.etree import ElementTree

from bot.scripted.coverage import Covered, total
from bot.scripted.run import Failure, Outcome
from bot.types import SURROGATE

Line = tuple[Literal[" ", "-", "+"], str]
"""A line of a diff: as it was said, wanted and missing, or done where something else was wanted."""


def difference(outcome: Outcome) -> list[Line]:
    """What was said and done, step by step, and what should have been in the step that failed."""
    lines: list[Line] = []
    for step, deeds in outcome.turns:
        missing = [failure for failure in outcome.failures if failure.step is step]
        lines.append((" ", f"user: {step.user}"))
        lines += [("-", _wanted(failure)) for failure in missing]
        told = [line for deed in deeds if (line := deed.told())]
        lines += [("+" if missing else " ", f"  {line}") for line in told or ["nothing was said or done"]]
    return lines


def reason(outcome: Outcome) -> str:
    """Why a case failed, in a line; "" where it passed."""
    if outcome.passed:
        return ""
    failure = outcome.failures[0]
    more = f" (and {len(outcome.failures) - 1} more)" if len(outcome.failures) > 1 else ""
    return f"{failure.assertion.place}: after {failure.step.user!r}: not as wanted: {_short(failure)}{more}"


def as_json(outcomes: Sequence[Outcome], covered: Sequence[Covered] | None) -> dict[str, Any]:
    """The object that `--json` prints."""
    passed = sum(outcome.passed for outcome in outcomes)
    cases = [{"name": each.case.name, "passed": each.passed, "reason": reason(each)} for each in outcomes]
    told: dict[str, Any] = {"passed": passed, "failed": len(outcomes) - passed, "cases": cases}
    if covered is not None:
        flows = [
            {"flow": each.flow, "steps": each.steps, "covered": each.steps - len(each.missing), "missing": each.missing}
            for each in covered
        ]
        told["coverage"] = {"share": round(total(covered), 4), "flows": flows}
    return told


def junit(outcomes: Sequence[Outcome]) -> str:
    """The report that continuous integration reads (JUnit's XML)."""
    failed = sum(not outcome.passed for outcome in outcomes)
    counts = {"name": "frontdesk test", "tests": str(len(outcomes)), "failures": str(failed), "errors": "0"}
    suites = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(suites, "testsuite", counts, time=f"{sum(each.seconds for each in outcomes):.3f}")
    for outcome in outcomes:
        case = outcome.case
        named = {"name": case.name, "classname": case.place.file, "time": f"{outcome.seconds:.3f}"}
        element = ElementTree.SubElement(suite, "testcase", named)
        if not outcome.passed:
            failure = ElementTree.SubElement(element, "failure", {"message": _clean(reason(outcome))})
            failure.text = _clean("\n".join(mark + " " + line for mark, line in difference(outcome)))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _short(failure: Failure) -> str:
    assertion = failure.assertion
    wanted = json.dumps(assertion.wanted, ensure_ascii=False, default=str)
    return f"{assertion.kind}: {wanted}" + (f" ({failure.note})" if failure.note else "")


def _wanted(failure: Failure) -> str:
    return f"  {_short(failure)}  [{failure.assertion.place}]"


def _clean(text: str) -> str:
    """Without what XML cannot hold."""
    kept = SURROGATE.sub("\ufffd", text)
    return "".join(sign if sign >= " " or sign in "\t\n" else "\ufffd" for sign in kept)
