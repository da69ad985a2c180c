"""Calls that the engine makes on behalf of another one: a summary of what is left out, a look at an answer's end.

They have attempts and clocks of their own, and are listed in the metadata of the call that they serve.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.events import AnswerInfo, Batch, TextDelta
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import Endpoint, Route, RouteChoice, parse_route
from g4f_integrations.core.trimming import SummaryRequest, Trimming
from g4f_integrations.errors import ConfigurationError, IntegrationError

logger = call_logger("side_calls")

_ATTEMPTS = 3  # to have an answer looked at; it is there already, and somebody waits for it

Ask = Callable[[RouteChoice, Request, Resilience, Candidate | None], Awaitable[Batch]]
"""All events of a blocking answer; the candidate, if any, is the one that is not to be asked."""


class SideCalls:
    """What one call asks of models on its own account.

    Args:
        choice: Which routes may serve the call.
        request: The call.
        policy: How hard to try.
        ask: The engine.

    Attributes:
        entries: What the metadata tell of them.
    """

    __slots__ = ("_ask", "_choice", "_policy", "_request", "entries")

    def __init__(self, choice: RouteChoice, request: Request, policy: Resilience, ask: Ask) -> None:
        self._choice = choice
        self._request = request
        self._policy = policy
        self._ask = ask
        self.entries: list[dict[str, Any]] = []

    async def summarise(self, wanted: SummaryRequest) -> str | None:
        """A summary of what is left out of the conversation.

        Raises:
            IntegrationError: Nobody could make one.
        """
        request = self._question(wanted.prompt(), {"max_tokens": wanted.max_tokens})
        settings = self._request.trimming
        if settings is not None:  # what is left out of a long conversation may be too long to be read in one piece
            request = request.replacing(
                trimming=Trimming(
                    reserve=settings.reserve, fraction=settings.fraction, learn_limits=settings.learn_limits
                )
            )
        return await self._text_of("summary", self._choice, request, self._policy)

    async def point_at_adverts(self, suspect: Candidate, prompt: str) -> str | None:
        """What a model says of the lines of an answer; another route than the one that gave it is asked.

        Args:
            suspect: Who gave the answer.
            prompt: The question.

        Raises:
            IntegrationError: Nobody could be asked, or nobody answered.
        """
        choice = _choice_of(self._choice, self._request.cleaning.ai.model)
        if choice is None:
            logger.warning("AICleaning.model names none of the routes: %s", self._request.cleaning.ai.model)
            return None
        question = self._question([{"role": "user", "content": prompt}])
        if choice.base_url != self._choice.base_url or not set(choice.routes) <= set(self._choice.routes):
            question = question.replacing(headers={})  # they were not given for that place
        policy = self._policy.model_copy(update={"max_attempts": min(self._policy.max_attempts, _ATTEMPTS)})
        return await self._text_of("cleaning", choice, question, policy, suspect)

    def _question(self, messages: list[dict[str, str]], params: dict[str, Any] | None = None) -> Request:
        cleaning = self._request.cleaning
        return Request(
            messages,
            params=params or {},
            # Adverts in the side call's own answer go by the rules, or one model would be asked about the next.
            cleaning=None if cleaning is None else cleaning.by_rules,
            headers=self._request.headers,
        )

    async def _text_of(
        self, purpose: str, choice: RouteChoice, request: Request, policy: Resilience, avoided: Candidate | None = None
    ) -> str:
        try:
            events = await self._ask(choice, request, policy, avoided)
        except asyncio.CancelledError:
            self._note(purpose, outcome="timeout")
            raise
        except ConfigurationError:  # nobody could be asked at all
            raise
        except IntegrationError as error:
            self._note(purpose, outcome=error.kind, attempts=len(error.attempts))
            raise
        info = events[-1]
        if isinstance(info, AnswerInfo):
            self._note(purpose, info.provider, info.model, len(info.attempts))
        return "".join(event.text for event in events if isinstance(event, TextDelta))

    def _note(
        self,
        purpose: str,
        provider: str | None = None,
        model: str | None = None,
        attempts: int = 0,
        outcome: str = "ok",
    ) -> None:
        told = {"purpose": purpose, "provider": provider, "model": model, "attempts": attempts, "outcome": outcome}
        self.entries = [*self.entries, told]  # a new list: the metadata of an answer keep the one that they were given


def _choice_of(choice: RouteChoice, model: str | None) -> RouteChoice | None:
    """Who is asked, if the user has named a model for it; ``None`` if the user's routes have no such model.

    Args:
        choice: Which routes may serve the call.
        model: A model's name there, ``"Provider:model"`` or the URL of an endpoint.
    """
    if model is None:
        return choice
    if choice.routes and (named := tuple(route for route in choice.routes if _model_of(route) == model)):
        return choice._replace(routes=named, fallback_models=())
    is_url = model.lower().startswith(("http://", "https://"))
    if is_url or (":" in model and choice.base_url is None):
        keys = choice.api_key if isinstance(choice.api_key, tuple) else None
        return RouteChoice(routes=(model,), proxy=choice.proxy, api_key=keys)
    return None if choice.routes else choice._replace(model=model, fallback_models=())


def _model_of(route: Route | Endpoint | str) -> str | None:
    return (parse_route(route) if isinstance(route, str) else route).model
