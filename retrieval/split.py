"""A Document to Passages: stretches that are searched and read as one, cut where the headings and blocks allow it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from retrieval.types import Block, Document, Passage
from retrieval.words import count

_SENTENCE_END = re.compile(r"(?<=[.!?;])[\"'”’)\]]*\s+|(?<=[。！？；])[」』”’）]*\s*|\n+")
LEAD_CHARACTERS = 200
"""What leads into a list is said again with so much of it at most."""
_WORD_START = re.compile(r"(?<=\s)(?=\S)|(?<=[\u3400-\u9fff])(?=.)")


@dataclass(frozen=True, slots=True)
class _Piece:
    """What is never cut further: a block or a part of one, with its list marker, and the headings that hold over it.

    `above` is a row's table header, or the sentence that leads into an item's list.
    """

    start: int
    end: int
    words: int
    path: tuple[str, ...]
    heading: bool
    above: str = ""


def split(document: Document, *, target_words: int = 120, max_words: int = 170) -> list[Passage]:
    """Passages in order; they cover every block and `document.text[p.start:p.end] == p.text`.

    Words are counted as `words.count` does. Short neighbouring sections come together up to `target_words`; a passage
    goes over `max_words` only where a single table row does. A heading stays with what follows it. A passage that
    begins amid a table or a list carries the header row, or what leads into the list, as the last part of its path.
    """
    pieces = [piece for block_pieces in _pieces(document, max_words) for piece in block_pieces]
    return [_passage(document, group) for group in _groups(pieces, target_words, max_words)]


def context(passage: Passage) -> str:
    """What is indexed of a passage: its title path, then its text; a heading that the text begins with comes once."""
    path = [part for part in passage.path if not passage.text.startswith(part)]
    return "\n".join([" > ".join(path), passage.text]) if path else passage.text


def _pieces(document: Document, max_words: int) -> Iterator[list[_Piece]]:
    text = document.text
    stack: list[Block] = []
    above, in_table = "", False
    before_end = 0
    for block in document.blocks:
        content = text[block.start : block.end]
        if block.kind == "heading":
            stack = [heading for heading in stack if heading.level < block.level]
        if block.kind not in {"row", "item"} or (block.kind == "row") != in_table:
            above = ""
        # A list marker stands between the line's beginning and the block.
        start = text.rfind("\n", before_end, block.start) + 1 if block.kind == "item" else block.start
        start = max(start, before_end) if text[start : block.start].strip() else block.start
        path = _path(document, stack)
        ranges = [(block.start, block.end)] if block.kind == "row" else list(_cut(text, block, max_words))
        ranges[0] = (start, ranges[0][1])
        yield [
            _Piece(left, right, count(text[left:right]), path, block.kind == "heading", above) for left, right in ranges
        ]
        if block.kind == "heading":
            stack.append(block)
        if block.header:
            above = content
        elif block.kind == "paragraph":
            above = _leads(content)
        in_table = block.kind == "row"
        before_end = block.end


def _leads(paragraph: str) -> str:
    """The last sentence of a paragraph that ends in a colon; "" of any other."""
    if not paragraph.rstrip().endswith((":", "：")):
        return ""
    return [part for part in _SENTENCE_END.split(paragraph) if part.strip()][-1].strip()[-LEAD_CHARACTERS:]


def _path(document: Document, stack: Sequence[Block]) -> tuple[str, ...]:
    headings = [document.text[heading.start : heading.end] for heading in stack]
    return (document.title, *[heading for heading in headings if heading != document.title])


def _cut(text: str, block: Block, max_words: int) -> Iterator[tuple[int, int]]:
    """A block as ranges of at most `max_words`: whole sentences, and parts of sentences that are longer than that."""
    if count(text[block.start : block.end]) <= max_words:
        yield block.start, block.end
        return
    ends = [block.start + found.end() for found in _SENTENCE_END.finditer(text[block.start : block.end])]
    start = block.start
    for left, right in pairwise([block.start, *ends, block.end]):
        if left > start and count(text[start:right]) > max_words:
            yield _trimmed(text, start, left)
            start = left
        if count(text[left:right]) > max_words:
            *whole, start = _cut_sentence(text, left, right, max_words)
            yield from (_trimmed(text, a, b) for a, b in pairwise([left, *whole, start]))
    if start < block.end:
        yield _trimmed(text, start, block.end)


def _cut_sentence(text: str, start: int, end: int, max_words: int) -> list[int]:
    """Where an overlong sentence is cut; the last cut begins what remains."""
    cuts: list[int] = []
    limit = 12 * max_words  # a "word" of thousands of characters (base64, a long address) is cut too
    places = [start + found.start() for found in _WORD_START.finditer(text[start:end])]
    last = start
    begin = start
    for place in [*places, end]:
        while place - last > limit:
            last += limit
            cuts.append(last)
            begin = last
        if last > begin and count(text[begin:place]) > max_words:
            cuts.append(last)
            begin = last
        last = place
    return cuts or [start]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def _groups(pieces: Sequence[_Piece], target: int, maximum: int) -> Iterator[list[_Piece]]:
    """Runs of pieces that make a passage."""
    rest = _words_left(pieces)
    group: list[_Piece] = []
    words = 0
    for piece, left in zip(pieces, rest, strict=True):
        # A new section joins when all of it fits in; the same one goes on up to the target, or to its near end.
        begins = piece.heading and bool(group) and not group[-1].heading
        near = words + left <= (target if begins else maximum)
        if group and not near and (begins or words + piece.words > target):
            carried = _dangling_headings(group)
            if len(carried) < len(group):
                yield group[: len(group) - len(carried)]
                group = carried
                words = sum(held.words for held in group)
        group.append(piece)
        words += piece.words
    if group:
        yield group


def _words_left(pieces: Sequence[_Piece]) -> list[int]:
    """For each piece the words from it to its section's end, where headings without text between are one section."""
    left: list[int] = []
    total = 0
    for index in range(len(pieces) - 1, -1, -1):
        total += pieces[index].words
        left.append(total)
        if pieces[index].heading and index > 0 and not pieces[index - 1].heading:
            total = 0
    return left[::-1]


def _dangling_headings(group: list[_Piece]) -> list[_Piece]:
    kept = len(group)
    while kept and group[kept - 1].heading:
        kept -= 1
    return group[kept:]


def _passage(document: Document, group: Sequence[_Piece]) -> Passage:
    start, end = group[0].start, group[-1].end
    path = group[0].path
    for piece in group[1:]:
        path = _common(path, piece.path)
    if group[0].above:
        path = (*path, group[0].above)
    return Passage(
        collection=document.collection,
        document=document.name,
        version=document.version,
        title=document.title,
        path=path,
        text=document.text[start:end],
        start=start,
        end=end,
        language=document.language,
        audience=document.audience,
        url=document.url,
        updated=document.updated,
        review_by=document.review_by,
    )


def _common(left: tuple[str, ...], right: tuple[str, ...]) -> tuple[str, ...]:
    shared = 0
    while shared < min(len(left), len(right)) and left[shared] == right[shared]:
        shared += 1
    return left[: max(shared, 1)]
