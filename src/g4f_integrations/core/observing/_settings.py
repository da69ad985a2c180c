"""Whether calls are told to OpenTelemetry, and whether with their words."""

from __future__ import annotations

import os

_OFF = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"  # names of instrumentations, as OpenTelemetry's own launcher takes them
_SDK_OFF = "OTEL_SDK_DISABLED"
_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_OUR_NAMES = frozenset({"g4f_integrations", "g4f-integrations"})
_ON_SPANS = frozenset({"true", "1", "span_only", "span_and_event"})


class Telemetry:
    """What was told by `configure_telemetry`, else by the environment, which is read once.

    Attributes:
        nobody_until: Time of `time.monotonic` until which it is known that nobody has set OpenTelemetry up.
    """

    __slots__ = ("_captures", "_enabled", "nobody_until")

    def __init__(self) -> None:
        self._enabled: bool | None = None
        self._captures: bool | None = None
        self.nobody_until = 0.0

    @property
    def is_enabled(self) -> bool:
        """Whether calls are told at all."""
        if self._enabled is None:
            names = {name.strip().lower() for name in os.environ.get(_OFF, "").split(",")}
            is_off = os.environ.get(_SDK_OFF, "").strip().lower() == "true"
            self._enabled = not is_off and _OUR_NAMES.isdisjoint(names)
        return self._enabled

    @property
    def captures_content(self) -> bool:
        """Whether prompts, answers and what routes said go along."""
        if self._captures is None:
            self._captures = os.environ.get(_CONTENT, "").strip().lower() in _ON_SPANS
        return self._captures

    def configure(self, enabled: bool | None, content: bool | None) -> None:
        """See `configure_telemetry`."""
        self._enabled, self._captures = enabled, content
        self.nobody_until = 0.0


telemetry = Telemetry()


def configure_telemetry(*, enabled: bool | None = None, content: bool | None = None) -> None:
    """Say whether this process tells OpenTelemetry of its calls; what is not said is left to the environment.

    Args:
        enabled: Whether calls are told. By default they are wherever the program has set OpenTelemetry up, unless
            ``OTEL_SDK_DISABLED`` is true or ``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS`` names ``g4f_integrations``.
        content: Whether spans carry prompts, answers and the words of errors, which may quote a prompt. By default
            they do not, unless ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`` is ``true``, ``SPAN_ONLY`` or
            ``SPAN_AND_EVENT``.
    """
    telemetry.configure(enabled, content)
