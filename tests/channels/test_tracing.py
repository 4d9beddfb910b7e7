"""Traces reach a collector, and hold none of a customer's words."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.channels.stands import Stand

PROGRAM = """
import asyncio, sys
from channels import tracing
flush = tracing.set_up(sys.argv[1])
from bot.timing import Stopwatch, span
with span("turn", conversation="c1", attempt=1):
    with Stopwatch().step("media"):
        pass
flush()
"""


class Collector(Stand):
    """Keeps the bodies of what is exported to it."""

    def __init__(self) -> None:
        super().__init__()
        self.bodies: list[bytes] = []

    def routes(self) -> list[Route]:
        async def take(request: Request) -> Response:
            self.bodies.append(await request.body())
            return Response(status_code=200)

        return [Route("/v1/traces", take, methods=["POST"])]


async def test_a_turns_steps_reach_the_collector() -> None:
    async with Collector() as collector:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, f"{collector.url}/v1/traces", env=environment
        )
        assert await asyncio.wait_for(program.wait(), 60) == 0
    sent = b"".join(collector.bodies)
    for word in (b"frontdesk", b"turn.media", b"c1"):
        assert word in sent
