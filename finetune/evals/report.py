"""`eval report`: one HTML page, complete in itself, of what was evaluated: figures, plots, failures and history."""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.errors import ConfigError
from finetune.evals import charts, results
from finetune.evals.charts import Moment, Share
from finetune.evals.results import Result

TEMPLATE = "report.html"
HEADLINES = {
    "retrieval": "recall@5",
    "reader": "f1",
    "answers": "right",
    "refusal": "coverage",
    "check": "recall",
    "speech": "wer",
    "captions": "recall",
}
"""The figure of each kind whose history is drawn."""
TITLES = {
    "answers": ("Answers", "Whole turns, judged by rules"),
    "refusal": ("Refusal", "What the bot's confidence is worth"),
    "retrieval": ("Retrieval", "Whether what is relevant is found, and how early"),
    "reader": ("Reader", "The span of a passage that answers a question"),
    "check": ("Check", "Corrupted replies found, true ones blocked"),
    "speech": ("Speech", "Recordings to text"),
    "captions": ("Captions", "Pictures to text"),
}
"""In the page's order."""
NAMES = {
    "right": "right",
    "right_of_answerable": "right of the answerable",
    "citation_precision": "citations that fit",
    "answered": "answerable ones answered",
    "coverage": "answered",
    "coverage_answerable": "answered of the answerable",
    "error": "wrong among the answered",
    "calibration_error": "calibration error",
    "exact": "exact match",
    "f1": "F1",
    "has_answer_f1": "F1 with an answer",
    "no_answer_f1": "F1 without an answer",
    "recall": "recall",
    "false_alarms": "false alarms",
    "precision": "precision",
    "wer": "word error rate",
    "pictures": "pictures seen whole",
    "mrr@10": "MRR@10",
    "ndcg@10": "nDCG@10",
}


def configure(parser: argparse.ArgumentParser) -> None:
    """The options of `frontdesk eval report`."""
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="the page to write")
    parser.add_argument(
        "--result",
        type=Path,
        action="append",
        default=None,
        metavar="FILE.json",
        help="a result of another evaluation; may be given several times (default: all that are kept in HOME/evals)",
    )
    parser.add_argument(
        "--run",
        type=shlex.split,
        action="append",
        default=None,
        metavar="ARGUMENTS",
        help='an evaluation to run first, as in --run "reader --data dev.json"; may be given several times',
    )


def make(args: argparse.Namespace, fresh: Sequence[Result] = ()) -> dict[str, Any]:
    """Write the page of the given and `fresh` results, else of all that are kept. Raises ConfigError without any."""
    # What was run now is kept already.
    found = [*map(results.read, args.result), *fresh] if args.result else results.kept(args.settings)
    if not found:
        raise ConfigError(
            "there are no results yet: run `frontdesk eval answers` or another evaluation, or give --result"
        )
    unknown = sorted({str(result["eval"]) for result in found} - TITLES.keys())
    if unknown:
        raise ConfigError(f"results of {', '.join(unknown)} cannot be shown; there are: {', '.join(TITLES)}")
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{args.out} cannot be written: {error.strerror}") from None
    return {"out": str(args.out), "results": len(found)}


