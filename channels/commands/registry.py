"""`frontdesk registry`: versions of trained models; which one is served, since when, and on what figures."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import getpass
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from bot.engines import devices
from bot.engines.registry import BUILT_IN, KINDS, Action, Registry
from bot.errors import ConfigError
from bot.settings import Settings, make_home
from bot.store.base import ModelVersion, Promotion
from channels import terminal
from channels.cli import common_options

GATE = "finetune.evals.gate"
"""The module with `compare`: named, not imported, as the commands of `channels.cli` are."""
HEADLINES: dict[str, tuple[str, ...]] = {
    "reader": ("scores.dev.f1", "scores.held_out.f1"),
    "encoder": ("scores.report.after.fused.recall_10", "scores.choose.after.fused.recall_10"),
}
"""The figure by which a list tells versions apart, where training wrote it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Every action with its options."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, line: str) -> argparse.ArgumentParser:
        # Common options may stand before the action or behind it: what is not given there must not undo what is here.
        action = actions.add_parser(name, help=line, description=line, argument_default=argparse.SUPPRESS)
        common_options(action)
        return action

    def author(action: argparse.ArgumentParser) -> None:
        action.add_argument("--by", default=None, metavar="NAME", help="who you are (default: your login)")

    added = add("add", "take a trained model in, with its card and metrics")
    added.add_argument("kind", choices=KINDS)
    added.add_argument("folder", type=Path, metavar="DIR", help="what 'frontdesk train' wrote")
    listed = add("list", "all versions, and which are served")
    listed.add_argument("kind", choices=[*KINDS, "all"], nargs="?", default="all")
    add("show", "one version: its card, where it lies, when it was served").add_argument("version", metavar="VERSION")
    compared = add("diff", "two versions side by side: metrics, data, method")
    for name in ("first", "second"):
        compared.add_argument(name, metavar="VERSION", help="its id, the beginning of it, or what it calls itself")
    compared.add_argument("--all", action="store_true", default=False, help="what is the same in both, too")
    promoted = add("promote", "serve a version, if it is better than the one that is served")
    promoted.add_argument("version", metavar="VERSION")
    promoted.add_argument(
        "--data",
        type=Path,
        default=None,
        metavar="FILE",
        help="compare on this: SQuAD for a reader, queries for an encoder",
    )
    promoted.add_argument("--docs", type=Path, default=None, metavar="DIR_OR_JSONL", help="what an encoder searches")
    promoted.add_argument("--limit", type=int, default=None, metavar="N", help="only N rows, spread over the file")
    promoted.add_argument(
        "--force", action="store_true", default=False, help="even if it is not better, or not compared"
    )
    rolled = add("rollback", "serve what was served before the last promotion")
    rolled.add_argument("kind", choices=KINDS)
    for action in (promoted, rolled):
        action.add_argument("--reason", default="", metavar="TEXT", help="why, for the record")
    for action in (added, promoted, rolled):
        author(action)


def run(args: argparse.Namespace) -> int:
    """One action. 0 when it was done; 1 for a promotion that was refused."""
    if args.action == "promote":
        if args.force and not args.reason.strip():
            raise ConfigError("--force needs --reason TEXT: it is recorded with the promotion")
        if not args.force and args.data is None:
            raise ConfigError("give --data FILE to compare on, or --force --reason TEXT")
        return _promote(args)
    return _with(args, ACTIONS[args.action])


def _with(args: argparse.Namespace, work: Callable[[Registry, argparse.Namespace], Awaitable[int]]) -> int:
    from bot.store.sql import SqlStore

    settings: Settings = args.settings

    async def done() -> int:
        make_home(settings.home)
        store = SqlStore(settings.database_url)
        await store.open()
        try:
            return await work(Registry(store, settings), args)
        finally:
            await store.close()

    return asyncio.run(done())


async def _add(registry: Registry, args: argparse.Namespace) -> int:
    model, new = await registry.add(args.kind, args.folder, author=_author(args))
    if terminal.wants_json():
        terminal.emit({**_told(model), "new": new})
    else:
        known = "added" if new else "known already"
        terminal.say(f"{model.kind} {model.version[:12]} ({model.name}): {known}, {model.size / 1e6:,.1f} MB")
        terminal.say(f"next: frontdesk registry promote {model.version[:12]} --data FILE")
    return 0


