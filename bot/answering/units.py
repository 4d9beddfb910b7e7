"""The pieces of a document that can answer: whole sentences, list items, table rows. Never half a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from bot import sentences
from bot.engines import wording
from bot.types import Citation
from retrieval.types import Block, Document, Passage

LIST_ITEMS, LIST_CHARACTERS = 10, 900
"""A list that is shown as a whole has at most so many items and characters."""
_LEADS = re.compile(r"[:：]\s*$")


@dataclass(frozen=True, slots=True)
class Unit:
    """`document.text[start:end]` answers; `text` is how it is shown.

    The same words but for a table row, which is told with its header's words. `lead` is where the sentence stands that
    introduces a list of which this is an item, `block` the place of the block among the document's, `asked` the
    question on the page that this comes right after.
    """

    document: Document
    path: tuple[str, ...]
    kind: str
    start: int
    end: int
    text: str
    block: int
    lead: tuple[int, int] | None = None
    asked: str = ""

    @property
    def quote(self) -> str:
        return self.document.text[self.start : self.end]

    @property
    def heading(self) -> str:
        """The title path as the checker wants it, in a line of its own."""
        return "# " + " > ".join(self.path).replace("\n", " ")

    @property
    def evidence(self) -> str:
        """What the checker and the generator are shown of it."""
        return f"{self.introduction} {self.text}".strip()

    @property
    def placed(self) -> str:
        """What its vector is made of: a sentence does not say which of two like products it speaks of, its place does.

        On 28 questions about a bank's near-identical products a right sentence was among the six nearest for 39 in 100
        without the headings, for 93 with them.
        """
        return f"{' > '.join(self.path[-2:])}: {self.asked} {self.evidence}".replace(":  ", ": ")

    @property
    def introduction(self) -> str:
        return self.document.text[slice(*self.lead)] if self.lead else ""

    def citations(self) -> tuple[Citation, ...]:
        """Where it stands, the list's introduction first."""
        spans = [self.lead, (self.start, self.end)] if self.lead else [(self.start, self.end)]
        return tuple(cite(self.document, start, end) for start, end in spans if (start, end))


def cite(document: Document, start: int, end: int) -> Citation:
    """A citation of `document.text[start:end]`."""
    return Citation(
        collection=document.collection,
        document=document.name,
        version=document.version,
        title=document.title,
        quote=document.text[start:end],
        start=start,
        end=end,
        url=document.url,
        past_review=document.past_review(date.today()),
    )


def units(document: Document, passage: Passage) -> list[Unit]:
    """Everything in a passage that can answer, in order; headings, table headers and questions cannot.

    A page's own question ("How long does it take?") says what the block with it, and the next one, answer.
    """
    found: list[Unit] = []
    asked, until = "", -1
    for at, block in _inside(document, passage):
        for unit in _of_block(document, passage, at, block):
            if unit.kind in ("paragraph", "item") and unit.text.endswith(("?", "？")):
                asked, until = unit.text, at + 1
            else:
                found.append(replace(unit, asked=asked) if at <= until else unit)
    return found


def compared(document: Document, passage: Passage) -> list[str]:
    """What a question's vector is compared with: each unit in its place, and the questions that a list's answer is for.
    Nothing where it goes by words.
    """
    if passage.language == "zh":
        return []
    return [*(unit.placed for unit in units(document, passage)), *document.questions]


def overlapping(found: Sequence[Unit], start: int, end: int) -> Unit | None:
    """The unit that a span answers with: the one it shares most characters with, joined with the others it touches.

    Sentences of one block are joined, up to three; else the largest share wins. None for a span that lies in no unit,
    as in a heading. `start` and `end` are offsets into the document.
    """
    if start >= end:
        return None
    shares = [(min(end, unit.end) - max(start, unit.start), unit) for unit in found]
    touched = [(share, unit) for share, unit in shares if share > 0]
    if not touched:
        return None
    best = max(touched, key=lambda pair: pair[0])[1]
    same = [unit for _, unit in touched if unit.block == best.block][:3]
    return _joined(same) if best.kind == "paragraph" and len(same) > 1 else best


def understandable(unit: Unit, found: Sequence[Unit]) -> Unit:
    """The unit with what it needs to be understood: the sentence before "It ..." or "Otherwise ...", the list after
    "Do this:".
    """
    if unit.kind == "paragraph" and wording.ANAPHORA.match(unit.quote):
        before = [other for other in found if other.block == unit.block and other.end <= unit.start]
        if before:
            unit = _joined([before[-1], unit])
    if unit.kind == "paragraph" and _LEADS.search(unit.quote):
        return _with_list(unit)
    return unit


