"""What /metrics tells, in Prometheus' words."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from bot.types import TurnResult

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60)


class Metrics:
    """One registry a server, so that two in one process (tests) do not count for each other."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        made = {"registry": self.registry, "namespace": "frontdesk"}
        self._received = Counter("messages_received", "Messages that came in", ["channel", "new"], **made)
        self._turns = Counter("turns", "Turns that ended", ["outcome"], **made)
        self._steps = Histogram("step_seconds", "Time of a turn's steps", ["step"], buckets=SECONDS, **made)
        self._deliveries = Counter("deliveries", "Replies handed to their channel", ["channel", "status"], **made)
        self._trouble = Counter("errors", "What was caught at an edge", ["edge", "error"], **made)
        self._busy = Counter("busy", "Callers turned away because too many wait", ["channel"], **made)
        self.in_flight = Gauge("turns_in_flight", "Turns that are running", **made)
        self.inbox_waiting = Gauge("inbox_waiting", "Inbox rows that are not done", **made)
        self.connections = Gauge("widget_connections", "Open widgets", **made)
        self.engine_ready = Gauge("engine_ready", "Whether an engine is ready", ["engine"], **made)

    def watch(self, name: str, help: str, read: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, help, registry=self.registry, namespace="frontdesk").set_function(read)

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

    def page(self) -> bytes:
        """The text exposition format, 0.0.4."""
        return generate_latest(self.registry)
