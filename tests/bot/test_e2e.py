"""Scripted conversations against a whole bot, with fakes for its models."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot import e2e
from bot.scripted.read import read_cases
from bot.scripted.recorded import recorded
from bot.scripted.report import as_json, difference, junit
from bot.settings import Settings
from tests.bot.acme import FAKES
from tests.bot.scripted.cases import CASES, bank, written

MakeSettings = Callable[..., Settings]
Run = Callable[..., Awaitable[e2e.Result]]


@pytest.fixture
def run(make_settings: MakeSettings, tmp_path: Path) -> Run:
    settings = make_settings(bot=bank(tmp_path / "bank"), engines=FAKES, generator=False)

    async def go(text: str = CASES) -> e2e.Result:
        cases, problems = read_cases(written(tmp_path, text))
        assert not problems, [str(problem) for problem in problems]
        return await e2e.carry_out(settings, cases)

    return go


def told(result: e2e.Result) -> list[str]:
    """What was said and done, without what it took."""
    return ["\n".join(line for _, line in difference(outcome)) for outcome in result.outcomes]


async def test_every_case_passes_and_twice_the_same(run: Run) -> None:
    first = await run()
    assert first.passed, as_json(first.outcomes, None)
    assert told(first) == told(await run())


FAILING = """
test_cases:
  - test_case: a wrong colour
    steps:
      - user: /StartFlow(paint)
        assertions: [{bot_uttered: {utter_name: utter_ask_colour}}]
      - user: /SetSlots(colour=red)
        assertions:
          - slot_was_set: [{name: colour, value: blue}]
      - user: /StartFlow(transfer)
"""


async def test_a_failure_is_shown_as_what_was_wanted_and_what_was_done(run: Run) -> None:
    result = await run(FAILING)
    [outcome] = result.outcomes
    lines = difference(outcome)
    assert [line for mark, line in lines if mark == "-"] == [
        f'  slot_was_set: [{{"name": "colour", "value": "blue"}}]  [{outcome.case.place.file}:9]'
    ]
    assert ("+", '  slot colour = "red"') in lines
    assert (" ", "  bot (utter_ask_colour): Which colour?") in lines
    assert not any("StartFlow(transfer)" in line for _, line in lines)  # it ends where it went wrong
    said = as_json(result.outcomes, result.covered)
    assert (said["passed"], said["failed"], said["cases"][0]["name"]) == (0, 1, "a wrong colour")
    assert ":9: after '/SetSlots(colour=red)'" in said["cases"][0]["reason"]
    paint = next(each for each in said["coverage"]["flows"] if each["flow"] == "paint")
    assert (paint["steps"], paint["covered"], paint["missing"]) == (2, 2, ())
    assert '<testsuite name="frontdesk test" tests="1" failures="1"' in junit(result.outcomes)


ORDER = """
test_cases:
  - test_case: in order
    steps:
      - user: /StartFlow(paint)
        assertion_order_enabled: {ordered}
        assertions: [{{action_executed: utter_ask_colour}}, {{flow_started: paint}}]
"""


async def test_the_order_counts_where_a_step_says_so(run: Run) -> None:
    assert (await run(ORDER.format(ordered="false"))).passed
    result = await run(ORDER.format(ordered="true"))
    assert result.outcomes[0].failures[0].note == "in another order"


@pytest.mark.parametrize(("day", "expected"), [(24, 24), (28, 30), (29, 30)])
def test_customers_write_on_a_working_day(day: int, expected: int) -> None:
    moment = e2e.working_moment(datetime(2026, 11, day, 23, 5, tzinfo=UTC))
    assert moment == datetime(2026, 11, expected, 10, tzinfo=UTC)


async def test_a_recorded_conversation_passes_when_it_is_replayed(
    run: Run, make_settings: MakeSettings, tmp_path: Path
) -> None:
    from bot.build import build
    from bot.direct import Direct

    bot = await build(make_settings(bot=tmp_path / "bank", engines=FAKES, generator=False))
    await bot.start()
    try:
        for said in ("/StartFlow(transfer)", "/SetSlots(recipient=Ann)", "/SetSlots(amount=50)", "never mind"):
            payload = said if said.startswith("/") else None
            result = await Direct(bot, "shell").ask("" if payload else said, sender="ann", payload=payload)
        text = recorded("abc", await bot.store.events(result.conversation))
    finally:
        await bot.close()
    assert "test_case: conversation abc" in text
    assert "flow_started: transfer" in text
    assert "utter_name: utter_ask_confirmation" in text
    replayed = await run(text)
    assert replayed.passed, as_json(replayed.outcomes, None)
