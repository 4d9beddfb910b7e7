"""Versions of trained models: kept whole on disk, named in the database, promoted and rolled back.

    HOME/registry/reader/<sha256>/      what training left: weights, settings, metrics.json, README.md (the card)

A version is the sha256 of all its files and is never written again; it is read once more before it is served. What is
served of a kind is what was promoted last; before any promotion, what the bot's manifest (models.toml) names.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from bot.engines.weights import Entry, Local, Weights, sha256
from bot.errors import ConfigError, NotFound, WeightsError
from bot.settings import Settings, make_home
from bot.store.base import ModelVersion, Promotion, Store
from bot.types import now

Action = Literal["promote", "force"]
BUILT_IN = ""
"""The version that the bot's manifest names."""
SKIPPED = frozenset({"checkpoint.pt", "__pycache__"})
"""What training leaves for itself."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Which entry of the manifest a version takes the place of, which engine reads it, and which of its files says how
    (`version` in it, if any, is what the model calls itself). `live`: a server takes a new one without a restart.
    """

    entry: str
    part: str
    settings: str
    live: bool = True


KINDS: dict[str, Kind] = {
    "reader": Kind("reader", "reader", "reader.json"),
    # An encoder's vectors are the index's: it is taken at the next start, when the documents are encoded anew.
    "encoder": Kind("encoder-tuned", "encoder", "encoder.json", live=False),
    "check": Kind("check", "checker", "check.json"),
    "generator": Kind("generator", "generator", "config.json"),
}


def kind_of(name: str) -> Kind:
    """Raises ConfigError that lists the valid names."""
    try:
        return KINDS[name]
    except KeyError:
        raise ConfigError(f"there is no kind of model called {name!r}. Valid: {', '.join(KINDS)}") from None


class Registry:
    """The versions in one database and one home. The store must be open."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._root = settings.home / "registry"

    async def add(self, kind: str, source: Path, *, author: str) -> tuple[ModelVersion, bool]:
        """Take a trained model in: (the version, whether it is new). ConfigError for a folder that holds none."""
        made = await asyncio.to_thread(self._keep, kind, source, author)
        return made, await self._store.add_model(made)

    async def versions(self, kind: str | None = None) -> list[ModelVersion]:
        """The oldest first."""
        return [each for each in await self._store.models() if kind in (None, each.kind)]

    async def find(self, start: str, kind: str | None = None) -> ModelVersion:
        """The version whose id begins so, or that calls itself so. NotFound when there is none, or more than one."""
        versions = await self.versions(kind)
        found = [each for each in versions if each.version.startswith(start) or each.name == start]
        if not start or len(found) != 1:
            known = ", ".join(f"{each.kind} {each.version[:12]}" for each in found or versions) or "none yet"
            raise NotFound(f"{len(found) or 'no'} versions are called {start!r}; there are: {known}")
        return found[0]

    async def history(self, kind: str | None = None) -> list[Promotion]:
        """Promotions, the oldest first."""
        return [each for each in await self._store.promotions() if kind in (None, each.kind)]

    async def serving(self) -> dict[str, str]:
        """The version that is to be served of each kind that was ever promoted; BUILT_IN after the last rollback."""
        return {each.kind: each.version for each in await self._store.promotions()}

    async def promote(
        self,
        model: ModelVersion,
        *,
        author: str,
        reason: str,
        figures: Mapping[str, Any],
        action: Action = "promote",
    ) -> Promotion:
        """Serve it from now on. WeightsError when it is not whole on this disk, Conflict when it is served already."""
        await asyncio.to_thread(self.folder, model.kind, model.version)
        served = (await self.serving()).get(model.kind, BUILT_IN)
        if served == model.version:
            raise ConfigError(f"{model.kind} {model.version[:12]} is served already")
        made = Promotion(model.kind, model.version, served, action, author, reason, dict(figures), now())
        await self._store.promote(made)
        return made

    async def rollback(self, kind: str, *, author: str, reason: str) -> Promotion:
        """Serve what was served before the last promotion that still stands. ConfigError when there is none."""
        standing = stack(await self.history(kind))
        if len(standing) < 2:
            raise ConfigError(f"no {kind} was promoted: there is nothing to go back from")
        served, before = standing[-1], standing[-2]
        if before:
            await asyncio.to_thread(self.folder, kind, before)
        made = Promotion(kind, before, served, "rollback", author, reason, {}, now())
        await self._store.promote(made)
        return made

    def folder(self, kind: str, version: str) -> Path:
        """Where a version lies, every byte of it looked at. WeightsError when it is not what it was."""
        folder = self._root / kind / version
        if not folder.is_dir():
            mend = f"add it again with: frontdesk registry add {kind} DIR"
            raise WeightsError(f"{kind} {version[:12]} is not on this disk ({folder}): {mend}")
        if (found := digest(files_of(folder))) != version:
            raise WeightsError(f"{folder} was changed: its sha256 is {found}. Roll back, and add it again")
        return folder

    def _keep(self, kind: str, source: Path, author: str) -> ModelVersion:
        """Copy the folder to where its content says, whole or not at all."""
        settings = kind_of(kind).settings
        if not (source / settings).is_file():
            raise ConfigError(f"{source} holds no {kind}: there is no {settings}")
        if not any(file.suffix == ".safetensors" for file in files_of(source).values()):
            raise ConfigError(f"{source} holds no weights: there is no .safetensors file")
        make_home(self._root / kind)
        draft = Path(tempfile.mkdtemp(dir=self._root / kind, prefix=".new-"))
        try:
            for name, file in files_of(source).items():
                (draft / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, draft / name)
                _settle(draft / name)
            version = digest(files_of(draft))
            target = self._root / kind / version
            if target.is_dir() and digest(files_of(target)) != version:
                raise WeightsError(f"{target} was changed: remove it, and add the model again")
            if not target.is_dir():
                draft.chmod(0o755)
                draft.rename(target)
        except OSError as error:
            raise ConfigError(f"{source} cannot be copied into {self._root}: {error.strerror}") from None
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return _described(kind, version, target, author, now())


def files_of(folder: Path) -> dict[str, Path]:
    """The files of a version by name, in order; neither hidden ones nor what training leaves for itself."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path
        for name, path in sorted(found.items())
        if not any(part.startswith(".") or part in SKIPPED for part in name.split("/"))
    }


