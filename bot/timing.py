"""How long each step of a turn took, and its span for OpenTelemetry (a no-op until something collects them)."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace

TRACER = trace.get_tracer("frontdesk")


class Stopwatch:
    """Milliseconds by step; a step that is taken twice adds up."""

    def __init__(self) -> None:
        self.began = time.perf_counter()
        self.steps: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step, as a span `turn.<name>`."""
        began = time.perf_counter()
        with TRACER.start_as_current_span(f"turn.{name}", record_exception=False):
            try:
                yield
            finally:
                self.add({name: (time.perf_counter() - began) * 1000})

    def add(self, timings_ms: Mapping[str, float]) -> None:
        """Steps that were timed elsewhere."""
        for name, milliseconds in timings_ms.items():
            self.steps[name] = self.steps.get(name, 0.0) + milliseconds

    def read(self) -> dict[str, float]:
        """Every step so far; "total" since the start, "other" what no step accounts for."""
        total = (time.perf_counter() - self.began) * 1000
        known = sum(self.steps.values())
        measured = self.steps | {"other": max(0.0, total - known), "total": total}
        return {name: round(milliseconds, 3) for name, milliseconds in measured.items()}


@contextmanager
def span(name: str, **attributes: str | int) -> Iterator[None]:
    """A span around a whole piece of work. Attributes are ids and numbers, never a customer's words."""
    with TRACER.start_as_current_span(name, attributes=attributes, record_exception=False):
        yield
