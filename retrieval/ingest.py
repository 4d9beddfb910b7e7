"""Files and folders into the index: what is new, what changed, what is gone."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from re import Pattern

from filelock import FileLock, Timeout

from retrieval import curated, sections
from retrieval import snapshot as snapshots
from retrieval.concepts import NONE, Concepts
from retrieval.encoder import Encoder
from retrieval.errors import DocumentError, SnapshotError
from retrieval.front_matter import UnknownAudienceError
from retrieval.grow import Growth
from retrieval.load import fingerprint, is_readable, load_list, load_parts, name_of, read_bytes
from retrieval.snapshot import Cut, Key, Snapshot
from retrieval.types import Audience, Document

_COLLECTION = re.compile(r"\w[\w.-]{0,63}")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What an ingestion did. `broken` are (file, why); `public` and `internal` count the documents that went in.

    `lost` says why the index that was there could not be used, when an older one or none was gone on from.
    `unknown_audience` is how many of the broken ones named an audience that there is not. `title_matches` is None when
    no title rule was given. `fresh` are the documents that are new or changed.
    """

    collection: str
    added: int
    changed: int
    unchanged: int
    deleted: int
    broken: tuple[tuple[str, str], ...]
    public: int
    internal: int
    title_matches: int | None
    unknown_audience: int
    snapshot: Snapshot
    lost: str | None = None
    fresh: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    root: Path


@dataclass(frozen=True, slots=True)
class _Reading:
    """What holds for every file of an ingestion."""

    collection: str
    audience: Audience | None
    internal_title: Pattern[str] | None
    internal_section: Pattern[str]
    concepts: Concepts
    cut: Cut | None
    growth: Growth | None


