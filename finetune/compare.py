"""`frontdesk train compare`: every method on one data set, with what it costs beside what it brings.

The questions to judge by are of articles that no method learns from. Each method is a run of `frontdesk train reader`
in a process of its own (so that its memory is its own), takes up its checkpoint when it was stopped, and leaves its
figures in METHOD.json; a comparison that is started again runs only what is missing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from channels import terminal
from finetune import data, options
from finetune.data import DataError
from finetune.methods import METHODS
from finetune.reader import Recipe

Row = dict[str, Any]
Launch = Callable[[list[str]], int]
PASSED = ("short", "epochs", "batch", "max_length", "stride", "seed", "threads")
"""Options that each run gets as they are given, but for its number of passes."""


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk train compare`."""
    default = Recipe()
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FILE", help="questions in SQuAD's format, of several articles")
    add("--questions", type=int, default=500, metavar="N", help="questions to learn from (default: 500)")
    add("--judged", type=int, default=300, metavar="N", help="at most so many to choose on, and so many to report on")
    add("--methods", nargs="+", choices=list(METHODS), default=list(METHODS), metavar="METHOD", help=", ".join(METHODS))
    options.common(parser, name="compare", base="the BERT body")
    group = parser.add_argument_group("recipe")
    options.recipe(
        group,
        default,
        epochs="passes over whole passages; a slow method gets more of them",
        rate="learning rate of all methods (default: each its own)",
        batch="windows a step",
    )
    add = group.add_argument
    add("--short", type=int, default=default.short, metavar="N", help="first passes over a few sentences; also more")
    add("--max-length", type=int, default=default.max_length, help="tokens of a window")
    add("--stride", type=int, default=default.stride, help="tokens that neighbouring windows share")


