"""An immutable, versioned index on disk, swapped whole.

    INDEX/current                      the id of the snapshot to serve, replaced atomically
    INDEX/snapshots/<id>/manifest.json with the sha256 of the other files
                        /documents.jsonl, passages.jsonl, dense.faiss, sparse/, pieces.npy, pieces-keys.npy,
                         vectors.npy beside an index of codes
    INDEX/texts/<vv>/<version>.json    the text of every document version (`retrieval.texts`)

A snapshot that was loaded stays whole in memory whatever happens on disk.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from retrieval import texts
from retrieval.concepts import NONE, Concepts
from retrieval.dense import DenseIndex
from retrieval.encoder import Encoder, encode_all
from retrieval.errors import QueryError, SnapshotError
from retrieval.grow import Growth
from retrieval.names import names
from retrieval.pieces import Pieces
from retrieval.sparse import SparseIndex
from retrieval.split import context, split
from retrieval.texts import StoredText, text_of
from retrieval.types import Audience, Document, Filters, IndexMade, Manifest, Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Snapshot", "StoredText", "build", "current", "load", "text_of"]

SCHEMA = 2
INDEXING = 7
"""Raise it when passages or terms are made otherwise, so that the next ingestion makes the index anew."""

KEPT = 3
"""How many snapshots stay on disk: the current one, and those to go back to."""

Key = tuple[str, str]
Cut = Callable[[Document, Passage], Iterable[str]]
"""The pieces of a passage that questions will be compared with, as texts."""


@dataclass(frozen=True)
class Snapshot:
    """An index in memory. Row i of `dense` and `sparse` is `passages[i]`; documents are found by (collection, name).

    `pieces` has the vectors of the passages' pieces, found by their text.
    """

    manifest: Manifest
    documents: Mapping[Key, Document]
    passages: tuple[Passage, ...]
    dense: DenseIndex
    sparse: SparseIndex
    pieces: Pieces
    _masks: dict[Filters, NDArray[np.bool_]] = field(default_factory=dict, repr=False, compare=False)

    def allowed(self, filters: Filters) -> NDArray[np.bool_]:
        """Which passages a search may look at, bool [passages]."""
        if filters not in self._masks:
            if len(self._masks) > 256:
                self._masks.clear()
            self._masks[filters] = self._mask(filters)
        return self._masks[filters]

    def check(self, filters: Filters) -> None:
        """Raises QueryError for a collection that is not in the index."""
        unknown = sorted((filters.collections or frozenset()) - set(self.manifest.collections))
        if unknown:
            known = ", ".join(self.manifest.collections) or "none yet"
            raise QueryError(f"unknown collection {', '.join(map(repr, unknown))}; there are: {known}")

    def may_show(self, stored: StoredText) -> bool:
        """Whether a customer may read a stored version: it was public, and its document has not become internal."""
        now = self.documents.get((stored.collection, stored.name))
        return stored.audience is Audience.PUBLIC and (now is None or now.audience is Audience.PUBLIC)

    def _mask(self, filters: Filters) -> NDArray[np.bool_]:
        import numpy as np

        mask = np.ones(len(self.passages), np.bool_)
        if filters.audience is not Audience.INTERNAL:
            mask &= self._public
        if filters.collections is not None:
            mask &= np.array([passage.collection in filters.collections for passage in self.passages], np.bool_)
        if filters.languages is not None:
            mask &= np.array([passage.language in filters.languages for passage in self.passages], np.bool_)
        return mask

    @cached_property
    def curated(self) -> tuple[tuple[Document, str], ...]:
        """The questions of its lists, each with the answer."""
        return tuple((document, question) for document in self.documents.values() for question in document.questions)

    @cached_property
    def names(self) -> frozenset[str]:
        """The words that tell its like documents apart."""
        return names(document.title for document in self.documents.values())

    @cached_property
    def languages(self) -> frozenset[str]:
        """Those of its passages."""
        return frozenset(passage.language for passage in self.passages)

    @cached_property
    def _public(self) -> NDArray[np.bool_]:
        import numpy as np

        return np.array([passage.audience is Audience.PUBLIC for passage in self.passages], np.bool_)


def current(index: Path) -> str | None:
    """The id of the snapshot to serve; None when nothing was ever ingested. SnapshotError when it cannot be read."""
    try:
        return (index / "current").read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{index / 'current'} cannot be read: {error}") from None


def load(index: Path, id: str | None = None, *, gpu: bool = False) -> Snapshot:
    """Load a snapshot, the current one unless told; `gpu`: its vectors on a GPU where FAISS has one.

    Raises SnapshotError when there is none, or when it is damaged or of another schema.
    """
    chosen = id or current(index)
    if chosen is None:
        raise SnapshotError(f"there is no index in {index} yet; make one with: frontdesk ingest PATH")
    folder = index / "snapshots" / chosen
    try:
        said = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        again = current(index)
        if id is None and again not in {None, chosen}:  # swapped and cleaned up between two lines
            return load(index, again, gpu=gpu)
        raise SnapshotError(f"there is no snapshot {chosen} in {index}") from None
    except (OSError, ValueError) as error:
        raise SnapshotError(f"{folder / 'manifest.json'} is damaged: {error}") from None
    if not isinstance(said, dict) or said.get("schema") != SCHEMA:
        raise SnapshotError(f"{folder} was made by another version of Frontdesk; ingest the documents again")
    _verify(folder, said.pop("files", {}))
    try:
        made = IndexMade(**said["made"]) if said.get("made") else None
        manifest = Manifest(**{**said, "collections": tuple(said["collections"]), "made": made})
        found = map(_document, _lines(folder / "documents.jsonl"))
        documents = {(document.collection, document.name): document for document in found}
        passages = tuple(_passage(line, documents) for line in _lines(folder / "passages.jsonl"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SnapshotError(f"{folder} is damaged: {error}") from None
    dense, sparse = DenseIndex.load(folder / "dense.faiss", gpu=gpu), SparseIndex.load(folder / "sparse")
    if not len(passages) == dense.size == sparse.size == manifest.passages:
        raise SnapshotError(f"{folder} is damaged: its parts hold different numbers of passages")
    return Snapshot(manifest, documents, passages, dense, sparse, Pieces.load(folder))


def build(
    index: Path,
    documents: Iterable[Document],
    encoder: Encoder,
    previous: Snapshot | None = None,
    progress: Callable[[int, int], None] | None = None,
    *,
    concepts: Concepts = NONE,
    cut: Cut | None = None,
    growth: Growth | None = None,
) -> Snapshot:
    """Make the index of exactly these documents, and make it the current one. `concepts` are what their words mean.

    `cut` names the pieces of passages whose vectors are kept too, `growth` says when the index becomes another. What
    `previous` holds is not encoded again. `progress(done, total)` counts the texts to encode. When nothing at all has
    changed, `previous` is given back and nothing is written.
    """
    ordered = sorted(documents, key=lambda document: (document.collection, document.name))
    records = [_record(document) for document in ordered]
    growth = growth or Growth()
    made_of = [SCHEMA, INDEXING, records, dict(concepts.means), cut is not None, asdict(growth)]
    data_hash = hashlib.sha256(json.dumps(made_of, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
    if previous and previous.manifest.data_hash == data_hash and previous.manifest.encoder == encoder.name:
        return previous
    passages = tuple(passage for document in ordered for passage in split(document))
    contexts = [context(passage) for passage in passages]
    places = {(document.collection, document.name): document for document in ordered}
    said = (
        [] if cut is None else [text for each in passages for text in cut(places[each.collection, each.document], each)]
    )
    texts_of_pieces = list(dict.fromkeys(said))
    vectors = _vectors(contexts, texts_of_pieces, encoder, previous, progress)
    dense = DenseIndex.build(vectors[: len(contexts)], growth)
    now = datetime.now(UTC)
    internal = sum(document.audience is Audience.INTERNAL for document in ordered)
    manifest = Manifest(
        id=f"{now:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:8]}",
        created=now.isoformat(timespec="seconds"),
        encoder=encoder.name,
        dimensions=encoder.dimensions,
        data_hash=data_hash,
        documents=len(ordered),
        passages=len(passages),
        public_documents=len(ordered) - internal,
        internal_documents=internal,
        collections=tuple(sorted({document.collection for document in ordered})),
        schema=SCHEMA,
        made=dense.made,
    )
    snapshot = Snapshot(
        manifest=manifest,
        documents=places,
        passages=passages,
        dense=dense,
        sparse=SparseIndex.build(contexts, concepts),
        pieces=Pieces.of(texts_of_pieces, vectors[len(contexts) :]),
    )
    for document in ordered:
        texts.keep(index, document)
    _publish(index, snapshot, records)
    return snapshot


def _vectors(
    contexts: list[str],
    pieces: list[str],
    encoder: Encoder,
    previous: Snapshot | None,
    progress: Callable[[int, int], None] | None,
) -> NDArray[np.float32]:
    """Of the passages, then of the pieces; what `previous` has is taken from there."""
    import numpy as np

    vectors = np.zeros((len(contexts) + len(pieces), encoder.dimensions), np.float32)
    new = list(range(len(vectors)))
    if previous and previous.manifest.encoder == encoder.name and previous.dense.dimensions == encoder.dimensions:
        known = {context(passage): row for row, passage in enumerate(previous.passages)}
        old = [row for row, said in enumerate(contexts) if said in known]
        vectors[old] = previous.dense.vectors()[[known[contexts[row]] for row in old]]
        vectors[len(contexts) :], missing = previous.pieces.find(pieces)
        new = [row for row, said in enumerate(contexts) if said not in known]
        new += [len(contexts) + row for row in missing]
    texts = contexts + pieces
    done = 0

    def advance(steps: int) -> None:
        nonlocal done
        done += steps
        if progress is not None:
            progress(done, len(new))

    advance(0)
    vectors[new] = encode_all(encoder, [texts[row] for row in new], advance)
    return vectors


def _publish(index: Path, snapshot: Snapshot, records: list[dict[str, Any]]) -> None:
    """Write the snapshot beside the others, then point `current` to it."""
    folder = index / "snapshots" / f".new-{snapshot.manifest.id}"
    folder.mkdir(parents=True)
    try:
        passages = [
            {
                "key": [passage.collection, passage.document],
                "path": passage.path,
                "start": passage.start,
                "end": passage.end,
            }
            for passage in snapshot.passages
        ]
        for name, lines in (("documents", records), ("passages", passages)):
            texts.write_whole(
                folder / f"{name}.jsonl", "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
            )
        snapshot.dense.save(folder / "dense.faiss")
        snapshot.sparse.save(folder / "sparse")
        snapshot.pieces.save(folder)
        written = [file for file in sorted(folder.rglob("*")) if file.is_file()]
        files = {file.relative_to(folder).as_posix(): _digest(file) for file in written}
        said = {**asdict(snapshot.manifest), "files": files}
        texts.write_whole(folder / "manifest.json", json.dumps(said, indent=1, ensure_ascii=False))
        folder.rename(index / "snapshots" / snapshot.manifest.id)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    texts.write_whole(index / "current", snapshot.manifest.id + "\n")
    _clean_up(index, snapshot.manifest.id)


def _clean_up(index: Path, serving: str) -> None:
    """Drop snapshots beyond the kept ones, and what a killed ingestion left behind."""
    folders = sorted((index / "snapshots").iterdir(), key=lambda folder: folder.stat().st_mtime, reverse=True)
    kept = [folder for folder in folders if not folder.name.startswith(".")][:KEPT]
    for folder in folders:
        if folder not in kept and folder.name != serving:
            shutil.rmtree(folder, ignore_errors=True)


def _verify(folder: Path, files: Mapping[str, str]) -> None:
    for name, expected in files.items():
        try:
            found = _digest(folder / name)
        except OSError as error:
            raise SnapshotError(f"{folder / name} cannot be read: {error.strerror}") from None
        if found != expected:
            raise SnapshotError(f"{folder / name} is damaged: its sha256 is {found}, the manifest says {expected}")


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _lines(file: Path) -> Iterable[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]


def _record(document: Document) -> dict[str, Any]:
    names = ["collection", "name", "version", "title", "text", "language", "audience", "url"]
    names += ["source", "root", "fingerprint", "internal_by_title", "questions", "read_for"]
    return {
        **{name: getattr(document, name) for name in names},
        "blocks": texts.blocks_to_json(document.blocks),
        "updated": document.updated and document.updated.isoformat(),
        "review_by": document.review_by and document.review_by.isoformat(),
    }


def _document(said: dict[str, Any]) -> Document:
    days = {name: date.fromisoformat(said[name]) if said[name] else None for name in ("updated", "review_by")}
    audience, blocks = Audience(said["audience"]), texts.blocks_from_json(said["blocks"])
    questions = tuple(said.get("questions", ()))
    return Document(**{**said, **days, "audience": audience, "blocks": blocks, "questions": questions})


def _passage(said: dict[str, Any], documents: Mapping[Key, Document]) -> Passage:
    document = documents[(said["key"][0], said["key"][1])]
    return Passage(
        collection=document.collection,
        document=document.name,
        version=document.version,
        title=document.title,
        path=tuple(said["path"]),
        text=document.text[said["start"] : said["end"]],
        start=said["start"],
        end=said["end"],
        language=document.language,
        audience=document.audience,
        url=document.url,
        updated=document.updated,
        review_by=document.review_by,
    )
