"""A server with a turn by rote, in a process of its own: `python rote_server.py HOME PORT SECONDS_A_TURN`."""

import asyncio
import sys
from pathlib import Path

from bot import settings as settings_module
from channels import serving
from channels.app import Desk, application
from tests.channels.desks import RoteBot


async def main(home: Path, port: int, seconds: float) -> None:
    """Serve until killed; says "ready" when it answers."""
    bot = RoteBot(settings_module.load(home=home, port=port))
    bot.turn.before = lambda claim: asyncio.sleep(seconds)
    lease = serving.Lease(home)
    desk = Desk(bot, worker=lease.worker, grace=5.0)
    listening = serving.listen("127.0.0.1", port)
    await serving.serve(desk, application(desk), listening, lambda: print("ready", flush=True))  # noqa: T201
    lease.close()


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