async def _list(registry: Registry, args: argparse.Namespace) -> int:
    versions = await registry.versions(None if args.kind == "all" else args.kind)
    serving = await registry.serving()
    if terminal.wants_json():
        told = [{**_told(each), "serving": serving.get(each.kind) == each.version} for each in versions]
        terminal.emit({"versions": told, "serving": serving})
        return 0
    for each in versions:
        mark = "*" if serving.get(each.kind) == each.version else " "
        when = f"{each.created:%Y-%m-%d %H:%M}"
        figure = _headline(each)
        terminal.say(f"{mark} {each.kind:9}  {each.version[:12]}  {each.name:14}  {when}  {each.author:10}  {figure}")
    shipped = [kind for kind in KINDS if serving.get(kind, BUILT_IN) == BUILT_IN and args.kind in ("all", kind)]
    if versions:
        terminal.say()
    if shipped:
        terminal.say(f"built in (models.toml), nothing promoted: {', '.join(shipped)}")
    terminal.say("* is served" if versions else "no versions yet: frontdesk registry add KIND DIR")
    return 0


async def _show(registry: Registry, args: argparse.Namespace) -> int:
    model = await registry.find(args.version)
    folder = await asyncio.to_thread(registry.folder, model.kind, model.version)
    told = [each for each in await registry.history(model.kind) if model.version in (each.version, each.replaced)]
    serving = (await registry.serving()).get(model.kind) == model.version
    if terminal.wants_json():
        history = [dataclasses.asdict(each) for each in told]
        shown = {"folder": str(folder), "card": model.card, "serving": serving, "history": history}
        terminal.emit({**_told(model), **shown})
        return 0
    terminal.say(f"{model.kind} {model.version}")
    terminal.say(f"  calls itself  {model.name}{'  (served)' if serving else ''}")
    terminal.say(f"  added         {model.created:%Y-%m-%d %H:%M} by {model.author}, {model.size / 1e6:,.1f} MB")
    terminal.say(f"  lies in       {folder}")
    for each in told:
        terminal.say(f"  {_line(each)}")
    terminal.say(f"\n{model.card.strip() or 'It has no card (README.md).'}")
    return 0


async def _diff(registry: Registry, args: argparse.Namespace) -> int:
    one, two = [await registry.find(start) for start in (args.first, args.second)]
    if one.kind != two.kind:
        raise ConfigError(f"a {one.kind} and a {two.kind} have nothing in common to compare")
    left, right = flat(one.metrics), flat(two.metrics)
    rows = [(name, left.get(name), right.get(name)) for name in dict.fromkeys([*left, *right])]
    rows = [row for row in rows if args.all or row[1] != row[2]]
    data = [(each.version[:12], said_of_data(each.card)) for each in (one, two)]
    if terminal.wants_json():
        differing = {name: [ours, theirs] for name, ours, theirs in rows}
        terminal.emit(
            {"first": _told(one), "second": _told(two), "data": [said for _, said in data], "diff": differing}
        )
        return 0
    terminal.say(f"{'':34}  {one.name[:18]:>18}  {two.name[:18]:>18}  {'change':>10}")
    for name, ours, theirs in rows:
        change = ""
        if isinstance(ours, int | float) and isinstance(theirs, int | float):
            change = f"{theirs - ours:+10.4g}"
        terminal.say(f"{name[-34:]:34}  {_cell(ours):>18}  {_cell(theirs):>18}  {change}".rstrip())
    if not rows:
        terminal.say("their metrics are the same")
    for version, said in data:
        terminal.say(f"\n{version}  data: {said}")
    return 0


