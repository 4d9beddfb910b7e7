"""What a test needs from outside: a program or weights.

Where it is missing the test is skipped with a line that names it; under `CI=true` that is a failure, because there a
skipped test would be a check that nobody runs.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

POSTGRES_FOLDERS = "/usr/lib/postgresql/*/bin"


def missing(what: str) -> NoReturn:
    """Skip the running test, or fail it under CI."""
    message = f"needs {what}"
    if os.environ.get("CI") == "true":
        pytest.fail(f"{message}, and under CI=true a missing part is a failure")
    pytest.skip(message)


def program(name: str) -> str:
    """The path of an installed program; PostgreSQL's are also looked for where Debian keeps them."""
    found = shutil.which(name)
    if found is None:
        root = Path(POSTGRES_FOLDERS.partition("*")[0])
        candidates = sorted(root.glob(f"*/bin/{name}"), reverse=True)
        found = str(candidates[0]) if candidates else None
    return found or missing(f"the program {name} (see tests/system-packages.txt)")


def weights(*names: str) -> None:
    """The real weights of these names, pulled into the cache."""
    from bot.engines.weights import Weights
    from bot.errors import WeightsError
    from bot.settings import load

    held = Weights(load())
    for name in names:
        try:
            held.path(name)
        except WeightsError:
            missing(f"the weights {name} (frontdesk models pull)")
