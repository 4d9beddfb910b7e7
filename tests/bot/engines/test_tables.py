"""The tables: every name leads to a class, and a wrong one is answered with the right ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.engines import tables
from bot.engines.base import Engine
from bot.engines.weights import Weights
from bot.errors import ConfigError
from bot.settings import Settings

ALL = [(kind, name) for kind, table in tables.KINDS.items() for name in table]


@pytest.mark.parametrize(("kind", "name"), ALL)
def test_every_engine_can_be_made_without_loading_anything(settings: Settings, kind: str, name: str) -> None:
    others = {"encoder": None} if kind == "checker" else {}
    engine = tables.create(kind, name, settings=settings, weights=Weights(settings), **others)
    assert isinstance(engine, Engine)


def test_an_unknown_name_lists_the_valid_ones(settings: Settings) -> None:
    with pytest.raises(ConfigError, match=r"no reader called 'brt'\. Valid: bert, fake"):
        tables.create("reader", "brt", settings=settings, weights=Weights(settings))
    with pytest.raises(ConfigError, match="Valid: speech, captioner"):
        tables.create("raeder", "bert", settings=settings, weights=Weights(settings))


def test_importing_the_engines_loads_no_heavy_package() -> None:
    modules = sorted({target.partition(":")[0] for table in tables.KINDS.values() for target in table.values()})
    heavy = "{'torch', 'transformers', 'faiss', 'onnxruntime', 'ctranslate2', 'sentence_transformers'}"
    code = f"import {', '.join(modules)}, sys; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