def page(found: Sequence[Result]) -> str:
    """The page's HTML. Of evaluations of the same data with the same options the newest is shown, and all over time."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(loader=PackageLoader("finetune.evals", "."), autoescape=True, undefined=StrictUndefined)
    runs: dict[str, list[Result]] = {}
    for result in sorted(found, key=lambda each: str(each["date"])):
        runs.setdefault(_same(result), []).append(result)
    newest = [same[-1] for same in runs.values()]
    sections = [
        {
            "name": name,
            "title": title,
            "line": line,
            "results": [shown(each) for each in newest if each["eval"] == name],
        }
        for name, (title, line) in TITLES.items()
        if any(each["eval"] == name for each in newest)
    ]
    return environment.get_template(TEMPLATE).render(
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        count=len(found),
        tiles=[tile for each in newest if (tile := _tile(each)) is not None],
        sections=sections,
        histories=[told for same in runs.values() if (told := _history(same)) is not None],
    )


def shown(result: Result) -> dict[str, Any]:
    """What the template needs of one result."""
    kind = str(result["eval"])
    plots = [("", charts.shares(rows, says=f"{TITLES[kind][0]}: " + _told(rows)))] if (rows := _shares(result)) else []
    kinds = result.get("kinds", {})
    for name in dict.fromkeys(name for figures in kinds.values() for name in figures["intervals"]):
        lines = [
            Share(each, figures[name], figures["intervals"][name], f"n {figures['n']}")
            for each, figures in kinds.items()
            if figures.get(name) is not None
        ]
        plots.append((f"{_name(name).capitalize()}, by kind", charts.shares(lines, says=f"{name}: " + _told(lines))))
    return {
        "data": result["data"]["file"],
        "options": _options(result),
        "n": result.get("n", 0),
        "date": str(result["date"])[:16].replace("T", " "),
        "facts": _facts(result),
        "plots": plots,
        "refusal": _refusal(result) if kind == "refusal" else None,
        "compared": result.get("compared"),
        "failures": result.get("failures", []),
        "versions": result.get("versions", {}),
        "device": result.get("device", ""),
        "seconds": result.get("seconds", 0),
    }


def _refusal(result: Result) -> dict[str, Any]:
    curve = [(point["coverage"], point["risk"]) for point in result["curve"]]
    made = (result["coverage"], result["error"]) if result["error"] is not None else None
    told = f"{made[0]:.0f} in 100 answered with {made[1]:.1f} in 100 wrong" if made else "no threshold is safe enough"
    bins = [(each["confidence"], each["accuracy"], each["interval"], each["n"]) for each in result["reliability"]]
    stated = result["risk"]
    return {
        "curve": charts.risk_coverage(
            curve,
            stated=stated,
            made=made,
            says=f"Risk by coverage: {told}",
        ),
        "reliability": charts.reliability(
            bins, says=f"How often it is right by how sure it is; calibration error {result['calibration_error']:.1f}"
        ),
        "told": "" if made else f"At a risk of {stated:g} in 100 no threshold is safe enough: nothing may be answered.",
        "bins": bins,
        "note": result["bins"],
    }


def _shares(result: Result) -> list[Share]:
    intervals = result.get("intervals", {})
    return [
        Share(_name(name), result[name], interval) for name, interval in intervals.items() if result[name] is not None
    ]


def _facts(result: Result) -> list[tuple[str, str]]:
    """Plain figures of a result, as (name, figure)."""
    skipped = {"n", "seconds", *result.get("intervals", {})}
    facts = [(key.replace("_", " "), f"{value:g}") for key, value in result.items() if _plain(key, value, skipped)]
    if "outcomes" in result:
        facts.append(("outcomes", ", ".join(f"{name} {count}" for name, count in result["outcomes"].items())))
    if result.get("generator", {}).get("answered"):
        told = result["generator"]
        facts.append(("worded by the generator", f"{told['phrased']:g} in 100 answers"))
    return facts


def _plain(key: str, value: object, skipped: set[str]) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and key not in skipped


def _tile(result: Result) -> dict[str, Any] | None:
    name = _headline(result)
    if result.get(name) is None:
        return None
    interval = result.get("intervals", {}).get(name)
    return {
        "section": result["eval"],
        "title": TITLES[str(result["eval"])][0],
        "metric": _name(name),
        "value": f"{result[name]:.1f}",
        "interval": f"{interval[0]:.1f} to {interval[1]:.1f}" if interval else "",
        "n": result.get("n", 0),
        "data": result["data"]["file"],
        "options": _options(result),
    }


def _headline(result: Result) -> str:
    """A reader that may not refuse is judged by the questions that have an answer."""
    bold = result["data"].get("options", {}).get("always_answer")
    return "has_answer_f1" if bold else HEADLINES[str(result["eval"])]


def _history(same: Sequence[Result]) -> dict[str, str] | None:
    """The headline figure of evaluations over the same data, where there are two or more."""
    kind, name = str(same[0]["eval"]), _headline(same[0])
    moments = [
        Moment(str(each["date"])[:16].replace("T", " "), each[name], each["intervals"].get(name), _versions(each))
        for each in same
        if each.get(name) is not None
    ]
    if len(moments) < 2:
        return None
    title = f"{TITLES[kind][0]}: {_name(name)}"
    told = f"{title} on {same[0]['data']['file']}, from {moments[0].value:.1f} to {moments[-1].value:.1f}"
    return {"title": title, "data": same[0]["data"]["file"], "chart": charts.history(moments, says=told)}


def _same(result: Result) -> str:
    """What is the same for evaluations that can be compared. Weights and prompts are what changes between them."""
    options = {key: value for key, value in result["data"].get("options", {}).items() if key not in _VARYING}
    return json.dumps([result["eval"], result["data"].get("sha256"), options], sort_keys=True, default=str)


_VARYING = {"reader", "prompt"}


def _versions(result: Result) -> str:
    return " ".join(f"{name} {version}" for name, version in result.get("versions", {}).items() if name != "frontdesk")


def _told(rows: Sequence[Share]) -> str:
    return "; ".join(f"{row.label} {row.value:.1f}" for row in rows)


def _options(result: Result) -> str:
    given: dict[str, object] = result["data"].get("options", {})
    return ", ".join(f"{key.replace('_', ' ')} {_option(value)}".strip() for key, value in given.items())


def _option(value: object) -> str:
    return "" if value is True else " and ".join(map(str, value)) if isinstance(value, list) else str(value)


def _name(name: str) -> str:
    return NAMES.get(name, name)
