"""An OpenTelemetry SDK that is set up for one test, and what it has been told; needs `opentelemetry-sdk`."""

from contextlib import contextmanager

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from g4f_integrations.core.observing import configure_telemetry

_OURS = ("chat", "embeddings", "generate_content", "attempt")


class Told:
    """What an SDK has been told since the test began."""

    def __init__(self):
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracing, self.metering = TracerProvider(), MeterProvider([self.reader])
        self.tracing.add_span_processor(SimpleSpanProcessor(self.exporter))

    @property
    def spans(self):
        return [span for span in self.exporter.get_finished_spans() if span.name.startswith(_OURS)]

    @property
    def calls(self):
        return [span for span in self.spans if not span.name.startswith("attempt")]

    @property
    def call(self):
        [call] = self.calls
        return call

    @property
    def attempts(self):
        return [span for span in self.spans if span.name.startswith("attempt")]

    def points(self, name):
        data = self.reader.get_metrics_data()
        found = [
            metric
            for resource in (data.resource_metrics if data else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
        ]
        return [point for metric in found for point in metric.data.data_points]


@contextmanager
def following(monkeypatch):
    """Sets an SDK up; OpenTelemetry itself lets a program do so once."""
    told = Told()
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", told.tracing)
    monkeypatch.setattr(metrics._internal, "_METER_PROVIDER", told.metering)
    configure_telemetry()
    yield told
    configure_telemetry()
