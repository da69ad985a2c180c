"""A plan's candidates → those that may serve one call."""

from __future__ import annotations

import random
from collections.abc import Sequence

from g4f_integrations.core.candidates.candidate import Candidate, Plan
from g4f_integrations.core.candidates.seeing import (
    holds_parts,
    holds_picture,
    holds_recording,
    listens,
    those_that_listen_first,
    those_that_see,
)
from g4f_integrations.core.catalog import sees_pictures
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import RouteChoice
from g4f_integrations.errors import ConfigurationError


def usable(plan: Plan, choice: RouteChoice, request: Request, policy: Resilience) -> Sequence[Candidate]:
    """The plan's candidates that may serve `request`, in the order of this call.

    Raises:
        ConfigurationError: Native tools were asked for, and no candidate takes any; or a picture is to be read, and no
            candidate reads any.
    """
    candidates: Sequence[Candidate] = plan.candidates
    if plan.shuffle:
        candidates = random.sample(candidates, len(candidates))
    if not policy.rotate_providers:
        first = candidates[0].key
        candidates = [c for c in candidates if (c.key.name, c.key.base_url) == (first.name, first.base_url)]
    if not policy.rotate_models and choice.routes:
        candidates = [c for c in candidates if c.model == candidates[0].model]
    if request.tools and request.tool_calling == "native":
        able = [candidate for candidate in candidates if candidate.native_tools is not False]
        if not able:
            message = (
                "tool_calling='native' was asked for, but no candidate takes tools by itself: "
                f"{', '.join(candidate.label for candidate in candidates)}. Name a provider or endpoint that does, "
                "or use tool_calling='auto'."
            )
            raise ConfigurationError(message)
        candidates = able
    if not holds_parts(request.messages):
        return candidates
    if holds_recording(request.messages):
        candidates = those_that_listen_first(candidates)
    return those_that_see(candidates) if holds_picture(request.messages) else candidates


def elsewhere(candidates: Sequence[Candidate], avoided: Candidate) -> Sequence[Candidate]:
    """The candidates that are not of the provider of `avoided`; if there are none, its own that are other routes.

    Raises:
        ConfigurationError: There is no other.
    """
    place = avoided.name, avoided.key.provider, avoided.key.base_url
    others = [c for c in candidates if (c.name, c.key.provider, c.key.base_url) != place]
    others = others or [candidate for candidate in candidates if candidate.key != avoided.key]
    if not others:
        message = f"there is no other route than {avoided.label}"
        raise ConfigurationError(message)
    return others


def abilities_lacking(candidate: Candidate, request: Request) -> int:
    """How many things that `request` asks for a route cannot do by itself: tools, streams, pictures, recordings.

    It serves the call all the same, with its tools told in words or the answer in one piece, but is not preferred to
    one that can for being quicker. Of endpoints nobody knows what they see, and so they lack nothing.
    """
    lacks_tools = bool(request.tools) and request.tool_calling == "auto" and candidate.native_tools is False
    lacks_stream = request.stream and not getattr(candidate.provider, "supports_stream", True)
    is_blind = holds_picture(request.messages) and (
        sees_pictures(candidate.provider, candidate.name, candidate.model) is False
    )
    is_deaf = holds_recording(request.messages) and not listens(candidate)
    return lacks_tools + lacks_stream + is_blind + is_deaf
