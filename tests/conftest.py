"""What all tests share: settings that point into a temporary folder, and the rules for what is skipped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bot import settings as settings_module
from bot.settings import Settings

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the engines do: threads that spin slow each other on few cores

pytest_plugins = ["tests.store.postgres", "tests.store.stores"]
"""Stores over SQLite and PostgreSQL: what is imported here is there for all tests, and its server starts only once."""

ON_CI = os.environ.get("CI") == "true"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """GPU tests are deselected, not skipped, where there is no CUDA device."""
    if Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists():
        return
    gone = [item for item in items if item.get_closest_marker("gpu")]
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if not item.get_closest_marker("gpu")]


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Under CI a skipped test fails the run, whatever skipped it."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if ON_CI and exitstatus == 0 and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not depend on the caller's FRONTDESK_* variables, but for the shared cache of weights."""
    for name in list(os.environ):
        if name.startswith(settings_module.PREFIX) and name != "FRONTDESK_MODELS":
            monkeypatch.delenv(name)


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings whose home is a temporary folder: `make_settings(port=0, limits={...})`."""

    def make(**given: Any) -> Settings:
        return settings_module.load(**{"home": tmp_path / "home", **given})

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()