def run(args: argparse.Namespace) -> int:
    """Run what is missing, then print and plot all."""
    if min(args.questions, args.judged, args.epochs) < 1 or args.short < 0:
        raise DataError("--questions, --judged and --epochs are at least 1, --short is not negative")
    out = options.out_of(args, "compare")
    counts = split(args.data, out / "data", args.questions, args.judged, args.seed)
    terminal.say("{learn} questions to learn from, {choose} to choose on, {report} to report on".format(**counts))
    rows = []
    for method in dict.fromkeys(args.methods):
        terminal.say(f"-- {method}")
        rows.append(measured(method, words(method, args, out), out, fresh=args.fresh, launch=launched))
    chart = plot(rows, out)
    content = {"data": args.data.name, "questions": counts, "methods": rows}
    (out / "compare.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for line in table(rows):
        terminal.say(line)
    terminal.say(f"written to {out}" + (f", plotted in {chart.name}" if chart else ""))
    if args.json:
        terminal.emit({"out": str(out), **content})
    return 0


def split(file: Path, folder: Path, questions: int, judged: int, seed: int) -> dict[str, int]:
    """Write train.json, validation.json and dev.json, each of articles of its own; how many questions each has.

    A fifth of the questions may report, a tenth of the others be chosen on, of each at most `judged`. The same seed
    gives the same parts. Raises DataError where there are fewer than three articles.
    """
    learn, report = data.split(data.read(file), 0.2, seed)
    learn, choose = data.split(learn, 0.1, seed)
    parts = {"train": (learn, questions), "validation": (choose, judged), "dev": (report, judged)}
    drawn = {name: data.sample(part, most, seed) for name, (part, most) in parts.items()}
    for name, part in drawn.items():
        data.write(folder / f"{name}.json", part)
    return {"learn": len(drawn["train"]), "choose": len(drawn["validation"]), "report": len(drawn["dev"])}


def words(method: str, args: argparse.Namespace, out: Path) -> list[str]:
    """The command of one run, without `frontdesk`."""
    longer = METHODS[method].longer
    given = {name: getattr(args, name) for name in PASSED}
    given |= {"short": args.short * longer, "epochs": args.epochs * longer, "rate": args.rate, "device": args.device}
    given |= {"base": args.base or options.base_of(args), "source": args.source}
    found = ["train", "reader", "--method", method, "--data", str(out / "data"), "--out", str(out / method)]
    for name, value in given.items():
        found += [] if value is None else [f"--{name.replace('_', '-')}", str(value)]
    flags = ("--bf16", args.bf16), ("--fresh", args.fresh)
    return [*found, "--home", str(args.settings.home), *(flag for flag, on in flags if on)]


def launched(words: list[str]) -> int:
    """Run a command in a process of its own, which prints on standard error; its exit code."""
    program = [sys.executable, "-c", "from channels.cli import main; raise SystemExit(main())", *words]
    return subprocess.run(program, stdout=sys.stderr, check=False).returncode  # noqa: S603 - our own command


def measured(method: str, words: list[str], out: Path, *, fresh: bool, launch: Launch) -> Row:
    """One method's figures: those that lie there, when they are of the same command and data, or of a new run.

    Raises DataError when the run fails.
    """
    file = out / f"{method}.json"
    asked = {"command": words, "data": {each.name: each.stat().st_size for each in sorted((out / "data").iterdir())}}
    if file.is_file() and not fresh:
        kept: Row = json.loads(file.read_text(encoding="utf-8"))
        if kept["asked"] == asked:
            terminal.say("measured before")
            return kept
    if code := launch(words):
        raise DataError(f"training by {method} failed with exit code {code}; what it said stands above")
    told = json.loads((out / method / "metrics.json").read_text(encoding="utf-8"))
    row = {
        "method": method,
        "f1": told["scores"]["dev"]["f1"],
        "forced_f1": told["scores"]["dev"]["forced_f1"],
        "exact": told["scores"]["dev"]["exact"],
        "learned": told["learned"],
        "minutes": round(told["seconds"] / 60, 2),
        "processor_minutes": round(told["processor_seconds"] / 60, 2),
        "memory_mib": told["memory_mib"],
        "megabytes": round(sum(each.stat().st_size for each in (out / method).glob("*.safetensors")) / 1e6, 2),
        "passes": len(told["epochs"]),
        "hardware": told["hardware"],
        "asked": asked,
    }
    file.write_text(json.dumps(row, indent=1) + "\n", encoding="utf-8")
    return row


def table(rows: Sequence[Row]) -> list[str]:
    """A Markdown table, the best first."""
    names = ("method", "F1", "has-answer F1, made to answer", "EM", "parameters", "passes", "minutes (processor)")
    head = [*names, "MiB", "file, MB"]
    lines = [head, ["---"] * len(head)]
    lines += [
        [
            row["method"],
            *(f"{row[name]:.1f}" for name in ("f1", "forced_f1", "exact")),
            f"{row['learned']:,}",
            str(row["passes"]),
            f"{row['minutes']:.1f} ({row['processor_minutes']:.1f})",
            f"{row['memory_mib']:,}",
            f"{row['megabytes']:.2f}",
        ]
        for row in sorted(rows, key=lambda each: -float(each["forced_f1"]))
    ]
    return [f"| {' | '.join(line)} |" for line in lines]


def plot(rows: Sequence[Row], out: Path) -> Path | None:
    """compare.png: has-answer F1 against parameters, processor minutes and memory. None without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    axes = figure.subplots(1, 3, sharey=True)
    axes[0].set_ylabel("has-answer F1, made to answer")
    costs = (("learned", "parameters that learn"), ("processor_minutes", "processor minutes"), ("memory_mib", "MiB"))
    for panel, (name, label) in zip(axes, costs, strict=True):
        for row in rows:
            panel.plot(row[name], row["forced_f1"], "o", color="tab:blue")
            panel.annotate(row["method"], (row[name], row["forced_f1"]), (5, 4), textcoords="offset points", size=8)
        panel.set_xlabel(label)
        panel.margins(0.18)
        panel.grid(alpha=0.3)
    axes[0].set_xscale("log")
    figure.savefig(out / "compare.png", dpi=80)
    return out / "compare.png"
