"""`frontdesk eval`: one table of what can be evaluated, each loaded when it is called; prints and keeps the result."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from bot.engines import devices
from bot.errors import ConfigError
from channels import terminal
from channels.cli import common_options
from finetune.evals import options, results
from finetune.evals.results import Result

KINDS: dict[str, tuple[str, str]] = {
    "retrieval": ("finetune.evals.retrieval", "search: recall, MRR and nDCG over queries with what is relevant"),
    "reader": ("finetune.evals.reader", "the reader: exact match and F1 on SQuAD-format questions"),
    "answers": ("finetune.evals.answers", "whole turns: answers judged by rules, or two prompts compared"),
    "refusal": ("finetune.evals.refusal", "confidence: coverage at a stated risk, and its calibration"),
    "check": ("finetune.evals.check", "the check: corrupted replies found, false alarms on true ones"),
    "speech": ("finetune.evals.speech", "speech to text: word error rate, words found, real-time factor"),
    "captions": ("finetune.evals.captions", "pictures to text: words found"),
}
"""Name -> (module with `configure(parser)` and `measure(args, bar) -> result`, help line)."""
REPORT = "finetune.evals.report"


def configure(parser: argparse.ArgumentParser) -> None:
    """Every kind with its options."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    for name, (module, line) in KINDS.items():
        # Common options may stand before the kind or behind it: what is not given there must not undo what is here.
        kind = kinds.add_parser(name, help=line, argument_default=argparse.SUPPRESS)
        common_options(kind)
        import_module(module).configure(kind)
        options.limit(kind, rows=name != "reader")
    report = kinds.add_parser(
        "report", help="one HTML page with plots of what was evaluated", argument_default=argparse.SUPPRESS
    )
    common_options(report)
    import_module(REPORT).configure(report)


def run(args: argparse.Namespace) -> int:
    """Measure, print, keep. 0 when it ran, whatever the figures are."""
    devices.calm_threads()
    if args.kind == "report":
        return _report(args)
    result = measured(args)
    if terminal.wants_json():
        terminal.emit(result)
    else:
        show(result)
    return 0


def measured(args: argparse.Namespace) -> Result:
    """The result of one evaluation, kept in HOME/evals and where `--out` says."""
    module, _ = KINDS[args.kind]
    result: Result = import_module(module).measure(args, terminal.progress)
    kept = results.keep(args.settings, result)
    if args.out:
        results.write(args.out, result)
    terminal.complain(f"kept in {kept}")
    return result


def _report(args: argparse.Namespace) -> int:
    report: Any = import_module(REPORT)
    made = report.make(args, [measured(_asked(args, words)) for words in args.run or []])
    if terminal.wants_json():
        terminal.emit(made)
    else:
        terminal.say(f"written to {made['out']}: {made['results']} results")
    return 0


def _asked(args: argparse.Namespace, words: Sequence[str]) -> argparse.Namespace:
    """An evaluation of `--run`, with the report's own home, bot and settings."""
    parser = argparse.ArgumentParser(prog="frontdesk eval report --run")
    configure(parser)
    ours = {"home": args.home, "bot_folder": args.bot_folder, "config": args.config, "settings": args.settings}
    given = parser.parse_args(list(words), argparse.Namespace(**ours))
    if given.kind not in KINDS:
        raise ConfigError(f"--run takes one of {', '.join(KINDS)}")
    return given


def show(result: Result) -> None:
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