def whole_list(unit: Unit) -> Unit:
    """For a question about how: an item's list with its introduction, if it is short enough; else the unit."""
    blocks = unit.document.blocks
    if unit.kind != "item":
        return unit
    first = last = unit.block
    while first > 0 and blocks[first - 1].kind == "item":
        first -= 1
    while last + 1 < len(blocks) and blocks[last + 1].kind == "item":
        last += 1
    start = unit.lead[0] if unit.lead else _line_start(unit.document.text, blocks[first].start)
    end = blocks[last].end
    if last - first + 1 > LIST_ITEMS or end - start > LIST_CHARACTERS:
        return unit
    return replace(unit, start=start, end=end, text=unit.document.text[start:end], lead=None, kind="list")


def _inside(document: Document, passage: Passage) -> Iterator[tuple[int, Block]]:
    for at, block in enumerate(document.blocks):
        if block.start < passage.end and block.end > passage.start:
            yield at, block


def _of_block(document: Document, passage: Passage, at: int, block: Block) -> Iterator[Unit]:
    if block.kind == "heading" or block.header:
        return
    text, path = document.text, _path(document, at)
    if block.kind == "paragraph":
        for start, end in sentences.split(text, block.start, block.end):
            if start < passage.end and end > passage.start:
                yield Unit(document, path, "paragraph", start, end, " ".join(text[start:end].split()), at)
    elif block.kind == "row":
        yield Unit(document, path, "row", block.start, block.end, _row(document, at), at)
    else:
        lead = _lead(document, at) if block.kind == "item" else None
        yield Unit(document, path, block.kind, block.start, block.end, text[block.start : block.end], at, lead)


def _path(document: Document, at: int) -> tuple[str, ...]:
    """The title and the headings above a block."""
    found: list[str] = []
    level = 7
    for block in reversed(document.blocks[:at]):
        if block.kind == "heading" and block.level < level:
            level = block.level
            found.append(document.text[block.start : block.end])
    return tuple(dict.fromkeys([document.title, *reversed(found)]))


def _row(document: Document, at: int) -> str:
    """A table row in words: "Delivery to: Germany; Standard delivery: €7.95." """
    cells = document.text[document.blocks[at].start : document.blocks[at].end].split(" | ")
    header = at
    while header >= 0 and document.blocks[header].kind == "row" and not document.blocks[header].header:
        header -= 1
    if header < 0 or not document.blocks[header].header:
        return " | ".join(cell.strip() for cell in cells)
    names = document.text[document.blocks[header].start : document.blocks[header].end].split(" | ")
    said = []
    for name, cell in zip(names, cells, strict=False):
        label = name.strip()
        mark = "" if not label or label[-1] in ":?：？" else ":"
        if cell.strip():
            said.append(f"{label}{mark} {cell.strip()}".strip())
    return "; ".join(part.rstrip(".。") for part in said) + "."


def _lead(document: Document, at: int) -> tuple[int, int] | None:
    """The sentence before a list that ends in a colon."""
    first = at
    while first > 0 and document.blocks[first - 1].kind == "item":
        first -= 1
    if first == 0 or document.blocks[first - 1].kind != "paragraph":
        return None
    block = document.blocks[first - 1]
    if not _LEADS.search(document.text[block.start : block.end]):
        return None
    return sentences.split(document.text, block.start, block.end)[-1]


def _with_list(unit: Unit) -> Unit:
    blocks, text = unit.document.blocks, unit.document.text
    end, items = unit.end, 0
    for block in blocks[unit.block + 1 :]:
        if block.kind != "item" or items == LIST_ITEMS or block.end - unit.start > LIST_CHARACTERS:
            break
        end, items = block.end, items + 1
    return replace(unit, end=end, text=text[unit.start : end], kind="list") if items else unit


def _joined(same: Sequence[Unit]) -> Unit:
    start, end = same[0].start, same[-1].end
    return replace(same[0], start=start, end=end, text=" ".join(same[0].document.text[start:end].split()))


def _line_start(text: str, at: int) -> int:
    """Where the line of a list item begins, its marker included."""
    start = text.rfind("\n", 0, at) + 1
    return start if len(text[start:at].strip()) <= 4 else at
