"""Decoding in a process of its own, which can be killed.

The decoders are C that reads a stranger's bytes: one may hang, crash or eat all memory, and a thread that hangs cannot
be ended. So each file gets a process (about a quarter of a second), as many at once as there are turns. It is told
neither our settings nor our secrets, and keeps the bounds of `bot.confined`, which is what runs there.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from contextlib import suppress
from typing import Any, Literal

import numpy as np

from bot import errors
from bot.engines.base import Audio, Picture
from bot.errors import Damaged, EngineError, Rejected
from bot.settings import PREFIX

log = logging.getLogger(__name__)

DECODE_SECONDS = 20.0
"""A file that takes longer to decode was made to do so."""
STRAY_SECONDS = 5
"""How long after DECODE_SECONDS a process ends that nobody ended."""

COMMAND = (
    sys.executable,
    "-I",
    "-c",
    "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from bot.confined import main; main()",
)
"""What is run: Python with our own `sys.path`, given as its first argument."""


async def audio(data: bytes, limit_seconds: float) -> Audio:
    """`bot.decode.decode_audio` in its own process. Rejected as there, Damaged too where the decoder hangs or dies of
    the file; EngineError where none could be run."""
    head, body = await _run("audio", data, limit_seconds)
    return Audio(np.frombuffer(body, np.float32).copy(), truncated=head["truncated"])


async def picture(data: bytes, max_pixels: int) -> Picture:
    """`bot.decode.decode_picture` in its own process. Raises as `audio` does."""
    head, body = await _run("picture", data, max_pixels)
    return Picture(np.frombuffer(body, np.uint8).reshape(head["shape"]).copy())


async def _run(kind: Literal["audio", "picture"], data: bytes, limit: float) -> tuple[dict[str, Any], bytes]:
    """The answer's first line and what follows it."""
    told = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    told |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # each thread takes address space
    given = (json.dumps(sys.path), kind, str(limit), str(int(DECODE_SECONDS) + STRAY_SECONDS))
    pipe = asyncio.subprocess.PIPE
    try:
        process = await asyncio.create_subprocess_exec(*COMMAND, *given, stdin=pipe, stdout=pipe, env=told)
    except OSError as error:
        raise EngineError(f"no decoder can be started: {error.strerror}") from None
    try:
        async with asyncio.timeout(DECODE_SECONDS):
            out, _ = await process.communicate(data)
    except TimeoutError:
        raise Damaged("the file takes too long to decode") from None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        code = await process.wait()
    if code:
        log.warning("a decoder ended with %d", code)
        if code < 0:
            raise Damaged(f"the decoder died of the file (signal {-code})")
        raise EngineError(f"the decoder ended with {code}")
    line, _, body = out.partition(b"\n")
    head = json.loads(line)
    if "error" in head:
        raise _refusal(head["error"], head["text"])
    return head, body


def _refusal(name: str, text: str) -> Rejected:
    """The error that was raised over there, by its name."""
    kind = getattr(errors, name)
    made: Rejected = kind(text)
    return made
