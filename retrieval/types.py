"""What retrieval speaks of: documents, their passages and the hits of a search. Plain frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal


class Audience(StrEnum):
    """Who may read a document. `PUBLIC` is what customers see; `INTERNAL` never leaves the house."""

    PUBLIC = "public"
    INTERNAL = "internal"


BlockKind = Literal["heading", "paragraph", "item", "row", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """One piece of a document's structure, as character offsets into `Document.text`.

    `level` is 1 to 6 for headings and the nesting depth from 1 for items, else 0. A `row` is one table row whose cells
    are parted by " | "; the first row of a table has `header=True`.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    header: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """One file's extracted text with what is known about it.

    `text` is what a customer may be shown: markup is gone, so that a quote reads as it is written. `name` is the file's
    path relative to the ingested root, without its extension, with forward slashes. `version` is the hex digest of
    everything that an answer could depend on (text, title, audience, language, url), so a changed document has another.

    `source` is the file it was read from and `root` the folder it was ingested with, both absolute; customers never see
    them. `fingerprint` is the digest of the file's bytes and of how it was read: the same one need not be read again.
    `internal_by_title`: the rule about titles held for it. `questions` are those that it answers, where it is an answer
    of a list (`retrieval.curated`), `read_for` the collection of the ingestion that read it, where that is another.
    """

    collection: str
    name: str
    version: str
    title: str
    text: str
    blocks: tuple[Block, ...]
    language: str
    audience: Audience = Audience.PUBLIC
    url: str | None = None
    updated: date | None = None
    review_by: date | None = None
    source: str = ""
    root: str = ""
    fingerprint: str = ""
    internal_by_title: bool = False
    questions: tuple[str, ...] = ()
    read_for: str = ""

    def past_review(self, today: date) -> bool:
        """Whether the day on which somebody should have looked it over has gone by."""
        return self.review_by is not None and self.review_by < today


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of a document that is searched and read as one: `document.text[start:end] == text`.

    `path` is the title path: the document's title, then the headings above the passage.
    """

    collection: str
    document: str
    version: str
    title: str
    path: tuple[str, ...]
    text: str
    start: int
    end: int
    language: str
    audience: Audience = Audience.PUBLIC
    url: str | None = None
    updated: date | None = None
    review_by: date | None = None

    def past_review(self, today: date) -> bool:
        """As `Document.past_review`."""
        return self.review_by is not None and self.review_by < today


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that a search found. `score` is whatever ranked it, higher is better.

    `dense` is the cosine similarity (-1 to 1) and `sparse` BM25's share of the best for this query, each None where
    that side did not find it.
    """

    passage: Passage
    score: float
    dense: float | None = None
    sparse: float | None = None


@dataclass(frozen=True, slots=True)
class Filters:
    """What a search may see. The defaults are a customer's: public passages only.

    `audience=INTERNAL` sees both. `collections` and `languages` None mean all of them.
    """

    collections: frozenset[str] | None = None
    languages: frozenset[str] | None = None
    audience: Audience = Audience.PUBLIC

    def lets(self, document: Document) -> bool:
        """Whether a search may see this document."""
        return (
            (self.audience is Audience.INTERNAL or document.audience is Audience.PUBLIC)
            and (self.collections is None or document.collection in self.collections)
            and (self.languages is None or document.language in self.languages)
        )


@dataclass(frozen=True, slots=True)
class IndexMade:
    """Which FAISS index holds the vectors (`retrieval.grow`) and why, in words.

    `recall` is its recall@10 against exact search, 0 to 1, on a `sample` of questions; `width` how widely it searches
    (HNSW's efSearch, IVF's nprobe; 0: everything); `memory_mib` what it takes, `seconds` how long it took to make.
    """

    kind: Literal["flat", "hnsw", "ivfpq"]
    why: str
    recall: float
    sample: int
    width: int
    memory_mib: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index snapshot says of itself. `made` is None in what an older version wrote."""

    id: str
    created: str
    encoder: str
    dimensions: int
    data_hash: str
    documents: int
    passages: int
    public_documents: int
    internal_documents: int
    collections: tuple[str, ...]
    schema: int = field(default=1)
    made: IndexMade | None = None
