"""The demo company's bot on its real weights, built once for all tests here."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot import settings
from bot.build import Bot, build
from tests import needs

T = TypeVar("T")
ROLES = ("encoder", "reader", "speech", "objects", "generator")


class Company:
    """A started bot on an event loop of its own, for tests that are plain functions."""

    def __init__(self, home: Path) -> None:
        self._runner = asyncio.Runner()
        self.bot: Bot = self.run(build(settings.load(home=home)))
        self.run(self.bot.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)

    def close(self) -> None:
        self.run(self.bot.close())
        self._runner.close()


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    needs.weights(*ROLES)
    made = Company(tmp_path_factory.mktemp("company") / "home")
    yield made
    made.close()


@pytest.fixture(scope="session")
def ask(company: Company) -> Callable[..., Any]:
    """Ask as a customer: `ask(text, sender=, history=, files=)` -> TurnResult."""
    from bot.direct import Direct

    direct = Direct(company.bot)

    def asked(text: str, **given: Any) -> Any:
        return company.run(direct.ask(text, **given))

    return asked
