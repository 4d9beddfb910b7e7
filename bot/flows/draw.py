"""Draws a flow: as Mermaid text, and as SVG that needs nothing else.

In the SVG the steps stand below each other in the order of the file; an arrow to the next one is straight, every other
one bends out to the side.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from bot.flows.model import END, Act, Branch, Call, Collect, Flow, LinkTo, Noop, SetSlots, Step

WIDTH, HEIGHT, GAP, TOP = 300, 46, 40, 24
_SHAPES = {
    "collect": ("[/", "/]"),
    "action": ("[", "]"),
    "set": ("[[", "]]"),
    "other": ("([", "])"),
    "noop": ("{", "}"),
}
_COLORS = {"collect": "#dbeafe", "action": "#dcfce7", "set": "#fef9c3", "other": "#f3e8ff", "noop": "#e5e7eb"}


def label(step: Step) -> str:
    """What a step does, in a few words."""
    match step:
        case Collect(slot=slot):
            return f"ask: {slot}"
        case Act(action=action):
            return f"say: {action}" if action.startswith("utter_") else f"run: {action}"
        case SetSlots(values=values):
            return "set: " + ", ".join(f"{name} = {'null' if value is None else value}" for name, value in values)
        case LinkTo(flow=flow):
            return f"go on with: {flow}"
        case Call(flow=flow):
            return f"carry out: {flow}"
        case Noop():
            return "decide"


def mermaid(flows: Sequence[Flow]) -> str:
    """The flows as one Mermaid flowchart, each in a box of its own."""
    lines = ["flowchart TD"]
    for flow in flows:
        names = {id: f"{_name(flow.id)}__{number}" for number, id in enumerate([*flow.steps, END])}
        lines.append(f'  subgraph {_name(flow.id)}["{_quoted(flow.name)}"]')
        for id, step in flow.steps.items():
            opening, closing = _SHAPES[_kind(step)]
            lines.append(f'    {names[id]}{opening}"{_quoted(label(step))}"{closing}')
        lines.append(f'    {names[END]}(("end"))')
        for id, step in flow.steps.items():
            for branch in step.next:
                if branch.target in names:
                    words = _condition(branch, step)
                    arrow = f'-->|"{_quoted(words)}"|' if words else "-->"
                    lines.append(f"    {names[id]} {arrow} {names[branch.target]}")
        lines.append("  end")
    return "\n".join(lines) + "\n"


def svg(flow: Flow) -> str:
    """The flow as an SVG picture."""
    ids = [*flow.steps, END]
    rows = {id: TOP + 34 + number * (HEIGHT + GAP) for number, id in enumerate(ids)}
    parts: list[str] = []
    side = 0
    for number, (id, step) in enumerate(flow.steps.items()):
        for branch in step.next:
            if branch.target not in rows:
                continue
            words = _condition(branch, step)
            if branch.target == ids[number + 1]:
                parts.append(_straight(rows[id], words))
            else:
                side += 1
                parts.append(_bent(rows[id], rows[branch.target], side, words))
    boxes = [_box(rows[id], label(step), _kind(step), id) for id, step in flow.steps.items()]
    boxes.append(_box(rows[END], "end", "noop", END))
    width, height = WIDTH + 120 + side * 26 + 240, rows[END] + HEIGHT + TOP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="{escape(flow.name)}">'
        '<defs><marker id="tip" markerWidth="9" markerHeight="9" refX="8" refY="4.5" orient="auto">'
        '<path d="M0 0 L9 4.5 L0 9 z" fill="#475569"/></marker></defs>'
        f'<text x="20" y="{TOP + 8}" font-size="16" font-weight="600">{escape(flow.name)}</text>'
        f"{''.join(parts)}{''.join(boxes)}</svg>\n"
    )


def page(flows: Sequence[Flow], title: str) -> str:
    """An HTML page with a picture of every flow."""
    drawn = "\n".join(
        f'<section id="{escape(flow.id)}"><h2>{escape(flow.id)}</h2><p>{escape(flow.description)}</p>'
        f"{svg(flow)}</section>"
        for flow in flows
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title><style>'
        "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}svg{max-width:100%}"
        f"</style></head>\n<body><h1>{escape(title)}</h1>\n{drawn}\n</body></html>\n"
    )


def _condition(branch: Branch, step: Step) -> str:
    if branch.condition is not None:
        return branch.condition.text
    return "else" if len(step.next) > 1 else ""


def _kind(step: Step) -> str:
    match step:
        case Collect():
            return "collect"
        case Act():
            return "action"
        case SetSlots():
            return "set"
        case Noop():
            return "noop"
        case _:
            return "other"


def _name(id: str) -> str:
    return re.sub(r"\W", "_", f"flow_{id}")


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")


def _box(y: int, text: str, kind: str, id: str) -> str:
    shown = text if len(text) <= 44 else f"{text[:43]}…"
    radius = 22 if kind in ("noop", "other") else 6
    return (
        f'<g><title>{escape(id)}: {escape(text)}</title><rect x="20" y="{y}" width="{WIDTH}" height="{HEIGHT}" '
        f'rx="{radius}" fill="{_COLORS[kind]}" stroke="#475569"/>'
        f'<text x="{20 + WIDTH // 2}" y="{y + HEIGHT // 2 + 5}" text-anchor="middle">{escape(shown)}</text></g>'
    )


def _straight(y: int, words: str) -> str:
    x = 20 + WIDTH // 2
    return (
        f'<path d="M{x} {y + HEIGHT} V{y + HEIGHT + GAP}" stroke="#475569" fill="none" marker-end="url(#tip)"/>'
        f'<text x="{x + 8}" y="{y + HEIGHT + GAP // 2 + 4}" fill="#475569">{escape(words)}</text>'
    )


def _bent(start: int, end: int, side: int, words: str) -> str:
    x, out = 20 + WIDTH, 20 + WIDTH + 20 + side * 26
    from_y, to_y = start + HEIGHT // 2 + 8, end + HEIGHT // 2 - 8
    return (
        f'<path d="M{x} {from_y} H{out} V{to_y} H{x}" stroke="#475569" fill="none" stroke-linejoin="round" '
        f'marker-end="url(#tip)"/><text x="{x + 6}" y="{from_y - 4}" fill="#475569">{escape(words)}</text>'
    )
