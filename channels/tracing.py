"""Where the spans of `bot.timing` go: to a collector when `settings.traces` names one, else nowhere."""

from __future__ import annotations

from collections.abc import Callable

from opentelemetry import trace

NAME = "frontdesk"


def set_up(endpoint: str) -> Callable[[], None]:
    """Send spans to an OTLP/HTTP endpoint such as http://127.0.0.1:4318/v1/traces. The result sends what is left."""
    if not endpoint:
        return lambda: None
    # The exporter takes a tenth of a second to import, and nobody else needs it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=Resource.create({"service.name": NAME}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    trace.set_tracer_provider(provider)
    return provider.shutdown
