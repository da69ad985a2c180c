"""The tracer and the instruments of whatever OpenTelemetry SDK the program has set up.

Names and boundaries are those of the semantic conventions for generative AI, as of 2026
(https://github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/gen-ai-metrics.md). Theirs is the status
"development": names may change there, and then here.
"""

from __future__ import annotations

from typing import Any

from opentelemetry import metrics, trace

from g4f_integrations import __version__

_SCOPE = "g4f_integrations"
_SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
_TOKENS = tuple(4**power for power in range(14))
_IDLE = ("opentelemetry.trace", "opentelemetry.metrics")  # where the providers that do nothing live


class Hooks:
    """What calls are told to.

    Args:
        tracing: A tracer provider.
        metering: A meter provider.

    Attributes:
        tracer: Makes spans.
        duration: Seconds of each call.
        tokens: Tokens of each call, as its route told them.
        first_chunk: Seconds to the first content of each stream.
        attempts: Counts attempts by route and outcome; not of the conventions, which know of none.
        measures: Whether the instruments lead anywhere.
    """

    __slots__ = ("attempts", "duration", "first_chunk", "measures", "metering", "tokens", "tracer", "tracing")

    def __init__(self, tracing: trace.TracerProvider, metering: metrics.MeterProvider) -> None:
        self.tracing, self.metering = tracing, metering
        self.tracer = tracing.get_tracer(_SCOPE, __version__)
        self.measures = not _is_idle(metering)
        meter = metering.get_meter(_SCOPE, __version__)
        self.duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self.tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )
        self.first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time to receive the first chunk of a streamed answer.",
            explicit_bucket_boundaries_advisory=_SECONDS,
        )
        self.attempts = meter.create_counter(
            "g4f.client.attempts", unit="{attempt}", description="Attempts by route and outcome."
        )


_hooks: Hooks | None = None


def current_hooks() -> Hooks | None:
    """The hooks of the SDK that is set up now; ``None`` if there is none."""
    global _hooks  # noqa: PLW0603  one for the process; two threads may make it twice, which does no harm
    tracing, metering = trace.get_tracer_provider(), metrics.get_meter_provider()
    if _is_idle(tracing) and _is_idle(metering):
        return None
    hooks = _hooks
    if hooks is None or hooks.tracing is not tracing or hooks.metering is not metering:
        hooks = _hooks = Hooks(tracing, metering)
    return hooks


def _is_idle(provider: Any) -> bool:
    return type(provider).__module__.startswith(_IDLE)
