"""What /metrics tells, in Prometheus' words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.engines.base import Engine
from bot.engines.batcher import Figures
from bot.types import TurnResult

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)


@runtime_checkable
class Measured(Protocol):
    """An engine that tells of its batcher."""

    def figures(self) -> Figures | None: ...


class Metrics:
    """One registry a server, so that two in one process (tests) do not count for each other."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        registry = self.registry
        self._received = Counter(
            "frontdesk_messages_received", "Messages that came in", ["channel", "new"], registry=registry
        )
        self._turns = Counter("frontdesk_turns", "Turns that ended", ["outcome"], registry=registry)
        self._steps = Histogram(
            "frontdesk_step_seconds", "Time of a turn's steps", ["step"], buckets=SECONDS, registry=registry
        )
        self._deliveries = Counter(
            "frontdesk_deliveries", "Replies handed to their channel", ["channel", "status"], registry=registry
        )
        self._trouble = Counter("frontdesk_errors", "What was caught at an edge", ["edge", "error"], registry=registry)
        self._busy = Counter(
            "frontdesk_busy", "Callers turned away because too many wait", ["channel"], registry=registry
        )
        self._swaps = Counter("frontdesk_model_swaps", "Models swapped while serving", ["kind"], registry=registry)
        self._refused = Gauge(
            "frontdesk_model_refused", "A promoted model that is not served", ["kind"], registry=registry
        )
        self.in_flight = Gauge("frontdesk_turns_in_flight", "Turns that are running", registry=registry)
        self.inbox_waiting = Gauge("frontdesk_inbox_waiting", "Inbox rows that are not done", registry=registry)
        self.connections = Gauge("frontdesk_widget_connections", "Open widgets", registry=registry)
        self._ready = Gauge("frontdesk_engine_ready", "Whether an engine is ready", ["engine"], registry=registry)
        self._queued = Gauge("frontdesk_engine_waiting", "Jobs that wait", ["engine"], registry=registry)
        self._hung = Gauge("frontdesk_engine_timeouts", "Batches that hung, so far", ["engine"], registry=registry)
        self._failed = Gauge("frontdesk_engine_failures", "Batches that failed, so far", ["engine"], registry=registry)

    def received(self, channel: str, *, new: bool) -> None:
        self._received.labels(channel, "yes" if new else "no").inc()

    def turn(self, result: TurnResult) -> None:
        """Count a turn and the seconds of its steps."""
        self._turns.labels(result.outcome.value).inc()
        for step, milliseconds in result.timings_ms.items():
            self._steps.labels(step).observe(milliseconds / 1000)

    def delivered(self, channel: str, status: str) -> None:
        self._deliveries.labels(channel, status).inc()

    def busy(self, channel: str) -> None:
        self._busy.labels(channel).inc()

    def trouble(self, edge: str, error: str) -> None:
        """`error` is the name of its class: EngineTimeout, StoreError ..."""
        self._trouble.labels(edge, error).inc()

    def swapped(self, kind: str) -> None:
        """A promoted version took another's place."""
        self._swaps.labels(kind).inc()

    def refused(self, trouble: Mapping[str, str]) -> None:
        """Kinds whose promoted version is not served; of all others it is."""
        self._refused.clear()
        for kind in trouble:
            self._refused.labels(kind).set(1)

    def engine(self, part: str, engine: Engine) -> None:
        """Look at one engine now: whether it is ready, and what its batcher has done, if it has one."""
        self._ready.labels(part).set(engine.ready())
        figures = engine.figures() if isinstance(engine, Measured) else None
        if figures is not None:
            self._queued.labels(part).set(figures.waiting)
            self._hung.labels(part).set(figures.timeouts)
            self._failed.labels(part).set(figures.failures)

    def page(self) -> bytes:
        """The text exposition format, 0.0.4."""
        return generate_latest(self.registry)
