"""Plots as SVG text: shares with intervals, risk by coverage, reliability, history. Values are from 0 to 100.

Colours and letters come from the page's style sheet (`report.html`), so that one drawing is right in light and dark.
Every mark has a title that a pointer shows; every drawing says in words what it shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 800
ROW = 34
TICKS = (0, 20, 40, 60, 80, 100)

Scale = Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a plot of shares. `interval` is None where there is none; `note` stands at the line's end."""

    label: str
    value: float
    interval: Sequence[float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Moment:
    """A figure on a day. `label` says what else was other then (versions)."""

    date: str
    value: float
    interval: Sequence[float] | None = None
    label: str = ""


def shares(rows: Sequence[Share], *, says: str) -> str:
    """A line a share: the value as a dot, its interval as a bar, the figures at the end."""
    left, right, top = 196.0, WIDTH - 132.0, 8.0
    most = 100.0 * max(1, math.ceil(max(row.value for row in rows) / 100))  # a word error rate may be above 100
    x = _scale(0, most, left, right)
    bottom = top + ROW * len(rows)
    parts = [_line(x(t * most / 100), top, x(t * most / 100), bottom, "grid") for t in TICKS]
    parts += [_text(x(t * most / 100), bottom + 18, f"{t * most / 100:g}", "tick", "middle") for t in TICKS]
    for number, row in enumerate(rows):
        y = top + ROW * (number + 0.5)
        told = f"{row.label}: {row.value:.1f}{_between(row.interval)} {row.note}".strip()
        mark = [_text(left - 12, y + 4.5, _short(row.label, 26), "label", "end")]
        if row.interval:
            low, high = (x(min(value, most)) for value in row.interval)
            mark.append(
                f'<rect class="span" x="{low:.1f}" y="{y - 5:.1f}" width="{high - low:.1f}" height="10" rx="5"/>'
            )
        mark.append(_dot(x(row.value), y))
        mark.append(_text(right + 16, y + 4.5, f"{row.value:.1f}", "value", "start"))
        mark.append(_text(right + 66, y + 4.5, row.note, "note", "start"))
        parts.append(_group(mark, told))
    return _svg(parts, WIDTH, bottom + 28, says)


def risk_coverage(
    curve: Sequence[tuple[float, float]], *, stated: float, made: tuple[float, float] | None, says: str
) -> str:
    """Risk by coverage as a line, the stated risk as a dashed one, and what was `made` of it: (coverage, error), or
    None where nothing is answered.
    """
    left, right, top, bottom = 52.0, WIDTH - 24.0, 16.0, 316.0
    highest = max([stated * 2, made[1] if made else 0.0, *(risk for coverage, risk in curve if coverage >= 5)])
    most = next(step for step in (10, 20, 40, 60, 100) if highest <= step or step == 100)
    x, y = _scale(0, 100, left, right), _scale(0, most, bottom, top)
    parts = _frame(x, y, TICKS, [most * part / 4 for part in range(5)])
    points = " ".join(f"{x(coverage):.1f},{y(min(risk, most)):.1f}" for coverage, risk in curve)
    first, last = curve[0][0], curve[-1][0]
    parts.append(f'<polygon class="area" points="{x(first):.1f},{bottom} {points} {x(last):.1f},{bottom}"/>')
    parts.append(f'<polyline class="curve" points="{points}"/>')
    parts.append(_line(left, y(stated), right, y(stated), "limit"))
    parts.append(_text(right - 8, y(stated) - 7, f"stated risk {stated:g}", "limit-label", "end"))
    if made:
        parts.append(_chosen(*made, x, lambda risk: y(min(risk, most))))
    parts += _axes("questions answered, in 100", "wrong among the answered, in 100", left, right, top, bottom)
    return _svg(parts, WIDTH, bottom + 44, says)


def reliability(bins: Sequence[tuple[float, float, Sequence[float], int]], *, says: str) -> str:
    """How often the bot is right by how sure it is: (confidence, accuracy, interval, n) of each bin, and the ideal."""
    left, right, top, bottom = 52.0, 412.0, 16.0, 376.0
    x, y = _scale(0, 100, left, right), _scale(0, 100, bottom, top)
    parts = _frame(x, y, TICKS, TICKS)
    parts.append(_line(x(0), y(0), x(100), y(100), "ideal"))
    key = right + 40
    parts += [
        _line(key, top + 20, key + 34, top + 20, "ideal"),
        _text(key + 46, top + 24, "as sure as right", "label", "start"),
    ]
    parts += [_line(key + 17, top + 40, key + 17, top + 60, "whisker"), _dot(key + 17, top + 50)]
    parts.append(_text(key + 46, top + 54, "a bin of questions, with its interval", "label", "start"))
    line = " ".join(f"{x(confidence):.1f},{y(accuracy):.1f}" for confidence, accuracy, _, _ in bins)
    parts.append(f'<polyline class="thin" points="{line}"/>')
    for confidence, accuracy, (low, high), n in bins:
        told = f"sure {confidence:.0f}, right {accuracy:.0f} [{low:.0f}, {high:.0f}], {n} questions"
        whisker = _line(x(confidence), y(low), x(confidence), y(high), "whisker")
        parts.append(_group([whisker, _dot(x(confidence), y(accuracy))], told))
    parts += _axes("confidence", "right, in 100", left, right, top, bottom)
    return _svg(parts, WIDTH, bottom + 44, says)


def history(moments: Sequence[Moment], *, says: str) -> str:
    """A figure over time, evenly spaced by evaluation, with its intervals as a band."""
    left, right, top, bottom = 52.0, WIDTH - 40.0, 30.0, 210.0
    ends = [value for each in moments for value in (each.value, *(each.interval or ()))]
    low, high = 10 * math.floor(min(ends) / 10), 10 * math.ceil(max(ends) / 10)
    low, high = (low, high) if high > low else (max(0, low - 10), low + 10)
    x, y = _scale(0, max(len(moments) - 1, 1), left + 28, right - 28), _scale(low, high, bottom, top)
    parts = [_line(left, y(t), right, y(t), "grid") for t in _steps(low, high)]
    parts += [_text(left - 8, y(t) + 4, f"{t:g}", "tick", "end") for t in _steps(low, high)]
    if all(each.interval for each in moments):
        above = [f"{x(at):.1f},{y((each.interval or [0, 0])[1]):.1f}" for at, each in enumerate(moments)]
        below = [f"{x(at):.1f},{y((each.interval or [0, 0])[0]):.1f}" for at, each in enumerate(moments)]
        parts.append(f'<polygon class="band" points="{" ".join([*above, *reversed(below)])}"/>')
    line = " ".join(f"{x(at):.1f},{y(each.value):.1f}" for at, each in enumerate(moments))
    parts.append(f'<polyline class="curve" points="{line}"/>')
    every = math.ceil(len(moments) / 8)
    for at, each in enumerate(moments):
        told = f"{each.date}: {each.value:.1f}{_between(each.interval)} {each.label}".strip()
        mark = [_dot(x(at), y(each.value))]
        if at in (0, len(moments) - 1):
            mark.append(_text(x(at), y(each.value) - 12, f"{each.value:.1f}", "value", "middle"))
        if at % every == 0 or at == len(moments) - 1:
            mark.append(_text(x(at), bottom + 18, each.date[:10], "tick", "middle"))
        parts.append(_group(mark, told))
    return _svg(parts, WIDTH, bottom + 28, says)


# -- pieces ------------------------------------------------------------------------------------------------------------


def _svg(parts: Iterable[str], width: float, height: float, says: str) -> str:
    return (
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px" role="img" '
        f'aria-label="{escape(says)}">{"".join(parts)}</svg>'
    )


def _frame(x: Scale, y: Scale, across: Sequence[float], up: Sequence[float]) -> list[str]:
    """Grid lines with their figures."""
    lines = [_line(x(across[0]), y(t), x(across[-1]), y(t), "grid") for t in up]
    lines += [_line(x(t), y(up[0]), x(t), y(up[-1]), "grid") for t in across]
    lines += [_text(x(t), y(up[0]) + 18, f"{t:g}", "tick", "middle") for t in across]
    return lines + [_text(x(across[0]) - 8, y(t) + 4, f"{t:g}", "tick", "end") for t in up]


def _axes(across: str, up: str, *box: float) -> list[str]:
    left, right, top, bottom = box
    turned = f'transform="rotate(-90 14 {(top + bottom) / 2:.1f})"'
    return [
        _text((left + right) / 2, bottom + 38, across, "axis", "middle"),
        f'<text class="axis" text-anchor="middle" x="14" y="{(top + bottom) / 2:.1f}" {turned}>{escape(up)}</text>',
    ]


def _scale(start: float, end: float, first: float, last: float) -> Scale:
    return lambda value: first + (value - start) / (end - start) * (last - first)


def _steps(low: float, high: float) -> list[float]:
    step = next(each for each in (2, 5, 10, 20, 50, 100) if (high - low) / each <= 5)
    return [low + step * at for at in range(int((high - low) / step) + 1)]


def _line(x1: float, y1: float, x2: float, y2: float, name: str) -> str:
    return f'<line class="{name}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, name: str, anchor: str) -> str:
    return f'<text class="{name}" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>' if text else ""


def _dot(x: float, y: float) -> str:
    return f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>'


def _group(parts: Iterable[str], told: str) -> str:
    return f"<g><title>{escape(told)}</title>{''.join(parts)}</g>"


def _chosen(coverage: float, error: float, x: Scale, y: Scale) -> str:
    """Where the thresholds that the other half chose come out."""
    anchor, aside = ("end", -12) if coverage > 70 else ("start", 12)
    dot = f'<circle class="made" cx="{x(coverage):.1f}" cy="{y(error):.1f}" r="6.5"/>'
    text = _text(x(coverage) + aside, y(error) - 12, f"{coverage:.0f} answered, {error:.1f} wrong", "value", anchor)
    return _group([dot, text], f"coverage {coverage:.1f}, error {error:.1f}: thresholds chosen on the other half")


def _between(interval: Sequence[float] | None) -> str:
    return f" [{interval[0]:.1f}, {interval[1]:.1f}]" if interval else ""


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
