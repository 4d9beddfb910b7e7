"""Reads end-to-end tests in Rasa's format; every mistake is told with its file and line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.actions.events import read_result
from bot.flows.model import Problem
from bot.flows.source import Rows, Source, Table, files, plain, read
from bot.results import ActionResult
from bot.scripted.asserted import read_assertion, read_older
from bot.scripted.script import SLOTS, Assertion, Case, Step

TOP = ("fixtures", "metadata", "stub_custom_actions", "test_cases")
CASE = ("test_case", "fixtures", "metadata", "steps")
STEP = ("user", "assertions", "assertion_order_enabled", "metadata")
OLDER = ("bot", "utter", *SLOTS)


def read_cases(path: str) -> tuple[list[Case], list[Problem]]:
    """The cases of a file, a folder, or `file::case name`, and what is wrong with the files."""
    name, _, wanted = path.partition("::")
    problems: list[Problem] = []
    found = files(Path(name))
    if not found:
        what = "no YAML files in the folder" if Path(name).is_dir() else "no file or folder"
        problems.append(Problem("no_tests", f"there is {what} {name}"))
    cases = [case for file in found for case in _file(file, problems)]
    if wanted:
        cases = [case for case in cases if case.name == wanted]
    if not cases and not problems:
        known = f"no test case {wanted!r}" if wanted else "no test_cases"
        problems.append(Problem("no_tests", f"{name} has {known}"))
    return cases, problems


@dataclass(slots=True)
class _Shared:
    """What the cases of one file share."""

    fixtures: dict[str, dict[str, Any]] = field(default_factory=dict)
    metadata: dict[str, dict[str, Any]] = field(default_factory=dict)
    stubs: dict[str, ActionResult] = field(default_factory=dict)


def _file(file: Path, problems: list[Problem]) -> list[Case]:
    source = Source(file, problems)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problems.append(Problem("unreadable", f"the file cannot be read: {error}", source.place()))
        return []
    content = read(text, source)
    source.unknown(content, TOP, "a file of tests")
    shared = _Shared(
        fixtures=_named(source, content, "fixtures", many=True),
        metadata=_named(source, content, "metadata", many=False),
        stubs=_stubs(source, content),
    )
    cases: list[Case] = []
    rows = source.rows(content.get("test_cases"), "'test_cases'", content, "test_cases")
    for at, given in enumerate(rows):
        table = source.table(given, "a test case", rows, at)
        case = _case(source, table, shared, file.name)
        if case is not None and any(case.name == other.name for other in cases):
            source.problem("twice", f"there are two test cases {case.name!r}: give each its own name", rows, at)
        elif case is not None:
            cases.append(case)
    return cases


def _named(source: Source, content: Table, key: str, *, many: bool) -> dict[str, dict[str, Any]]:
    """Fixtures (`- name: [{slot: value}, ...]`) and metadata (`- name: {key: value}`), merged by name."""
    found: dict[str, dict[str, Any]] = {}
    rows = source.rows(content.get(key), f"'{key}'", content, key)
    for at, item in enumerate(rows):
        for name, given in source.table(item, f"an entry of '{key}'", rows, at).items():
            parts = source.rows(given, f"{name!r} of '{key}'", item, name) if many else [given]
            values: dict[str, Any] = {}
            for part in parts:
                values |= plain(source.table(part, f"an entry of {name!r}", item, name))
            found[name] = values
    return found


def _stubs(source: Source, content: Table) -> dict[str, ActionResult]:
    found: dict[str, ActionResult] = {}
    stubs = source.table(content.get("stub_custom_actions"), "'stub_custom_actions'", content, "stub_custom_actions")
    for name, given in stubs.items():
        table = source.table(given, f"the stub {name!r}", stubs, name)
        source.unknown(table, ("events", "responses"), "a stub")
        result = read_result(plain(table.get("events")), plain(table.get("responses")))
        for problem in result.problems:
            source.problem("stub", f"the stub {name!r}: {problem}", stubs, name)
        found[str(name)] = result
    return found


def _for_case(stubs: Mapping[str, ActionResult], case: str, file: str) -> dict[str, ActionResult]:
    """The stubs for one case: its own (`case::action`) before the file's (`file.yml::action`) before everybody's."""
    found: dict[str, ActionResult] = {}
    for owner in ("", file, case):
        for key, result in stubs.items():
            prefix, _, action = key.rpartition("::")
            if prefix == owner:
                found[action] = result
    return found


def _case(source: Source, table: Table, shared: _Shared, file: str) -> Case | None:
    source.unknown(table, CASE, "a test case")
    name = source.text(table, "test_case", "a test case")
    if not name:
        source.problem("no_name", "a test case needs a name: 'test_case: ...'", table)
        return None
    slots: dict[str, Any] = {}
    rows = source.rows(table.get("fixtures"), "'fixtures'", table, "fixtures")
    for at, fixture in enumerate(rows):
        if fixture in shared.fixtures:
            slots |= shared.fixtures[fixture]
        else:
            known = ", ".join(shared.fixtures) or "none"
            source.problem("fixture", f"there is no fixture {fixture!r} in this file; there are: {known}", rows, at)
    metadata = _metadata(source, table, shared)
    steps = _steps(source, source.rows(table.get("steps"), "'steps'", table, "steps"), shared, metadata)
    if not steps:
        source.problem("no_steps", f"the test case {name!r} has no 'user' step", table)
    return Case(name, source.place(table), tuple(steps), slots, _for_case(shared.stubs, name, file))


def _metadata(source: Source, table: Table, shared: _Shared) -> dict[str, Any]:
    name = source.text(table, "metadata", "'metadata'")
    if name is None:
        return {}
    if name not in shared.metadata:
        known = ", ".join(shared.metadata) or "none"
        source.problem("metadata", f"there is no metadata {name!r} in this file; there are: {known}", table, "metadata")
    return shared.metadata.get(name, {})


def _steps(source: Source, rows: Rows, shared: _Shared, metadata: Mapping[str, Any]) -> list[Step]:
    """The customer's steps; the older forms after one become its assertions, in their order."""
    steps: list[Step] = []
    older: list[Assertion] = []

    def close() -> None:
        if older:
            last = steps[-1]
            steps[-1] = Step(last.user, last.place, (*last.assertions, *older), last.ordered, last.metadata)
            older.clear()

    for at, given in enumerate(rows):
        table = source.table(given, "a step", rows, at)
        if "user" in table:
            close()
            source.unknown(table, (*STEP, *OLDER), "a step")
            steps.append(_step(source, table, shared, metadata))
        else:
            source.unknown(table, OLDER, "a step without 'user'")
        found = [made for key in OLDER if key in table for made in read_older(source, table, key)]
        if found and not steps:
            source.problem("no_user", "this comes before anything that the customer says", rows, at)
        else:
            older += found
    close()
    return steps


def _step(source: Source, table: Table, shared: _Shared, metadata: Mapping[str, Any]) -> Step:
    rows = source.rows(table.get("assertions"), "'assertions'", table, "assertions")
    assertions: Sequence[Assertion | None] = [read_assertion(source, rows, at) for at in range(len(rows))]
    said = source.text(table, "user", "a step")
    return Step(
        user=said or "",
        place=source.place(table, "user"),
        assertions=tuple(item for item in assertions if item is not None),
        ordered=source.flag(table, "assertion_order_enabled", False, "a step"),
        metadata={**metadata, **_metadata(source, table, shared)},
    )
