"""`frontdesk conversations`: the minimum for a person, beside a running server, through the database."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import getpass
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from bot.errors import ConfigError, NotFound
from bot.events import (
    Actor,
    Body,
    Delivery,
    Event,
    Feedback,
    HandedOver,
    Received,
    Resolved,
    Returned,
    Sent,
    TurnEnded,
    Understood,
)
from bot.settings import Settings
from bot.state import State
from bot.store.base import Store
from bot.types import Reply
from channels import terminal
from channels.cli import common_options
from channels.writing import append, sent

STATUSES = ("open", "pending", "snoozed", "resolved")


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def add(name: str, line: str) -> argparse.ArgumentParser:
        action = actions.add_parser(name, help=line, description=line)
        common_options(action)
        return action

    listed = add("list", "newest first")
    listed.add_argument("--status", choices=STATUSES, default=None, help="only these")
    listed.add_argument("--limit", type=int, default=50, metavar="N", help="at most so many (default: 50)")
    for name, line in (
        ("show", "everything that was said in one"),
        ("reply", "write to the customer; the conversation is yours from then on"),
        ("return", "give it back to the bot"),
        ("resolve", "mark it as solved"),
    ):
        action = add(name, line)
        action.add_argument("conversation", metavar="ID", help="its id, or the beginning of it")
        if name == "reply":
            action.add_argument("text", help="Markdown")
        if name != "show":
            action.add_argument("--agent", default=None, metavar="NAME", help="who you are (default: your login)")


def run(args: argparse.Namespace) -> int:
    """One action. NotFound when there is no such conversation."""
    return asyncio.run(_run(args))


async def _run(args: argparse.Namespace) -> int:
    async with opened(args.settings) as store:
        if args.action == "list":
            await _list(store, args)
        else:
            conversation = await named(store, args.conversation)
            await ACTIONS[args.action](store, conversation, args)
    return 0


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """The store of a home. ConfigError where nothing was ever said."""
    from bot.store.sql import SqlStore

    if not settings.database and not (settings.home / "frontdesk.db").is_file():
        raise ConfigError(f"nothing was ever said in {settings.home}: start 'frontdesk serve' first, or name --home")
    store = SqlStore(settings.database_url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def only(ids: list[str], start: str, what: str) -> str:
    """The one id that begins like that. NotFound where none does, or several do."""
    found = [each for each in ids if each.startswith(start)]
    if len(found) != 1:
        raise NotFound(f"{len(found) or 'no'} {what} have an id that begins with {start!r}")
    return found[0]


async def named(store: Store, start: str) -> str:
    """The conversation whose id is, or begins with, what was given."""
    if len(start) == 32:
        return start
    return only([each.id for each in await store.conversations(limit=10_000)], start, "conversations")


async def _list(store: Store, args: argparse.Namespace) -> None:
    found = await store.conversations(status=args.status, limit=args.limit)
    if terminal.wants_json():
        terminal.emit({"conversations": [dataclasses.asdict(each) for each in found]})
        return
    for each in found:
        waits = f"{each.priority}, {each.reason}" if each.owner == "people" else each.owner
        last = " ".join(each.last.split())
        last = last if len(last) <= 60 else last[:59] + "…"
        when = f"{each.updated:%Y-%m-%d %H:%M}"
        terminal.say(f"{each.id[:12]}  {when}  {each.status:8}  {waits:18}  {each.channel:8}  {last}")
    if not found:
        terminal.say("no conversations")


async def _show(store: Store, conversation: str, args: argparse.Namespace) -> None:
    state = await store.load(conversation)
    events = await store.events(conversation)
    if terminal.wants_json():
        told = [event.model_dump(mode="json") for event in events]
        terminal.emit({"id": conversation, "status": state.status, "owner": state.owner, "events": told})
        return
    owned = f"{state.status}, owned by {state.owner}"
    terminal.say(f"{conversation}  {state.channel}  {owned}  language {state.language or '-'}")
    for key, value in state.contact.items():
        terminal.say(f"  {key}: {value.text if value.text is not None else '(erased)'}")
    for event in events:
        line = _line(event)
        if line:
            terminal.say(f"{event.sequence:4}  {event.time:%Y-%m-%d %H:%M:%S}  {line}")


def _line(event: Event) -> str | None:  # noqa: PLR0911 - one line a kind of event
    def words(text: str | None) -> str:
        return "(erased)" if text is None else text.replace("\n", "\n" + " " * 27)

    who = f"{event.actor.kind} {event.actor.id}".strip()
    match event.body:
        case Received() as body:
            files = "".join(f" [{item.kind}: {item.media_type}]" for item in body.attachments)
            return f"customer: {words(body.text.text)}{files}"
        case Understood() as body:
            return f"  ({body.kind}: {words(body.text.text) if not body.note else body.note})"
        case Sent() as body:
            cited = "".join(f"\n{' ' * 29}[{citation.title}] “{citation.quote}”" for citation in body.citations)
            return f"{who}: {words(body.text.text)}{cited}"
        case TurnEnded() as body:
            return f"  -- {body.outcome}, confidence {body.confidence:.2f}{f', {body.error}' if body.error else ''}"
        case HandedOver() as body:
            return f"  -- handed over: {body.reason}, {body.priority}"
        case Returned() | Resolved():
            return f"  -- {event.body.type} by {who}"
        case Delivery() as body if body.status == "failed":
            return f"  -- delivery failed: {body.error}"
        case Feedback() as body:
            return f"  -- feedback: {body.rating}"
        case _:
            return None


async def _reply(store: Store, conversation: str, args: argparse.Namespace) -> None:
    if not args.text.strip():
        raise ConfigError("the reply is empty")

    def say(state: State) -> list[Body]:
        reply = Reply(text=args.text, language=state.language or "en")
        taken: list[Body] = [] if state.owner == "people" else [HandedOver(reason="policy")]
        return [*taken, sent(reply)]

    await _write(store, conversation, args, say)


async def _return(store: Store, conversation: str, args: argparse.Namespace) -> None:
    if await _write(store, conversation, args, lambda state: [Returned()] if state.owner == "people" else []):
        await store.trigger(conversation, "returned", {})


async def _resolve(store: Store, conversation: str, args: argparse.Namespace) -> None:
    await _write(store, conversation, args, lambda state: [Resolved()] if state.status != "resolved" else [])


async def _write(
    store: Store, conversation: str, args: argparse.Namespace, decide: Callable[[State], list[Body]]
) -> list[Event]:
    agent = Actor(kind="agent", id=args.agent or getpass.getuser())
    events = await append(store, conversation, agent, decide)
    state = await store.load(conversation)
    if terminal.wants_json():
        terminal.emit({"id": conversation, "status": state.status, "owner": state.owner, "written": len(events)})
    else:
        terminal.say(f"{conversation[:12]} is {state.status}, owned by {state.owner}")
    return events


ACTIONS: dict[str, Callable[[Store, str, argparse.Namespace], Awaitable[Any]]] = {
    "show": _show,
    "reply": _reply,
    "return": _return,
    "resolve": _resolve,
}
