"""Sections of a public page that are not for customers: parted from it at ingestion, so that no turn can see them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from re import Pattern

from retrieval.formats import Extracted
from retrieval.types import Block

INTERNAL = re.compile(
    r"\binternal(?:[\s-]use)?[\s-]only\b|\bfor internal use\b|\b(?:not to|do not|don't) (?:be )?disclosed?\b"
    r"|仅供内部|内部使用|不得外传",
    re.I,
)
"""What a heading says when what stands under it is for the staff alone."""
MARK = "#internal"
"""The staff's part of the page NAME is the document NAME#internal."""


def parted(extracted: Extracted, rule: Pattern[str]) -> tuple[Extracted, Extracted | None]:
    """(what everybody may read, what stands under headings in which the rule is found; None when there are none).

    A section goes on to the next heading of its own level or a higher one. The order stays; offsets are those of the
    new texts.
    """
    hidden, level = [], 7
    for block in extracted.blocks:
        if block.kind == "heading" and block.level <= level:
            inside = rule.search(extracted.text[block.start : block.end]) is not None
            level = block.level if inside else 7
        hidden.append(level < 7)
    if not any(hidden):
        return extracted, None
    return _part(extracted, hidden, False), _part(extracted, hidden, True)


def _part(extracted: Extracted, hidden: Sequence[bool], wanted: bool) -> Extracted:
    """The blocks for which `hidden` is `wanted`, each with what stands before it (a list's marker, an empty line)."""
    text, blocks = "", []
    before = 0
    for block, is_hidden in zip(extracted.blocks, hidden, strict=True):
        if is_hidden is wanted:
            lead = extracted.text[before : block.start]
            lead = lead if text else lead.lstrip()
            at = len(text) + len(lead)
            text += lead + extracted.text[block.start : block.end]
            blocks.append(_moved(block, at))
        before = block.end
    return replace(extracted, text=text, blocks=tuple(blocks))


def _moved(block: Block, start: int) -> Block:
    return replace(block, start=start, end=start + block.end - block.start)
