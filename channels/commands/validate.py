"""`frontdesk validate`: every mistake in a bot's folder, with file and line and what would be right."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bot.actions.builtin import TABLE
from bot.botfile import BotFile, find_data, load_bot
from bot.errors import ConfigError, FrontdeskError
from bot.flows.load import Loaded, load, with_base
from bot.flows.model import Act, Place, Problem
from bot.flows.rasa_config import read_config
from bot.flows.story import Rule, Story
from bot.rules import RULES, load_rules, unmatched, utters
from channels import terminal


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", type=Path, metavar="BOT_DIR", help="the bot's folder (default: --bot)")


def run(args: argparse.Namespace) -> int:
    """0 when nothing is wrong, warnings aside; 1 when something is."""
    folder: Path = args.folder or args.settings.bot or find_data()
    if not folder.is_dir():
        raise ConfigError(f"there is no folder {folder}: name the one with the bot's domain and flows")
    problems, loaded = examined(folder)
    counts = Counter(problem.level for problem in problems)
    flows = len(loaded.processes.own)
    if terminal.wants_json():
        terminal.emit(
            {
                "valid": not counts["error"],
                "errors": counts["error"],
                "warnings": counts["warning"],
                "flows": flows,
                "slots": len(loaded.domain.slots),
                "intents": len(loaded.domain.intents),
                "rules": len(told(loaded.training.rules)),
                "stories": len(told(loaded.training.stories)),
                "forms": len(loaded.domain.forms),
                "problems": [
                    {
                        "level": problem.level,
                        "code": problem.code,
                        "file": problem.place.file,
                        "line": problem.place.line,
                        "message": problem.message,
                    }
                    for problem in problems
                ],
            }
        )
        return 1 if counts["error"] else 0
    for problem in problems:
        terminal.say(str(problem))
    learnt = loaded.training
    intents = (
        f"{len(loaded.domain.intents)} intents, {len(told(learnt.rules))} rules, {len(told(learnt.stories))} stories, "
        f"{len(loaded.domain.forms)} forms, "
    )
    terminal.say(
        f"{flows} flows, {intents if learnt else ''}{len(loaded.domain.slots)} slots, "
        f"{len(loaded.domain.responses)} responses: {counts['error']} errors, {counts['warning']} warnings"
    )
    return 1 if counts["error"] else 0


def told(items: Iterable[Rule | Story]) -> set[Place]:
    """The places of rules or stories: one that goes several ways counts once."""
    return {item.place for item in items}


def examined(folder: Path) -> tuple[list[Problem], Loaded]:
    """Everything that is to be said of a bot's folder, mistakes first, and what was read."""
    found: list[Problem] = []
    botfile: BotFile | None = None
    try:
        botfile = load_bot(folder)
    except ConfigError as error:
        if (folder / "bot.toml").is_file():
            found.append(Problem("bot_toml", str(error), Place(str(folder / "bot.toml"))))
    loaded = load(folder, language=botfile.language if botfile is not None else "en")
    config = read_config(folder)
    found += [*loaded.problems, *config.problems]
    if botfile is not None and (folder / "bot.toml").is_file():
        found += _unsaid(botfile, loaded)
    found += _rules(folder, loaded)
    if (loaded.processes.own or loaded.training) and config.action_endpoint is None:
        builtin = frozenset(TABLE) if botfile is not None and botfile.shop is not None else frozenset()
        found += asyncio.run(_actions(folder, loaded, builtin))
    order = {"error": 0, "warning": 1, "note": 2}
    return sorted(found, key=lambda item: (order[item.level], item.place.file, item.place.line)), loaded


def _unsaid(botfile: BotFile, loaded: Loaded) -> list[Problem]:
    """Responses that every bot of ours must have."""
    from bot.turn import TEMPLATES

    place = Place(str(botfile.domain_folder))
    return [
        Problem("missing_response", f"every bot says {name!r}: add it under 'responses:'", place)
        for name in loaded.domain.missing(TEMPLATES)
    ]


def _rules(folder: Path, loaded: Loaded) -> list[Problem]:
    """What is wrong in rules.toml, and rules that guard nothing."""
    file = folder / RULES
    try:
        rules = load_rules(file)
    except ConfigError as error:
        return [Problem("rules", str(error), Place(str(file)))]
    steps = [step for flow in loaded.processes.flows.values() for step in flow.steps.values()]
    names = [*loaded.domain.actions, *(step.action for step in steps if isinstance(step, Act))]
    unguarded = [
        Problem(
            "rules", f"{pattern!r} is no action of any flow or of the domain's 'actions:'", Place(str(file)), "warning"
        )
        for pattern in unmatched(rules, names)
    ]
    with_base(loaded.domain, utters(rules))
    missing = [
        Problem("missing_response", f"a rule says {name!r}: add it under the domain's 'responses:'", Place(str(file)))
        for name in loaded.domain.missing(utters(rules))
    ]
    return [*missing, *unguarded]


async def _actions(folder: Path, loaded: Loaded, builtin: frozenset[str]) -> list[Problem]:
    """Actions that the domain lists and neither the bot's package nor the `builtin` ones have, and what is wrong with
    the package.
    """
    from bot.actions.runner import make_actions
    from bot.flows.check import DEFAULT_ACTIONS

    place = Place(str(folder / "actions"))
    actions = make_actions(folder)
    try:
        await actions.start()
        known = await actions.names() | builtin
    except FrontdeskError as error:
        return [Problem("actions", str(error), place)]
    finally:
        await actions.close()
    listed = sorted(name for name in loaded.domain.actions if not name.startswith("utter_"))
    missing = [name for name in listed if name not in known | DEFAULT_ACTIONS and name not in loaded.domain.forms]
    return [
        Problem(
            "unknown_action",
            f"the domain lists {name!r}, which the package 'actions' does not have: write it, or name an action server "
            "in endpoints.yml",
            place,
            "warning",
        )
        for name in missing
    ]
