"""`frontdesk flows show`: a bot's flows as diagrams."""

from __future__ import annotations

import argparse
from pathlib import Path

from bot.botfile import find_data
from bot.errors import ConfigError
from bot.flows import draw
from bot.flows.load import load
from bot.flows.model import Flow
from bot.flows.source import meant
from channels import terminal
from channels.cli import common_options

FORMATS = ("mermaid", "svg", "html")


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    show = actions.add_parser(
        "show", help="draw flows", description="Draw flows, all of them or the one that is named."
    )
    common_options(show)
    show.add_argument("what", nargs="*", metavar="BOT_DIR_OR_FLOW", help="the bot's folder, then ids of flows")
    show.add_argument("--format", choices=FORMATS, default="mermaid", help="how (default: mermaid, as text)")
    show.add_argument("--out", type=Path, metavar="FILE", help="write it there; the ending .svg or .html says how")
    show.add_argument("--patterns", action="store_true", help="the flows that repair a conversation too")


def run(args: argparse.Namespace) -> int:
    """0; raises ConfigError for a flow that there is not."""
    words: list[str] = list(args.what)
    folder: Path = args.settings.bot or find_data()
    if words and Path(words[0]).is_dir():
        folder = Path(words.pop(0))
    flows = _chosen(folder, words, args.patterns)
    chosen = args.format
    if args.out is not None and args.out.suffix.lstrip(".") in FORMATS:
        chosen = args.out.suffix.lstrip(".")
    if chosen == "svg" and len(flows) != 1:
        raise ConfigError("an SVG shows one flow: name it, or take --format html for all of them")
    text = _drawn(chosen, flows, folder.name)
    if args.out is not None:
        args.out.write_text(text, encoding="utf-8")
        terminal.say(f"wrote {args.out}")
    elif terminal.wants_json():
        terminal.emit({"format": chosen, "flows": [flow.id for flow in flows], "text": text})
    else:
        terminal.say(text.rstrip("\n"))
    return 0


def _chosen(folder: Path, ids: list[str], patterns: bool) -> list[Flow]:
    processes = load(folder).processes
    if not ids:
        flows = [flow for flow in processes.flows.values() if patterns or not flow.is_pattern]
        if not flows:
            raise ConfigError(f"the bot in {folder} has no flows: they stand in flows/ or data/, under 'flows:'")
        return flows
    for id in ids:
        if id not in processes.flows:
            raise ConfigError(f"the bot in {folder} has no flow {id!r}{meant(id, processes.flows)}")
    return [processes.flows[id] for id in ids]


def _drawn(chosen: str, flows: list[Flow], title: str) -> str:
    if chosen == "svg":
        return draw.svg(flows[0])
    return draw.page(flows, title) if chosen == "html" else draw.mermaid(flows)