def ingest(
    paths: Sequence[Path],
    index: Path,
    encoder: Encoder,
    *,
    collection: str = "default",
    audience: Audience | None = None,
    internal_title: Pattern[str] | None = None,
    internal_section: Pattern[str] = sections.INTERNAL,
    concepts: Concepts = NONE,
    cut: Cut | None = None,
    growth: Growth | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> IngestReport:
    """Bring the documents below `paths` into a collection, and drop those that are gone from there.

    A folder is a root: names are relative to it, and documents that came from it before and are there no more are
    deleted. A single file keeps the root of a folder that was ingested before, else its own folder is the root, and
    nothing beside it is deleted. A broken file is reported, and what was in the index of it is taken out: an answer
    must not come from a page that nobody can read any more. `concepts`, `cut` and `growth` (see
    `retrieval.snapshot.build`) hold for the whole index. `progress(step, done, total)` has steps "reading" and
    "encoding".

    Raises DocumentError, before anything is changed, when a path does not exist or two files would have the same name,
    and SnapshotError when the index cannot be written: the one before stays.
    """
    if not _COLLECTION.fullmatch(collection):
        raise DocumentError(f"{collection!r} cannot name a collection: letters, digits, '.', '_' and '-', at most 64")
    try:
        index.mkdir(parents=True, exist_ok=True)
        with FileLock(index / "lock", timeout=10):
            previous, lost = _previous(index)
            reading = _Reading(collection, audience, internal_title, internal_section, concepts, cut, growth)
            return replace(_ingest(paths, index, encoder, previous, reading, progress), lost=lost)
    except Timeout:
        raise SnapshotError(f"another ingestion is at work on {index}; try again when it is done") from None
    except OSError as error:
        raise SnapshotError(_unwritten(index, error)) from None


def _unwritten(index: Path, error: OSError) -> str:
    if error.errno in _FULL:
        return f"the disk under {index} is full: make room and ingest again; what is served until then stays as it was"
    return f"the index {index} cannot be written: {error.strerror or error}"


def _previous(index: Path) -> tuple[Snapshot | None, str | None]:
    """The snapshot to go on from: the current, else the newest that is whole; and what is wrong with the current."""
    serving = snapshots.current(index)
    if serving is None:
        return None, None
    folders = sorted((index / "snapshots").glob("[!.]*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    problem: str | None = None
    for id in dict.fromkeys([serving, *(folder.name for folder in folders)]):
        try:
            return snapshots.load(index, id), problem
        except SnapshotError as error:
            problem = problem or str(error)
    return None, problem


def _ingest(  # noqa: PLR0917 - the second half of `ingest`, under its lock
    paths: Sequence[Path],
    index: Path,
    encoder: Encoder,
    previous: Snapshot | None,
    reading: _Reading,
    progress: Callable[[str, int, int], None] | None,
) -> IngestReport:
    collection = reading.collection
    before = dict(previous.documents) if previous else {}
    roots = {Path(document.root) for document in before.values() if document.collection == collection}
    files = list(_files(paths, roots))
    covered = _covered(paths, files, before, collection)
    kept = {key: document for key, document in before.items() if key not in covered}
    _refuse_same_names(files, kept, collection)

    read: dict[Key, Document] = {}
    broken: list[tuple[str, str]] = []
    unknown = 0
    for number, file in enumerate(files):
        try:
            found = _read(file, before, reading)
            read |= {(document.collection, document.name): document for document in found}
        except DocumentError as error:
            broken.append((str(file.path), str(error).removeprefix(f"{file.path}: ")))
            unknown += isinstance(error, UnknownAudienceError)
        if progress is not None:
            progress("reading", number + 1, len(files))

    kept = {key: document for key, document in kept.items() if key not in read}
    encoding = None if progress is None else lambda done, total: progress("encoding", done, total)
    documents = [*kept.values(), *read.values()]
    made = snapshots.build(
        index,
        documents,
        encoder,
        previous,
        encoding,
        concepts=reading.concepts,
        cut=reading.cut,
        growth=reading.growth,
    )
    fresh = frozenset(
        key for key, document in read.items() if key not in before or before[key].version != document.version
    )
    same = len(read) - len(fresh)
    return IngestReport(
        collection=collection,
        added=sum(key not in before for key in read),
        changed=sum(key in before for key in read) - same,
        unchanged=same,
        deleted=sum(key not in made.documents for key in before),
        broken=tuple(broken),
        public=sum(document.audience is Audience.PUBLIC for document in read.values()),
        internal=sum(document.audience is Audience.INTERNAL for document in read.values()),
        title_matches=None
        if reading.internal_title is None
        else sum(document.internal_by_title for document in read.values()),
        unknown_audience=unknown,
        snapshot=made,
        fresh=fresh,
    )


def _files(paths: Sequence[Path], roots: set[Path]) -> Iterator[_File]:
    """Every file to read, once, folders in a fixed order."""
    seen: set[Path] = set()
    for given in paths:
        path = _absolute(given)
        if path.is_dir():
            root, found = path, _walk(path)
        elif path.is_file():
            above = [root for root in roots if path.is_relative_to(root)]
            root, found = max(above, key=lambda root: len(root.parts), default=path.parent), iter([path])
        else:
            raise DocumentError(f"{given}: there is no such file or folder")
        for file in found:
            if file not in seen:
                seen.add(file)
                yield _File(file, root)


def _absolute(path: Path) -> Path:
    """One spelling for each folder, without ".."; links are kept as they are named."""
    return Path(os.path.abspath(path))


def _walk(folder: Path) -> Iterator[Path]:
    """Readable files below a folder; hidden ones and links that lead out of it are left alone."""
    real = folder.resolve()
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(place) / name
            inside = not path.is_symlink() or path.resolve().is_relative_to(real)
            if not name.startswith((".", "~$")) and is_readable(path) and inside:  # "~$": Word's lock files
                yield path


def _covered(
    paths: Sequence[Path], files: Sequence[_File], before: Mapping[Key, Document], collection: str
) -> set[Key]:
    """What is in the index of the folders and files that are read now."""
    folders = {_absolute(path) for path in paths if path.is_dir()}
    singles = {str(file.path) for file in files}
    return {
        key
        for key, document in before.items()
        if (document.read_for or document.collection) == collection
        and (Path(document.root) in folders or document.source in singles)
    }


def _refuse_same_names(files: Sequence[_File], kept: Mapping[Key, Document], collection: str) -> None:
    names: dict[str, Path] = {
        document.name: Path(document.source)
        for document in kept.values()
        if document.collection == collection and Path(document.source).is_file()  # else its folder has moved here
    }
    clashes: list[str] = []
    for file in files:
        name = name_of(file.path, file.root)
        if name in names and names[name] != file.path:
            clashes.append(f"{names[name]} and {file.path} would both be {name!r} in collection {collection!r}")
        names[name] = file.path
    if clashes:
        more = f" (and {len(clashes) - 5} more)" if len(clashes) > 5 else ""
        raise DocumentError("two files with the same name: " + "; ".join(clashes[:5]) + more)


def _read(file: _File, before: Mapping[Key, Document], reading: _Reading) -> list[Document]:
    data = read_bytes(file.path)
    if file.path.suffix.lower() == curated.SUFFIX:
        return load_list(
            file.path,
            file.root,
            data,
            collection=reading.collection,
            audience=reading.audience,
            internal_title=reading.internal_title,
        )
    name = name_of(file.path, file.root)
    known = before.get((reading.collection, name))
    mark = fingerprint(
        data,
        audience=reading.audience,
        internal_title=reading.internal_title,
        internal_section=reading.internal_section,
    )
    if known is not None and known.fingerprint == mark:
        parts = [known, before.get((reading.collection, f"{name}{sections.MARK}"))]
        return [replace(part, source=str(file.path), root=str(file.root)) for part in parts if part is not None]
    return load_parts(
        file.path,
        file.root,
        collection=reading.collection,
        audience=reading.audience,
        internal_title=reading.internal_title,
        internal_section=reading.internal_section,
        data=data,
    )
