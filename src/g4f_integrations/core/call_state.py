"""What the attempts of one call share: the request, the time left, and what earlier attempts have shown."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.events import Batch, ToolCall, Usage
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.request import Request
from g4f_integrations.core.roles import text_of

if TYPE_CHECKING:  # loaded when an answer breaks off, or somebody follows the call
    from g4f_integrations.core.cleaning import Removed
    from g4f_integrations.core.joining import Joint
    from g4f_integrations.core.observing import CallWatch

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


class Partial:
    """What has been handed over of an answer that broke off, and what belongs to it.

    Args:
        request: What was asked at first.
        anew: Whether the answer is asked for once more from its beginning, because it must have a form as a whole.

    Attributes:
        text: What was handed over.
        held: What came behind it and was not handed over any more; the next route is to say it again.
        resumed: How often the answer has broken off and been carried on.
        sources: Sources that were named so far.
        removed: What was cleaned away so far.
        calls: The whole tool calls that came with the last part of it.
        usage: What the routes so far have cost.
        is_estimated: Whether some of that is our estimate.
    """

    __slots__ = ("anew", "calls", "held", "is_estimated", "removed", "request", "resumed", "sources", "text", "usage")

    def __init__(self, request: Request, *, anew: bool) -> None:
        self.request = request
        self.anew = anew
        self.text = self.held = ""
        self.resumed = 0
        self.sources: list[dict[str, Any]] = []
        self.removed: list[Removed] = []
        self.calls: Sequence[ToolCall] = ()
        self.usage = Usage()
        self.is_estimated = False

    @property
    def blanks(self) -> str:
        """The white space behind the text, which the next route cannot know of."""
        return self.held[: len(self.held) - len(self.held.lstrip())]

    @property
    def known(self) -> str:
        """What the next route is told of the answer."""
        return self.text + self.blanks

    def joint(self, *, trimmed: bool = False) -> Joint:
        """What joins the rest to it.

        Args:
            trimmed: Whether the route that is asked drops white space at the beginning of its answers.
        """
        from g4f_integrations.core.joining import Joint  # few answers break off

        return Joint(self.text, self.blanks, anew=self.anew, trimmed=trimmed)


class CallState:
    """What the attempts of one call share.

    Args:
        request: What is asked.
        policy: The clocks' lengths.
        deadline: Loop time by which something must have been handed over, if any.
        waited: Seconds spent waiting so far, the consumer's own time left out.

    Attributes:
        ask_about_adverts: Asks a model about an answer of a route, where the settings have one look for adverts.
        shown: What was shown of each choice before it turned out that it lacks its tool calls.
        suspects: Suspect answers seen so far, and the provider that gave each.
        empty_after_tool: Whether an empty answer to a tool result has been seen already.
        only_thoughts: Whether an answer of nothing but reasoning has been seen already.
        mistakes: The newest mistake in form of each route that has been asked again because of it.
        by_prompt: Routes that get tools and formats in words for the rest of this call, because they took them as
            parameters and heeded them not.
        formats_by_prompt: Routes that get the format in words for the rest of this call, as they refuse its schema.
        has_doubted: Whether an answer has been asked for elsewhere because it reads like a notice.
        kept: The newest answer that failed for its form or for how it reads alone, as the engine keeps it: its
            attempt, and what it has not handed over.
        hides_reasoning: Whether text has been handed over already, before which reasoning can stand no more.
        muted: Whether text has been handed over already, so that further attempts only bring the tool calls for it.
        number: The call's, in this process.
        partial: What has been handed over of an answer that broke off and is being carried on.
        watch: Who follows the call for a trace, if anybody.
    """

    __slots__ = (
        "_prompt", "ask_about_adverts", "by_prompt", "deadline", "empty_after_tool", "formats_by_prompt",
        "has_doubted", "hides_reasoning", "kept", "mistakes", "muted", "number", "only_thoughts", "partial", "policy",
        "request", "shown", "suspects", "waited", "watch",
    )  # fmt: skip

    def __init__(self, request: Request, policy: Resilience, deadline: float | None, waited: float = 0.0) -> None:
        self.request = request
        self.policy = policy
        self.deadline = deadline
        self.waited = waited
        self.ask_about_adverts: Callable[[Candidate, str], Awaitable[str | None]] | None = None
        self.suspects: dict[str, str] | None = None
        self.empty_after_tool = self.only_thoughts = False
        self.mistakes: dict[RouteKey, Mistake] | None = None
        self.by_prompt: set[RouteKey] | None = None
        self.formats_by_prompt: set[RouteKey] | None = None
        self.kept: tuple[Any, Batch] | None = None
        self.muted = self.hides_reasoning = self.has_doubted = False
        self.partial: Partial | None = None
        self.shown: dict[int, str] | None = None
        self.number: int | None = None
        self.watch: CallWatch | None = None
        self._prompt: str | None = None

    def tell_prompt(self) -> str:
        """`prompt`, for those who may not need it."""
        return self.prompt

    def ask(self, request: Request) -> None:
        """From now on the attempts ask `request`, though the user's own words stay what they were."""
        self._prompt = self.prompt
        self.request = request

    @property
    def prompt(self) -> str:
        """The user's newest words, as far as they help to tell an answer about errors from an error."""
        if self._prompt is None:
            newest = self.request.messages[-2 * _PROMPT_MESSAGES :]
            said = [text_of(message.get("content")) for message in newest if message.get("role") != "assistant"]
            self._prompt = "\n".join(said)[-_PROMPT_CHARACTERS:]
        return self._prompt
