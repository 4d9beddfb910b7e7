"""`frontdesk models`: fetch the weights, list them, check them."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from typing import Any

from bot.engines.weights import Status, Weights
from channels import terminal


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this command."""
    parser.add_argument(
        "action",
        choices=("pull", "list", "verify"),
        help="pull: fetch what is missing (all that is not optional, when none are named); "
        "list: what the manifest names and how it stands; verify: read every file and compare its sha256",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="names in models.toml; none: all")


def run(args: argparse.Namespace) -> int:
    """0 when everything asked for is there and whole, 1 when something is not."""
    weights = Weights(args.settings)
    if args.action == "pull":
        found = pull(weights, args.names)
    elif args.action == "verify":
        found = weights.verify(args.names)
    else:
        found = [status for status in weights.list() if not args.names or status.entry.name in args.names]
    for status in found:
        terminal.say(_line(status))
    if terminal.wants_json():
        terminal.emit({"cache": str(weights.cache), "models": [_object(status) for status in found]})
    if args.action == "list":
        return 0
    wanted = [status for status in found if not status.entry.optional or status.entry.name in args.names]
    return 1 if any(status.state != "present" for status in wanted) else 0


def pull(weights: Weights, names: list[str]) -> list[Status]:
    """Fetch with a progress bar for each thing that is fetched. Raises WeightsError."""
    with ExitStack() as bars:
        shown: dict[str, tuple[Any, list[int]]] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in shown:
                bars.close()
                shown[what] = (bars.enter_context(terminal.progress(what, total or None)), [0])
            advance, before = shown[what]
            advance(done - before[0], total or None)
            before[0] = done

        return weights.pull(names, progress)


def _line(status: Status) -> str:
    entry = status.entry
    size = f"{status.bytes / 1e6:,.1f} MB" if status.bytes else "-"
    optional = " (optional)" if entry.optional and status.state == "missing" else ""
    why = f": {status.reason}" if status.reason else ""
    return f"{entry.name:<10} {status.state + optional:<20} {size:>10}  {entry.licence:<12} {entry.role}{why}"


def _object(status: Status) -> dict[str, Any]:
    entry = status.entry
    return {
        "name": entry.name,
        "role": entry.role,
        "licence": entry.licence,
        "source": entry.source.model_dump(mode="json"),
        "optional": entry.optional,
        "state": status.state,
        "reason": status.reason,
        "bytes": status.bytes,
        "path": str(status.path),
    }
