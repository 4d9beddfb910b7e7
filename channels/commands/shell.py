"""`frontdesk shell`: a conversation with a bot in the terminal, for whoever writes it."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.botfile import load_bot
from bot.direct import Direct
from bot.flows.payloads import read_payload
from bot.settings import Settings
from bot.types import Button, Reply, TurnResult, new_id
from channels import terminal

if TYPE_CHECKING:
    from bot.build import Bot

HELP = """Write as a customer would. A number presses the button with that number; a line such as /StartFlow(x),
/SetSlots(x=y) or /intent{"entity": "value"} is sent as a payload, offered or not. :state shows slots and open flows,
:again begins a new conversation, :quit (or Ctrl-D) ends."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-generator", action="store_true", help="answer with the documents' own sentences only")
    parser.add_argument("--say", action="append", metavar="TEXT", help="say this and end (may be given several times)")


def run(args: argparse.Namespace) -> int:
    """Talk until the input ends. Nothing of it stays: the conversation has a database of its own."""
    settings: Settings = args.settings
    if args.no_generator:
        settings = settings.model_copy(update={"generator": False})
    with tempfile.TemporaryDirectory(prefix="frontdesk-shell-") as folder:
        private = settings.model_copy(update={"database": f"sqlite:///{Path(folder) / 'shell.db'}"})
        return asyncio.run(_talk(private, args.say))


async def _talk(settings: Settings, lines: Sequence[str] | None) -> int:
    from bot.build import build

    terminal.complain("loading ...")
    bot = await build(settings, botfile=load_bot(settings.bot))
    await bot.start()
    try:
        if lines is None:
            terminal.complain(HELP)
        await _rounds(bot, lines)
    finally:
        await bot.close()
    return 0


async def _rounds(bot: Bot, lines: Sequence[str] | None) -> None:
    direct, sender = Direct(bot, "shell"), new_id()
    buttons: tuple[Button, ...] = ()
    conversation = ""
    waiting = list(lines) if lines is not None else None
    while (line := await _next(waiting)) is not None:
        if line == ":quit":
            return
        if line == ":again":
            sender, buttons, conversation = new_id(), (), ""
            continue
        if line == ":state":
            await _state(bot, conversation)
            continue
        payload = _payload(line, buttons)
        result = await direct.ask("" if payload else line, sender=sender, payload=payload)
        conversation = result.conversation
        buttons = tuple(button for reply in result.replies for button in reply.buttons)
        _show(result)


async def _next(waiting: list[str] | None) -> str | None:
    """The next line that says something; None: there is none."""
    while True:
        if waiting is not None:
            line = waiting.pop(0) if waiting else None
        else:
            line = await asyncio.to_thread(_read)
        if line is None or line.strip():
            return None if line is None else line.strip()


def _read() -> str | None:
    if sys.stdin.isatty():
        sys.stderr.write("you> ")
        sys.stderr.flush()
    line = sys.stdin.readline()
    return line if line else None


def _payload(line: str, buttons: Sequence[Button]) -> str | None:
    if line.isdecimal() and 1 <= int(line) <= len(buttons):
        return buttons[int(line) - 1].payload
    return line if line.startswith("/") and read_payload(line) is not None else None


async def _state(bot: Bot, conversation: str) -> None:
    if not conversation:
        terminal.say("nothing was said yet")
        return
    state = await bot.store.load(conversation)
    slots = {name: words.text for name, words in sorted(state.slots.items()) if words.text not in (None, "null")}
    stack = [f"{frame.flow} at {frame.step or 'its beginning'}" for frame in reversed(state.stack)]
    if terminal.wants_json():
        terminal.emit({"slots": slots, "stack": stack, "owner": state.owner})
        return
    terminal.say(f"slots: {', '.join(f'{name} = {text}' for name, text in slots.items()) or 'none'}")
    terminal.say(f"open: {'; '.join(stack) or 'nothing'}")


def _show(result: TurnResult) -> None:
    if terminal.wants_json():
        terminal.emit(
            {
                "outcome": result.outcome.value,
                "replies": [
                    {
                        "text": reply.text,
                        "template": reply.template,
                        "buttons": [button.model_dump() for button in reply.buttons],
                    }
                    for reply in result.replies
                ],
                "conversation": result.conversation,
            }
        )
        return
    number = 0
    for reply in result.replies:
        number = _reply(reply, number)
    if not result.replies:
        terminal.say(f"({result.outcome.value})")


def _reply(reply: Reply, number: int) -> int:
    terminal.say(f"bot> {reply.text}")
    for button in reply.buttons:
        number += 1
        terminal.say(f"     [{number}] {button.title}")
    return number
