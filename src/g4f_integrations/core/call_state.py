"""What the attempts of one call share: the request, the time left, and what earlier attempts have shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.events import Batch
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.roles import text_of

_PROMPT_MESSAGES = 4  # turns of the user that are looked at to tell an answer about errors from an error
_PROMPT_CHARACTERS = 8_000


class Mistake:
    """An answer that is not in the form that was asked for, and what is wrong with it.

    Args:
        text: The answer, with the calls that it holds in words.
        problems: What is wrong, one line each.
    """

    __slots__ = ("problems", "text")

    def __init__(self, text: str, problems: tuple[str, ...]) -> None:
        self.text = text
        self.problems = problems


class CallState:
    """What the attempts of one call share.

    Args:
        request: What is asked.
        policy: The clocks' lengths.
        deadline: Loop time by which something must have been handed over, if any.
        waited: Seconds spent waiting so far, the consumer's own time left out.

    Attributes:
        ask_about_adverts: Asks a model about an answer of a route, where the settings have one look for adverts.
        suspects: Suspect answers seen so far, and the provider that gave each.
        empty_after_tool: Whether an empty answer to a tool result has been seen already.
        mistakes: The newest mistake in form of each route that has been asked again because of it.
        by_prompt: Routes that get tools and formats in words for the rest of this call, because they took them as
            parameters and heeded them not.
        kept: The newest answer that failed for its form alone, as the engine keeps it: its attempt, and what it has not
            handed over.
        muted: Whether text has been handed over already, so that further attempts only bring the tool calls for it.
    """

    __slots__ = (
        "_prompt", "ask_about_adverts", "by_prompt", "deadline", "empty_after_tool", "kept", "mistakes", "muted",
        "policy", "request", "suspects", "waited",
    )  # fmt: skip

    def __init__(self, request: Request, policy: Resilience, deadline: float | None, waited: float = 0.0) -> None:
        self.request = request
        self.policy = policy
        self.deadline = deadline
        self.waited = waited
        self.ask_about_adverts: Callable[[Candidate, str], Awaitable[str | None]] | None = None
        self.suspects: dict[str, str] | None = None
        self.empty_after_tool = False
        self.mistakes: dict[RouteKey, Mistake] | None = None
        self.by_prompt: set[RouteKey] | None = None
        self.kept: tuple[Any, Batch] | None = None
        self.muted = False
        self._prompt: str | None = None

    def tell_prompt(self) -> str:
        """`prompt`, for those who may not need it."""
        return self.prompt

    @property
    def prompt(self) -> str:
        """The user's newest words, as far as they help to tell an answer about errors from an error."""
        if self._prompt is None:
            newest = self.request.messages[-2 * _PROMPT_MESSAGES :]
            said = [text_of(message.get("content")) for message in newest if message.get("role") != "assistant"]
            self._prompt = "\n".join(said)[-_PROMPT_CHARACTERS:]
        return self._prompt
