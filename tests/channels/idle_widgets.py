"""A crowd of idle widgets in a process of its own: `python idle_widgets.py WS_URL < tokens`."""

import asyncio
import json
import sys

from websockets.asyncio.client import connect


async def main() -> None:
    """Open one connection a token, print how many were welcomed, and wait for the end of standard input."""
    tokens = []
    for line in sys.stdin:
        if not line.strip():
            break
        tokens.append(line.strip())
    slots = asyncio.Semaphore(50)

    async def open_one(token: str) -> object:
        async with slots:
            socket = await connect(sys.argv[1], proxy=None, compression=None, ping_interval=None)
            await socket.send(json.dumps({"type": "hello", "token": token, "resume": 0}))
            assert json.loads(await socket.recv())["type"] == "welcome"
            return socket

    opened = await asyncio.gather(*(open_one(token) for token in tokens))
    sys.stdout.write(f"{len(opened)}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
