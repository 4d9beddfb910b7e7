"""`frontdesk eval`: measures, prints and keeps; and makes a page of what was kept."""

from __future__ import annotations

import argparse

from bot.engines import devices
from channels import terminal
from channels.cli import common_options
from finetune.evals import kinds, report, results
from finetune.evals.results import Result


def configure(parser: argparse.ArgumentParser) -> None:
    """Every kind with its options, and the report's."""
    every = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    # Common options may stand before the kind or behind it: what is not given there must not undo what is here.
    for name, (_, line) in kinds.KINDS.items():
        kind = every.add_parser(name, help=line, argument_default=argparse.SUPPRESS)
        common_options(kind)
        kinds.configure(kind, name)
    page = every.add_parser("report", help="one HTML page with plots of results", argument_default=argparse.SUPPRESS)
    common_options(page)
    report.configure(page)


def run(args: argparse.Namespace) -> int:
    """Measure, print, keep. 0 when it ran, whatever the figures are."""
    devices.calm_threads()
    if args.kind == "report":
        made = report.make(args, [_measured(kinds.asked(words, args.settings)) for words in args.run or []])
        if terminal.wants_json():
            terminal.emit(made)
        terminal.say(f"written to {made['out']}: {made['results']} results")
        return 0
    result = _measured(args)
    if terminal.wants_json():
        terminal.emit(result)
    else:
        _show(result)
    return 0


def _measured(args: argparse.Namespace) -> Result:
    """The result of one evaluation, kept in HOME/evals and where `--out` says."""
    result = kinds.measure(args.kind, args, terminal.progress)
    kept = results.keep(args.settings, result)
    if args.out:
        results.write(args.out, result)
    terminal.complain(f"kept in {kept}")
    return result


def _show(result: Result) -> None:
    """The figures for people: a line a metric, then a line a kind, then what failed."""
    intervals = result.get("intervals", {})
    for name, value in result.items():
        if name in intervals:
            terminal.say(f"{name:>22}  {_figure(value)}{_between(intervals[name])}")
        elif isinstance(value, int | float) and name not in {"seconds"}:
            terminal.say(f"{name:>22}  {value:g}")
    for kind, figures in result.get("kinds", {}).items():
        between = figures.get("intervals", {})
        shown = "  ".join(f"{name} {_figure(figures[name])}{_between(between[name])}" for name in between)
        terminal.say(f"{kind:>22}  {shown}  n {figures['n']}")
    if told := result.get("compared"):
        for name, value, between in zip(told["prompts"], told["right"], told["intervals"], strict=True):
            terminal.say(f"right with {name}  {_figure(value)}{_between(between)}")
        terminal.say(f"the second gains {told['gain']:g}{_between(told['gain_interval'])}, by chance p = {told['p']:g}")
    for failure in result.get("failures", []):
        terminal.say(f"  line {failure['line']}, {failure['kind']}: {failure['question']!r}")
        terminal.say(f"    {'; '.join(failure['why'])}")
        terminal.say(f"    said: {failure['text'][:200]!r}")
    versions = "  ".join(f"{name} {version}" for name, version in result["versions"].items())
    terminal.say(f"{versions}  on {result['device']}, {result['seconds']:g} s")


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:6.2f}"


def _between(interval: list[float] | None) -> str:
    return "" if interval is None else f"  [{interval[0]:.1f}, {interval[1]:.1f}]"
