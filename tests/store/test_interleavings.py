"""Whatever comes in between whatever: every message is committed once, in its sender's order, and nothing is lost."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.errors import LeaseLost
from bot.events import Received
from bot.state import State, fold
from bot.store.base import Claim
from bot.store.sql import SqlStore
from tests.store.stores import Clock, answer, hello

SENDERS = ("anna", "bert")
STEPS = st.one_of(
    st.tuples(st.just("accept"), st.sampled_from(SENDERS)),
    st.tuples(st.just("repeat"), st.integers(0, 30)),
    st.tuples(st.sampled_from(["claim", "commit", "late commit", "release", "send", "fail"]), st.integers(0, 3)),
    st.tuples(st.just("turn clock"), st.sampled_from([1, 40, -600])),
)


class Run:
    """One run of random steps against a store, and what must be true at its end."""

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        self.store, self.clock = store, clock
        self.accepted: list[tuple[str, str]] = []
        self.held: list[Claim] = []
        self.lost: list[Claim] = []
        self.sent: list[tuple[str, str]] = []
        self.queued: dict[str, list[str]] = {}

    async def step(self, name: str, value: Any) -> None:
        match name:
            case "accept":
                number = str(len(self.accepted))
                assert (await self.store.accept(hello(number, sender=value, text=number), bot="demo")).new
                self.accepted.append((value, number))
            case "repeat" if self.accepted:
                sender, number = self.accepted[value % len(self.accepted)]
                assert not (await self.store.accept(hello(number, sender=sender, text=number), bot="demo")).new
            case "claim":
                claim = await self.store.claim(f"w{value}", lease_seconds=30, pause=0.5)
                if claim is not None:
                    taken = [one for one in self.held if one.lease.conversation == claim.lease.conversation]
                    self.lost += taken
                    self.held = [one for one in self.held if one not in taken] + [claim]
            case "commit" if self.held:
                await self.commit(self.held.pop(value % len(self.held)))
            case "late commit" if self.lost:
                try:
                    await self.commit(self.lost.pop(value % len(self.lost)))
                except LeaseLost:
                    return
                raise AssertionError("a worker without the lease has committed")
            case "release" if self.held:
                claim = self.held.pop(value % len(self.held))
                await self.store.release(claim.lease)
                self.lost.append(claim)
            case "send" | "fail":
                await self.send(failing=name == "fail")
            case "turn clock":
                self.clock.turn(value)

    async def commit(self, claim: Claim) -> None:
        reply = f"reply to {claim.trigger.messages[-1].text}"
        await answer(self.store, claim, reply)
        self.queued.setdefault(claim.lease.conversation, []).append(reply)

    async def send(self, *, failing: bool) -> None:
        for outgoing in await self.store.due("sender", channels=["web"], limit=1):
            if failing:
                await self.store.postponed(outgoing.id, "busy", 5)
            else:
                self.sent.append((outgoing.conversation, outgoing.reply.text))
                await self.store.sent(outgoing.id)

    async def finish(self) -> None:
        """Drain it, as a server does that was started again."""
        self.clock.turn(3600)
        while (claim := await self.store.claim("last", lease_seconds=30)) is not None:
            await self.commit(claim)
        self.clock.turn(3600)
        for _ in range(len(self.accepted) + 1):
            await self.send(failing=False)

    async def check(self) -> None:
        assert await self.store.waiting() == 0
        for sender in SENDERS:
            expected = [number for who, number in self.accepted if who == sender]
            conversation = await self.store.find("web", "default", sender)
            events = await self.store.events(conversation) if conversation else []
            assert [one.body.text.text for one in events if isinstance(one.body, Received)] == expected
            assert [one.sequence for one in events] == list(range(1, len(events) + 1))
            if conversation:
                assert fold(State(conversation=conversation), events) == await self.store.load(conversation)
                sent = [text for where, text in self.sent if where == conversation]
                assert sent == self.queued[conversation]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, min_size=5, max_size=40))
def test_any_interleaving_keeps_the_order_and_loses_nothing(migrated: Path, steps: list[tuple[str, Any]]) -> None:
    async def run() -> None:
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(migrated, Path(folder) / "x.db")
            clock = Clock()
            store = SqlStore(f"sqlite:///{folder}/x.db", clock=clock)
            await store.open()
            try:
                one = Run(store, clock)
                for name, value in steps:
                    await one.step(name, value)
                await one.finish()
                await one.check()
            finally:
                await store.close()

    asyncio.run(run())
