"""Versions on disk and in the database: taken in once, kept as they are, promoted and taken back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.engines.registry import BUILT_IN, Registry, stack
from bot.errors import ConfigError, NotFound, WeightsError
from bot.settings import Settings
from bot.store.base import ModelVersion
from bot.store.sql import SqlStore
from tests.bot.engines.models import trained


@pytest.fixture
async def registry(settings: Settings, sqlite_url: str) -> AsyncIterator[Registry]:
    store = SqlStore(sqlite_url)
    await store.open()
    yield Registry(store, settings)
    await store.close()


async def add(registry: Registry, folder: Path) -> ModelVersion:
    return (await registry.add("reader", folder, author="mia"))[0]


async def promote(registry: Registry, model: ModelVersion) -> None:
    await registry.promote(model, author="mia", reason="better", figures={"gain": 1.0})


async def test_a_trained_model_is_kept_whole_under_its_own_sha256(
    registry: Registry, settings: Settings, tmp_path: Path
) -> None:
    source = trained(tmp_path / "new", "1", f1=61.5)
    model, new = await registry.add("reader", source, author="mia")
    assert new
    assert (model.name, model.author, model.metrics["f1"]) == ("1", "mia", 61.5)
    assert "# Reader 1" in model.card
    folder = registry.folder("reader", model.version)
    assert folder == settings.home / "registry" / "reader" / model.version
    names = {path.name for path in folder.iterdir()}
    assert names == {"model.safetensors", "reader.json", "metrics.json", "README.md"}
    assert not any(path.name.startswith(".new") for path in folder.parent.iterdir())


async def test_the_same_files_are_the_same_version(registry: Registry, tmp_path: Path) -> None:
    first, _ = await registry.add("reader", trained(tmp_path / "a"), author="mia")
    again, new = await registry.add("reader", trained(tmp_path / "b"), author="bob")
    assert (again.version, new) == (first.version, False)
    assert [each.author for each in await registry.versions()] == ["mia"]
    other = await add(registry, trained(tmp_path / "c", "2"))
    assert other.version != first.version


async def test_a_folder_without_a_model_is_refused_with_what_it_lacks(registry: Registry, tmp_path: Path) -> None:
    source = trained(tmp_path / "new")
    for kind, folder, lacking in (
        ("encoder", source, "no encoder.json"),
        ("reader", tmp_path / "nowhere", "no reader.json"),
        ("oracle", source, "Valid: reader, encoder"),
    ):
        with pytest.raises(ConfigError, match=lacking):
            await registry.add(kind, folder, author="mia")
    (source / "model.safetensors").unlink()
    with pytest.raises(ConfigError, match=r"no \.safetensors"):
        await registry.add("reader", source, author="mia")


async def test_a_version_that_was_changed_on_the_disk_is_not_served(registry: Registry, tmp_path: Path) -> None:
    model = await add(registry, trained(tmp_path / "new"))
    file = registry.folder("reader", model.version) / "model.safetensors"
    file.chmod(0o644)
    file.write_bytes(b"other weights")
    with pytest.raises(WeightsError, match="was changed"):
        await promote(registry, model)
    assert await registry.serving() == {}


async def test_a_version_is_found_by_its_beginning_or_its_own_name(registry: Registry, tmp_path: Path) -> None:
    model = await add(registry, trained(tmp_path / "a", "v1"))
    await add(registry, trained(tmp_path / "b", "v2"))
    assert await registry.find(model.version[:12]) == model
    assert await registry.find("v1", "reader") == model
    for wrong in ("", "v3"):
        with pytest.raises(NotFound, match="there are: reader"):
            await registry.find(wrong)
    with pytest.raises(NotFound):
        await registry.find("v1", "encoder")


async def test_promotions_go_back_one_by_one(registry: Registry, tmp_path: Path) -> None:
    first = await add(registry, trained(tmp_path / "a", "1"))
    second = await add(registry, trained(tmp_path / "b", "2"))
    await promote(registry, first)
    await promote(registry, second)
    assert await registry.serving() == {"reader": second.version}
    with pytest.raises(ConfigError, match="is served already"):
        await promote(registry, second)
    for before in (first.version, BUILT_IN):
        back = await registry.rollback("reader", author="bob", reason="worse with customers")
        assert (back.version, back.action, back.author) == (before, "rollback", "bob")
        assert (await registry.serving())["reader"] == before
    with pytest.raises(ConfigError, match="nothing to go back from"):
        await registry.rollback("reader", author="bob", reason="")
    told = await registry.history("reader")
    assert [each.action for each in told] == ["promote", "promote", "rollback", "rollback"]
    assert told[0].figures == {"gain": 1.0}
    assert stack(told) == [BUILT_IN]
