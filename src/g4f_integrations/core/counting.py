"""Counting one call's conversation: in the running loop where that is a matter of look-ups, else in a worker thread."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar, TypeVarTuple

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.request import Message, Request
from g4f_integrations.core.tokens import Counter, counter_for, counter_from
from g4f_integrations.core.trimming import Size, Trimming, exceeds, size_of

Arguments = TypeVarTuple("Arguments")
Told = TypeVar("Told")

NO_LIMIT = 1 << 60
_QUICK_TEXT = 20_000  # characters that are counted in the running loop; more goes to a worker thread
_QUICK_MESSAGES = 10_000  # a longer history goes there in any case


class Counting:
    """Counts one call's conversation, as each route's model does.

    Args:
        request: The call's request.
        settings: Its settings for trimming.
    """

    __slots__ = ("_calls_back", "_is_long", "_request", "_settings")

    def __init__(self, request: Request, settings: Trimming) -> None:
        self._request = request
        self._settings = settings
        self._calls_back = callable(settings.score) or callable(settings.summarize) or request.counter is not None
        self._is_long: bool | None = None

    def counter(self, candidate: Candidate) -> Counter:
        """The counter of a route's model, or the user's own."""
        own = self._request.counter
        return counter_for(candidate.model) if own is None else counter_from(own, candidate.model)

    async def off_loop(self, function: Callable[[*Arguments], Told], *arguments: *Arguments) -> Told:
        """What a function tells, which is called in a worker thread if the conversation is long.

        Also if the user's own functions are asked, whatever the conversation is.
        """
        if self._is_long is None:
            self._is_long = self._calls_back or exceeds(self._request.messages, _QUICK_TEXT)
        if not self._is_long:
            return function(*arguments)
        run = partial(contextvars.copy_context().run, function, *arguments)
        return await asyncio.get_running_loop().run_in_executor(None, run)

    async def counted(
        self,
        counter: Counter,
        messages: Sequence[Message],
        tokens: int,
        function: Callable[[*Arguments], Told],
        *arguments: *Arguments,
    ) -> Told:
        """What a function tells that counts messages, the newest that `tokens` hold.

        Where all but a little was counted before, as in a conversation that grows, the function is called here: a
        thread would cost more than it saves.

        Args:
            counter: What the function counts with.
            messages: The conversation.
            tokens: Older messages than these hold are not counted.
            function: What counts.
            arguments: What it is given.
        """
        is_quick = (
            not self._calls_back
            and not self._settings.summarize
            and len(messages) <= _QUICK_MESSAGES
            and counter.new_characters(messages, tokens, _QUICK_TEXT) <= _QUICK_TEXT
        )
        return function(*arguments) if is_quick else await self.off_loop(function, *arguments)

    async def size(self, candidate: Candidate, messages: Sequence[Message]) -> Size:
        """The size of the request with these messages."""
        counter = self.counter(candidate)
        return await self.counted(counter, messages, NO_LIMIT, size_of, messages, self._request.tools, counter)

    async def tokens_up_to(self, candidate: Candidate, most: int) -> int:
        """Tokens of the whole request; where these exceed `most`, of so much of it that they do."""
        counter, messages = self.counter(candidate), self._request.messages
        newest = await self.counted(counter, messages, most, counter.from_the_end, messages, most)
        return counter.tools(self._request.tools) + newest[-1]
