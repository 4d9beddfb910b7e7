"""Flows and intents in one bot: who takes a message. What is open keeps the word; else the surer one has it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.assistant import Assistant
from bot.commands import Command, Intent
from bot.flows.load import Loaded
from bot.hearing import Heard
from bot.processes import Processes, Side
from bot.record import Record, Stream
from bot.types import Button
from bot.understanding.intents import FALLBACK


class Router:
    """Decides for each message. A form or a flow that is open keeps it; an intent that a rule or a story takes up, and
    no flow's `nlu_trigger` names, is the assistant's; everything else is the flows'.
    """

    def __init__(self, flows: Processes, assistant: Assistant) -> None:
        self._flows, self._assistant = flows, assistant
        self._triggers = {trigger.intent for flow in flows.bot.processes.own.values() for trigger in flow.nlu_trigger}

    @property
    def bot(self) -> Loaded:
        """What both work with."""
        return self._flows.bot

    async def understand(self, text: str, record: Record) -> list[Command]:
        """What a text means to whoever has the word."""
        if record.state.stack:
            return await self._flows.understand(text, record)
        heard = await self._assistant.understand(text, record)
        if record.state.loop is not None or any(self._known(item) for item in heard):
            return heard
        return await self._flows.understand(text, record)

    def press(self, button: Button, record: Record) -> list[Command] | None:
        """What a button stands for."""
        return self._flows.press(button, record)

    async def respond(
        self, side: Side, record: Record, commands: Sequence[Command], heard: Heard, stream: Stream
    ) -> None:
        """Let the one carry it out whose it is."""
        intents = [item for item in commands if isinstance(item, Intent)]
        told = any(item.name not in self._triggers for item in intents)
        if record.state.loop is not None or (told and not record.state.stack):
            await self._assistant.respond(side, record, commands, heard, stream)
        else:
            await self._flows.respond(side, record, commands, heard, stream)

    async def decided(self, side: Side, record: Record, stream: Stream) -> None:
        """Approvals are the flows'."""
        await self._flows.decided(side, record, stream)

    async def go_on(self, side: Side, record: Record, stream: Stream) -> None:
        """Whoever had the word goes on."""
        if record.state.loop is not None:
            await self._assistant.go_on(side, record, stream)
        else:
            await self._flows.go_on(side, record, stream)

    def _known(self, command: Command) -> bool:
        if not isinstance(command, Intent) or command.name == FALLBACK:
            return False
        return command.name in self._triggers or self._assistant.policies.begins(command.name)