def _promote(args: argparse.Namespace) -> int:
    """Compare first, outside of any database; then record."""
    found: dict[str, Any] = {}

    async def look(registry: Registry, args: argparse.Namespace) -> int:
        model = await registry.find(args.version)
        served = (await registry.serving()).get(model.kind, BUILT_IN)
        folders = [registry.folder(model.kind, version) if version else None for version in (model.version, served)]
        found.update(model=model, served=served, folders=folders)
        return 0

    _with(args, look)
    model: ModelVersion = found["model"]
    if found["served"] == model.version:
        raise ConfigError(f"{model.kind} {model.version[:12]} is served already")
    figures: dict[str, Any] = {}
    if args.data is not None:
        devices.calm_threads()
        figures = import_module(GATE).compare(model.kind, args, *found["folders"], terminal.progress)
    refused = not args.force and not figures.get("better", False)

    async def record(registry: Registry, args: argparse.Namespace) -> int:
        action: Action = "force" if args.force else "promote"
        await registry.promote(model, author=_author(args), reason=args.reason, figures=figures, action=action)
        return 0

    if not refused:
        _with(args, record)
    if terminal.wants_json():
        terminal.emit(
            {"promoted": not refused, "version": model.version, "replaced": found["served"], "figures": figures}
        )
    else:
        _show_gate(model, figures, found["served"])
        verdict = "not better beyond chance: not promoted (--force --reason TEXT does it all the same)"
        terminal.say(verdict if refused else f"{model.kind} {model.version[:12]} is served from now on")
        if not refused and not KINDS[model.kind].live:
            terminal.say("a running server takes it at its next start, when the documents are encoded with it")
    return 1 if refused else 0


async def _rollback(registry: Registry, args: argparse.Namespace) -> int:
    done = await registry.rollback(args.kind, author=_author(args), reason=args.reason)
    if terminal.wants_json():
        terminal.emit(dataclasses.asdict(done))
    else:
        terminal.say(f"{done.kind}: back from {_short(done.replaced)} to {_short(done.version)}")
    return 0


def flat(metrics: Mapping[str, Any], under: str = "") -> dict[str, Any]:
    """Nested metrics by their dotted names; of a list (the epochs) only its length."""
    found: dict[str, Any] = {}
    for key, value in metrics.items():
        name = f"{under}{key}"
        if isinstance(value, Mapping):
            found |= flat(value, f"{name}.")
        else:
            found[name] = len(value) if isinstance(value, list) else value
    return found


def said_of_data(card: str) -> str:
    """What a card says of its data."""
    line = next((line for line in card.splitlines() if line.startswith("- **Data:**")), "")
    return line.removeprefix("- **Data:**").strip() or "not said"


def _show_gate(model: ModelVersion, figures: Mapping[str, Any], served: str) -> None:
    if not figures:
        terminal.say("not compared with what is served")
        return
    metric = figures["metric"]
    sides = {"candidate": (model.version, figures["candidate"]), "served": (served, figures["served"])}
    for side, (version, told) in sides.items():
        low, high = told["interval"]
        terminal.say(f"{side:>10}  {_short(version):12}  {metric} {told[metric]:6.2f}  [{low:.1f}, {high:.1f}]")
    low, high = figures["gain_interval"]
    terminal.say(
        f"{'gain':>10}  {'':12}  {figures['gain']:+.2f}  [{low:+.2f}, {high:+.2f}] over {figures['n']} rows "
        "(paired bootstrap, 95 %)"
    )


def _headline(model: ModelVersion) -> str:
    metrics = flat(model.metrics)
    name = next((name for name in HEADLINES.get(model.kind, ()) if name in metrics), None)
    return "" if name is None else f"{name.rpartition('.')[2]} {metrics[name]} ({name.split('.')[1]})"


def _line(each: Promotion) -> str:
    figures = each.figures
    gained = f", {figures['metric']} {figures['gain']:+.2f} on {figures['data']['file']}" if figures else ""
    why = f": {each.reason}" if each.reason else ""
    change = f"{_short(each.replaced)} -> {_short(each.version)}"
    return f"{each.time:%Y-%m-%d %H:%M}  {each.action:8}  {change}  by {each.author}{gained}{why}"


def _told(model: ModelVersion) -> dict[str, Any]:
    told = dataclasses.asdict(model)
    del told["card"]
    return told


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:g}" if isinstance(value, float) else str(value)[:18]


def _short(version: str) -> str:
    return version[:12] or "built in"


def _author(args: argparse.Namespace) -> str:
    return args.by or getpass.getuser()


ACTIONS: dict[str, Callable[[Registry, argparse.Namespace], Awaitable[int]]] = {
    "add": _add,
    "list": _list,
    "show": _show,
    "diff": _diff,
    "rollback": _rollback,
}
