"""What runs in the process of `bot.sandbox`: one file in, samples or pixels out, in bounds that the kernel keeps.

A module of its own, so that little is imported: the customer waits for it.
"""

from __future__ import annotations

import json
import signal
import sys
from contextlib import suppress
from typing import Any

import numpy as np

from bot.decode import decode_audio, decode_picture
from bot.errors import Rejected, TooLarge

MEMORY_BYTES = 2 << 30
"""Address space, libraries included. The largest picture that is let through takes a quarter of it."""


def main() -> None:
    """`python -c ... PATHS KIND LIMIT SECONDS`, a file on standard input; on standard output a line of JSON (what was
    made, or the error's name and text), then float32 samples or RGB pixels."""
    kind, limit, seconds = sys.argv[2:5]
    _confine(int(seconds))
    data = sys.stdin.buffer.read()
    head: dict[str, Any]
    body = b""
    try:
        if kind == "audio":
            heard = decode_audio(data, float(limit))
            head, body = {"truncated": heard.truncated}, heard.samples.astype(np.float32).tobytes()
        else:
            pixels = decode_picture(data, int(limit)).pixels
            head, body = {"shape": pixels.shape}, pixels.tobytes()
    except MemoryError:
        head = {"error": TooLarge.__name__, "text": "it takes too much memory to decode"}
    except Rejected as error:
        head = {"error": type(error).__name__, "text": str(error)}
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + body)


def _confine(seconds: int) -> None:
    """It ends in time though nobody is left to end it, takes no more memory than it may, and leaves no file and no
    image of its memory behind."""
    import resource

    signal.alarm(seconds)
    bounds = {resource.RLIMIT_AS: MEMORY_BYTES, resource.RLIMIT_FSIZE: 0, resource.RLIMIT_CORE: 0}
    for which, most in bounds.items():
        with suppress(ValueError, OSError):  # some systems do not know all of them
            resource.setrlimit(which, (most, most))
