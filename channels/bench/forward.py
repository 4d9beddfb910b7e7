"""How long the models themselves took: the time inside their forward passes, all threads together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Clock:
    """Milliseconds inside forward passes since it was made. A pass inside a pass counts once."""

    def __init__(self) -> None:
        self.milliseconds = 0.0
        self._inside = threading.local()
        self._lock = threading.Lock()

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """`call`, with its time added."""

        def run(*args: Any, **kwargs: Any) -> Any:
            if getattr(self._inside, "on", False):
                return call(*args, **kwargs)
            self._inside.on = True
            began = time.perf_counter()
            try:
                return call(*args, **kwargs)
            finally:
                self._inside.on = False
                with self._lock:
                    self.milliseconds += (time.perf_counter() - began) * 1000

        return run


@contextmanager
def watched() -> Iterator[Clock]:
    """While it lasts, every model of transformers and every session of ONNX Runtime adds to the clock."""
    import onnxruntime
    from transformers import PreTrainedModel

    clock = Clock()
    session = onnxruntime.InferenceSession
    before = {"call": PreTrainedModel.__call__, "run": session.run}
    setattr(PreTrainedModel, "__call__", clock.timed(before["call"]))  # noqa: B010 - a method is replaced on purpose
    setattr(session, "run", clock.timed(before["run"]))  # noqa: B010
    try:
        yield clock
    finally:
        setattr(PreTrainedModel, "__call__", before["call"])  # noqa: B010
        setattr(session, "run", before["run"])  # noqa: B010
