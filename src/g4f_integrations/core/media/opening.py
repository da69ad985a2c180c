"""One call of a g4f provider's method for what is no chat: pictures, speech, transcripts, films."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.chunks import ChunkReader
from g4f_integrations.core.pump import LocalPump
from g4f_integrations.core.remote import RemotePump
from g4f_integrations.core.request import CallNotes
from g4f_integrations.core.routes import Route
from g4f_integrations.core.transport import Upstream, call_provider, check_arrived, copied, credentials_of, shape_of

_TEMPLATE_SIZES = frozenset({"width", "height", "aspect_ratio"})  # what g4f's template reads of its `**kwargs`
_UNTOLD = frozenset({"prompt", "download_media"})  # `prompt` stands in the messages, too; the other is our own wish


def open_work(
    candidate: Candidate, messages: list[dict[str, Any]], wanted: Mapping[str, Any], notes: CallNotes
) -> Upstream:
    """Start one call of a provider's method for what is no chat: pictures, speech, transcripts, films.

    Args:
        candidate: A g4f provider.
        messages: The wish as a conversation, for providers that look there.
        wanted: Everything else by g4f's names (``prompt``, ``width``, ``audio``, ``media`` …).
        notes: Filled with what the provider cannot take.

    Raises:
        ConfigurationError: The route's key did not travel with a pickle.
    """
    check_arrived(candidate)
    provider = candidate.provider
    shape = shape_of(provider)
    arguments: dict[str, Any] = {}
    for name, value in wanted.items():
        if name == "prompt" and shape.is_template and "modalities" in wanted:
            continue  # the template takes a prompt for a picture's
        by_template = shape.is_template and (name in shape.template_takes or name in _TEMPLATE_SIZES)
        if name in shape.named or by_template or (shape.takes_any and not shape.is_template):
            arguments[name] = copied(value)
        elif name not in _UNTOLD:
            notes.dropped.append(name)
    if "stream" in shape.named or shape.takes_any:
        arguments["stream"] = bool(getattr(provider, "supports_stream", True))
    arguments.update(credentials_of(candidate))

    def source() -> AsyncIterator[Any]:
        return call_provider(provider, candidate.model, messages, arguments)

    route = candidate.route
    inline = (isinstance(route, Route) and route.inline) or bool(getattr(provider, "runs_inline", False))
    pump = LocalPump(source) if inline else RemotePump(source, lane=shape.lane)
    return Upstream(pump, ChunkReader(), streams=False)