def digest(files: Mapping[str, Path]) -> str:
    """The sha256 of names and contents, 64 hex digits."""
    whole = hashlib.sha256()
    for name, path in files.items():
        whole.update(f"{name}\0{sha256(path)}\n".encode())
    return whole.hexdigest()


def stack(promotions: Sequence[Promotion]) -> list[str]:
    """The versions of one kind that were served, one after the other, as far as that still stands: a promotion puts one
    on, a rollback takes one off. The first is BUILT_IN."""
    standing = [BUILT_IN]
    for each in promotions:
        if each.action == "rollback":
            standing.pop()
        else:
            standing.append(each.version)
    return standing


def weights_with(settings: Settings, folders: Mapping[str, Path]) -> Weights:
    """The installation's weights, with some entries of the manifest from other folders."""
    entries = dict(Weights(settings).manifest)
    for name, folder in folders.items():
        entries[name] = Entry(name=name, role=name, licence="", source=Local(path=folder.resolve()))
    return Weights(settings, entries)


def _described(kind: str, version: str, folder: Path, author: str, created: datetime) -> ModelVersion:
    said = _json(folder / KINDS[kind].settings)
    card = folder / "README.md"
    return ModelVersion(
        version=version,
        kind=kind,
        name=str(said.get("version") or version[:12]),
        created=created,
        author=author,
        size=sum(path.stat().st_size for path in files_of(folder).values()),
        metrics=_json(folder / "metrics.json"),
        card=card.read_text(encoding="utf-8", errors="replace") if card.is_file() else "",
    )


def _json(file: Path) -> dict[str, Any]:
    """An object; {} where there is no file. ConfigError for one that holds something else."""
    if not file.is_file():
        return {}
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{file.name} is not JSON: {error}") from None
    if not isinstance(said, dict):
        raise ConfigError(f"{file.name} holds no JSON object")
    return said


def _settle(file: Path) -> None:
    """On the disk, and read-only from now on."""
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
    file.chmod(0o444)
