"""Pictures go to candidates whose models see them, recordings to those that listen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.catalog import listed_model, model_ids, model_info, sees_pictures, table_abilities
from g4f_integrations.core.request import Message
from g4f_integrations.errors import ConfigurationError

_MOST_NAMED = 6
_PICTURES = ("image_url",)  # tuples: the type of a stranger's part need not be hashable
_RECORDINGS = ("input_audio", "audio_url")


def holds_parts(messages: Sequence[Message]) -> bool:
    """Whether any message is more than a text, as one with a picture or a recording is. Runs on every call."""
    for message in messages:
        content = message.get("content")
        if type(content) is not str and isinstance(content, list | tuple):
            return True
    return False


def holds_picture(messages: Sequence[Message]) -> bool:
    """Whether any message holds a picture."""
    return _holds(messages, _PICTURES)


def holds_recording(messages: Sequence[Message]) -> bool:
    """Whether any message holds a recording."""
    return _holds(messages, _RECORDINGS)


def _holds(messages: Sequence[Message], kinds: tuple[str, ...]) -> bool:
    for message in messages:
        content = message.get("content")
        if type(content) is not str and isinstance(content, list | tuple):
            for part in content:
                if isinstance(part, Mapping) and part.get("type") in kinds:
                    return True
    return False


def those_that_listen_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates whose models are known to take recordings, then all others.

    None is left out: of few models is it known that they cannot, and those refuse by themselves.
    """
    return sorted(candidates, key=lambda candidate: not listens(candidate))


def listens(candidate: Candidate) -> bool:
    """Whether a route's model is known to take recordings in a chat."""
    row = listed_model(candidate.name, candidate.model)
    known = table_abilities(candidate.model)
    known = row.abilities.over(known) if row is not None else known
    return bool(known.of("audio") and known.of("chat"))


def those_that_see(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The candidates that are known to read pictures, then those of which nobody knows, each in their order.

    Endpoints come last where our table says that their model reads none: they know better, and refuse by themselves,
    whereas providers of g4f's answer as if there had been no picture.

    Raises:
        ConfigurationError: No candidate is left; the message names models that would do.
    """
    known: dict[bool | None, list[Candidate]] = {True: [], None: [], False: []}
    for candidate in candidates:
        known[sees_pictures(candidate.provider, candidate.name, candidate.model)].append(candidate)
    found = [*known[True], *known[None], *(blind for blind in known[False] if blind.provider is None)]
    if not found:
        raise ConfigurationError(_nobody_sees(candidates))
    return found


def _nobody_sees(candidates: Sequence[Candidate]) -> str:
    labels = [candidate.label for candidate in candidates[:_MOST_NAMED]]
    more = f" and {len(candidates) - _MOST_NAMED} more" if len(candidates) > _MOST_NAMED else ""
    infos = map(model_info, model_ids())
    able = [info.id for info in infos if info.vision and info.kind == "chat" and info.default_providers][:3]
    examples = f", such as {', '.join(map(repr, able))}" if able else ""
    return (
        f"model: the messages hold a picture, and none of the candidates reads pictures: {', '.join(labels)}{more}. "
        f"Choose a model that does{examples} (Catalog().models(ability='vision') lists them), or add one to "
        "fallback_models"
    )
