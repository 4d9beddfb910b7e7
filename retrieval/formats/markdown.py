"""Markdown (CommonMark with tables and strike-through), through markdown-it-py."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from retrieval.formats import Extracted
from retrieval.formats.html import write_fragment
from retrieval.formats.writer import Writer


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


def extract(text: str) -> Extracted:
    """Markdown without its front matter to plain text. Link addresses and picture sources are dropped."""
    writer = Writer()
    _write_children(SyntaxTreeNode(_parser().parse(text)), writer, 0)
    return writer.finish()


def _write_children(parent: SyntaxTreeNode, writer: Writer, depth: int) -> None:
    for node in parent.children:
        _write(node, writer, depth)


def _write(node: SyntaxTreeNode, writer: Writer, depth: int) -> None:
    match node.type:
        case "heading":
            writer.heading(_inline(node).replace("\v", " "), int(node.tag[1]))
        case "paragraph":
            writer.paragraph(_inline(node))
        case "bullet_list" | "ordered_list":
            _write_list(node, writer, depth + 1)
        case "table":
            rows = [row for part in node.children for row in part.children]
            for index, row in enumerate(rows):
                header = row.parent is not None and row.parent.type == "thead"
                writer.row([_inline(cell) for cell in row.children], header=header, first=index == 0)
        case "fence" | "code_block":
            writer.code(node.content)
        case "html_block":
            write_fragment(node.content, writer)
        case _:
            _write_children(node, writer, depth)


def _write_list(node: SyntaxTreeNode, writer: Writer, depth: int) -> None:
    number = int(node.attrs.get("start", 1))
    for item in node.children:
        marker = f"{number}." if node.type == "ordered_list" else "-"
        number += 1
        head = item.children[0] if item.children else None
        if head is not None and head.type == "paragraph":
            writer.item(_inline(head), depth, marker)
        for child in item.children[1:] if head is not None and head.type == "paragraph" else item.children:
            _write(child, writer, depth)


def _inline(node: SyntaxTreeNode) -> str:
    """The visible text of a node's inline content; "\\v" is a hard line break."""
    pieces: list[str] = []
    for child in node.walk(include_self=False):
        match child.type:
            case "text" | "code_inline":
                pieces.append(child.content)
            case "softbreak":
                pieces.append("\n")
            case "hardbreak":
                pieces.append("\v")
            case "html_inline" if child.content.lower().startswith("<br"):
                pieces.append("\v")
            case _:
                pass  # an image's alternative text comes as its children
    return "".join(pieces)
