"""`frontdesk bench turn`: runs the parts, holds them against their targets, prints them. `index` compares indexes."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from bot.botfile import find_data
from bot.build import build
from bot.errors import MissingExtra, QueryError
from bot.settings import Settings
from channels import terminal
from channels.cli import common_options

QUESTIONS = Path(__file__).with_name("questions.txt")
"""Asked of the demo company; other documents are asked about their own headings."""


def configure(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="what", required=True, metavar="WHAT")
    line = "one customer's turn: speed, memory, callers, widgets, and Haystack beside it"
    turn = kinds.add_parser("turn", help=line)
    common_options(turn)
    turn.add_argument(
        "--docs", type=Path, default=None, metavar="DIR", help="documents to ask about (default: the bot's own)"
    )
    turn.add_argument(
        "--questions", type=Path, default=None, metavar="FILE", help="questions, one a line or as JSON lines"
    )
    turn.add_argument("--turns", type=int, default=60, metavar="N", help="turns without the generator (default: 60)")
    turn.add_argument("--generated", type=int, default=20, metavar="N", help="turns with it; 0: none (default: 20)")
    turn.add_argument("--seconds", type=float, default=15, metavar="S", help="for each number of callers (default: 15)")
    turn.add_argument(
        "--widgets", type=int, default=1000, metavar="N", help="idle widgets; 0: no server (default: 1000)"
    )
    turn.add_argument("--no-haystack", action="store_true", default=False, help="leave the comparison out")
    line = "a customer's message to commands: in an open flow with five slots, and without one"
    understood = kinds.add_parser("understand", help=line, argument_default=argparse.SUPPRESS)
    common_options(understood)
    understood.add_argument(
        "--rounds", type=int, default=10, metavar="N", help="how often each message is understood (default: 10)"
    )
    line = "the dialogue machine without any model: turns a second, and how long a bot with 500 flows loads"
    dialogue = kinds.add_parser("dialogue", help=line, argument_default=argparse.SUPPRESS)
    common_options(dialogue)
    dialogue.add_argument("--seconds", type=float, default=5, metavar="S", help="for each figure (default: 5)")
    line = "each kind of vector index beside exact search, on made-up vectors"
    index = kinds.add_parser("index", help=line, argument_default=argparse.SUPPRESS)
    common_options(index)
    index.add_argument(
        "--passages", type=int, default=100_000, metavar="N", help="so many vectors, at least 1,000 (default: 100,000)"
    )
    index.add_argument("--dimensions", type=int, default=384, metavar="D", help="of so many numbers (default: 384)")
    index.add_argument("--queries", type=int, default=200, metavar="N", help="questions to each kind (default: 200)")


def run(args: argparse.Namespace) -> int:
    """Measure and print. The exit code says whether it ran, not whether targets were met: machines differ."""
    if args.what == "index":
        return _index(args)
    if args.what == "understand":
        return _understand(args)
    if args.what == "dialogue":
        return _dialogue(args)
    found = asyncio.run(measured(args.settings, args))
    if terminal.wants_json():
        terminal.emit(found)
    else:
        _print(found)
    return 0


def _understand(args: argparse.Namespace) -> int:
    from channels.bench import understand

    if args.rounds < 1:
        raise QueryError("--rounds must be at least 1")
    found = asyncio.run(understand.measured(args.settings, args.rounds))
    if terminal.wants_json():
        terminal.emit(found)
    else:
        for line in understand.lines(found):
            terminal.say(line)
    return 0


def _dialogue(args: argparse.Namespace) -> int:
    from channels.bench import dialogue

    if not 0 < args.seconds <= 600:
        raise QueryError("--seconds is above 0 and at most 600")
    found = asyncio.run(dialogue.measured(args.settings, args.seconds))
    if terminal.wants_json():
        terminal.emit(found)
    else:
        for line in dialogue.lines(found):
            terminal.say(line)
    return 0


def _index(args: argparse.Namespace) -> int:
    from bot.index import growth
    from channels.bench import index

    if args.passages < 1000 or args.dimensions < 2 or args.queries < 2:
        raise QueryError("the least is --passages 1000, --dimensions 2 and --queries 2")
    found = index.measure(index.Plan(args.passages, args.dimensions, args.queries), growth(args.settings))
    if terminal.wants_json():
        terminal.emit(found)
    else:
        index.show(found)
    return 0


async def measured(settings: Settings, args: argparse.Namespace) -> dict[str, Any]:
    """All parts, one after another, so that none disturbs the next."""
    from channels.bench import inputs, machine, served, turn

    home = settings.home / ("bench-docs" if args.docs else "bench")
    home.mkdir(parents=True, exist_ok=True)
    folder = inputs.bot_folder(settings, args.docs, home)
    ours = settings.model_copy(update={"home": home, "bot": folder, "database": "", "generator": False})
    say = terminal.say
    found: dict[str, Any] = {"machine": machine.describe()}
    bot = await turn.started(ours, say)
    try:
        found["reference_forward_ms"] = machine.reference_ms()
        manifest = bot.index.snapshot.manifest
        asked = args.questions or (None if args.docs or settings.bot else QUESTIONS)
        questions = inputs.questions(asked, bot.index.snapshot, bot.botfile.collections, 40)
        plan = turn.Plan(questions, args.turns, args.generated, args.seconds)
        read = await turn.passages_read(bot, questions)
        found["counts"] = {"documents": manifest.documents, "passages": manifest.passages, "questions": len(questions)}
        found["counts"] |= {f"passages_{key}": value for key, value in read.items()}
        say(f"turns without the generator, passages of {turn.TOKENS} tokens")
        found["text_turn"] = await turn.text_turns(bot, plan, turn.TOKENS)
        say("turns without the generator, passages as they are")
        found["text_turn_own_passages"] = await turn.text_turns(bot, plan, None)
        say("callers side by side")
        found["throughput"] = await turn.throughput(bot, plan)
        exact = await turn.answers(bot, questions)
    finally:
        await bot.close()
    await _int8(found, ours, plan, exact)
    if not args.no_haystack:
        _haystack(found, await build(ours), plan)
    if args.generated:
        say("turns with the generator")
        bot = await turn.started(ours.model_copy(update={"generator": True}), say)
        try:
            found["generator"] = await turn.generated_turns(bot, plan)
        finally:
            await bot.close()
    if args.widgets:
        say(f"a server: start, memory, {args.widgets} idle widgets")
        arguments = ["--bot", str(folder)] if folder else []
        found["served"] = await asyncio.to_thread(served.measure, ours, arguments, questions[0], _media(), args.widgets)
    found["targets"] = targets(found)
    return found


async def _int8(found: dict[str, Any], settings: Settings, plan: Any, exact: list[str]) -> None:
    from channels.bench import turn

    faster = settings.model_copy(update={"engines": settings.engines.model_copy(update={"int8": True})})
    try:
        bot = await turn.started(faster, terminal.say)
    except MissingExtra as error:
        terminal.say(f"without int8: {error}")
        return
    try:
        terminal.say("callers side by side, int8")
        rates = await turn.throughput(bot, plan)
        found["throughput_int8"] = rates
        found["int8_agreement_percent"] = turn.agreement(exact, await turn.answers(bot, plan.questions))
    finally:
        await bot.close()


def _haystack(found: dict[str, Any], bot: Any, plan: Any) -> None:
    from channels.bench import turn

    try:
        terminal.say("Haystack on the same weights and chunks")
        bot.index.reload_if_changed()
        found["haystack"] = turn.beside_haystack(bot, plan)
    except MissingExtra as error:
        terminal.say(f"without Haystack: {error}")
        return
    callers = str(turn.CALLERS[-1])
    other = found["haystack"]["best"]["per_second"][callers]
    found["ratio_fp32"] = found["throughput"][callers] / other
    if "throughput_int8" in found:
        found["ratio_int8"] = found["throughput_int8"][callers] / other
    found["ratio_defaults"] = found["throughput"][callers] / found["haystack"]["defaults"][callers]


def _media() -> list[Path]:
    """A spoken and a pictured question of the demo company."""
    cases = find_data() / "media_cases"
    return [path for name in ("spoken-express-price.ogg", "app-espresso-error.png") if (path := cases / name).is_file()]


def targets(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every promised figure that was measured, beside its target."""
    generator, server = found.get("generator", {}), found.get("served", {})
    best = max((found[key] for key in ("ratio_fp32", "ratio_int8") if key in found), default=None)
    rows: list[tuple[str, float | None, float, bool]] = [
        ("text_turn_p50_ms", found["text_turn"]["p50_ms"], 300, True),
        ("outside_forward_p50_ms", found["text_turn"]["outside_forward_without_sync_p50_ms"], 15, True),
        ("generated_sentence_p50_seconds", generator.get("first_sentence_p50_seconds"), 4, True),
        ("ratio_to_haystack_fp32", found.get("ratio_fp32"), 1.0, False),
        ("ratio_to_haystack_best", best, 1.3, False),
        ("memory_mib", server.get("memory_mib"), 2560, True),
        ("start_seconds", server.get("start_seconds"), 20, True),
        ("widgets_mib", server.get("widgets_mib"), 100, True),
    ]
    return {
        name: {"value": value, "target": target, "met": value <= target if at_most else value >= target}
        for name, value, target, at_most in rows
        if value is not None
    }


def _print(found: dict[str, Any]) -> None:
    machine = found["machine"]
    terminal.say()
    terminal.say(f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}")
    terminal.say("  ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    terminal.say("  ".join(f"{name} {value:.4g}" for name, value in found["counts"].items()))
    terminal.say(f"reference forward pass: {found['reference_forward_ms']:.0f} ms")
    for part in ("text_turn", "text_turn_own_passages", "throughput", "throughput_int8", "generator", "served"):
        if part in found:
            shown = {key: value for key, value in found[part].items() if isinstance(value, int | float)}
            terminal.say(f"{part}: " + "  ".join(f"{key} {value:.4g}" for key, value in shown.items()))
    for name in ("int8_agreement_percent", "ratio_fp32", "ratio_int8", "ratio_defaults"):
        if name in found:
            terminal.say(f"{name}: {found[name]:.4g}")
    terminal.say()
    for name, row in found["targets"].items():
        mark = "met   " if row["met"] else "MISSED"
        terminal.say(f"{mark} {name}: {row['value']:.4g} (target {row['target']:g})")
