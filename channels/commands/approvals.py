"""`frontdesk approvals`: what waits for a person's yes, beside a running server, through the database."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import getpass
import json

from bot.store.base import Approval, Store
from channels import terminal
from channels.cli import common_options
from channels.commands.conversations import only, opened

DECISIONS = {"approve": True, "deny": False}


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="what waits, the oldest first", description="What waits, the oldest first")
    listed.add_argument("--queue", default=None, metavar="NAME", help="only this queue (the rule's 'by')")
    listed.add_argument("--all", action="store_true", help="what was decided, too")
    common_options(listed)
    for name, line in (("approve", "say yes: the action is carried out"), ("deny", "say no: the process ends")):
        decided = actions.add_parser(name, help=line, description=line)
        decided.add_argument("approval", metavar="ID", help="its id, or the beginning of it")
        decided.add_argument("--note", default="", metavar="TEXT", help="why, for colleagues")
        decided.add_argument("--agent", default=None, metavar="NAME", help="who you are (default: your login)")
        common_options(decided)


def run(args: argparse.Namespace) -> int:
    """One action. NotFound when there is no such approval, Conflict when somebody was faster."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    async with opened(args.settings) as store:
        if args.action == "list":
            await _list(store, args)
        else:
            await _decide(store, args)
    return 0


async def _list(store: Store, args: argparse.Namespace) -> None:
    found = await store.approvals(queue=args.queue, waiting=not args.all)
    told = [(each, await _slots(store, each)) for each in found]
    if terminal.wants_json():
        terminal.emit({"approvals": [dataclasses.asdict(each) | {"slots": slots} for each, slots in told]})
        return
    for each, slots in told:
        result = "waits" if each.decided is None else "withdrawn"
        if each.granted is not None:
            result = f"{'approved' if each.granted else 'denied'} by {each.author}"
        terminal.say(f"{each.id[:12]}  {each.asked:%Y-%m-%d %H:%M}  {each.queue:12}  {each.action}  {result}")
        terminal.say(f"              {each.reason}  (conversation {each.conversation[:12]})")
        for name, value in slots.items():
            terminal.say(f"              {name}: {value}")
    if not found:
        terminal.say("nothing waits for approval")


async def _slots(store: Store, approval: Approval) -> dict[str, object]:
    """What the conversation holds now: what the action would be carried out with. Erased values are left out."""
    state = await store.load(approval.conversation)
    read = {name: json.loads(words.text) for name, words in state.slots.items() if words.text is not None}
    return {name: value for name, value in read.items() if value is not None}


async def _decide(store: Store, args: argparse.Namespace) -> None:
    approval = await _named(store, args.approval)
    author = args.agent or getpass.getuser()
    decided = await store.decide(approval, DECISIONS[args.action], author=author, note=args.note)
    if terminal.wants_json():
        terminal.emit(dataclasses.asdict(decided))
    else:
        word = "approved" if decided.granted else "denied"
        terminal.say(f"{decided.action} is {word}; the conversation {decided.conversation[:12]} goes on")


async def _named(store: Store, start: str) -> str:
    """The approval whose id is, or begins with, what was given."""
    if len(start) == 32:
        return start
    return only([each.id for each in await store.approvals(waiting=False, limit=10_000)], start, "approvals")
