"""`AICleaningStream`: the end of a streamed answer is held until a language model has looked at it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from g4f_integrations.core.cleaning._ai import (
    LONGEST_SPAN,
    find_with_ai,
    is_suspect,
    opens_gate,
)
from g4f_integrations.core.cleaning._ai_settings import AICleaning, Complete
from g4f_integrations.core.cleaning._results import Removed
from g4f_integrations.core.cleaning._stream import CleaningStream
from g4f_integrations.core.failures import Failure

if TYPE_CHECKING:  # it makes these streams
    from g4f_integrations.core.cleaning.settings import Cleaning

_BORDER = re.compile(r"\n[ \t\r]*\n\s*")
_RULE = re.compile(r"[-*_]{3,}")


class AICleaningStream:
    """Rules first; then the newest paragraph is held, and those before it that look like adverts; or all of the text.

    `feed` and `flush` are those of `CleaningStream`: `flush` lets everything go without asking anybody, for streams
    that are cancelled or break. At the end of a good one, await `finish` instead, or `look` before `flush`.

    Attributes:
        idle: Never: the newest paragraph is always held.
        removed: After the end: what was taken out.
        notice: After the end: the failure that the whole answer is.
    """

    idle: Literal[False] = False

    __slots__ = (
        "_complete",
        "_decided",
        "_foreign",
        "_held",
        "_on_end",
        "_prompt",
        "_provider",
        "_released",
        "_rules",
        "_settings",
        "_stream",
        "_whole",
        "removed",
    )

    def __init__(
        self,
        stream: CleaningStream,
        settings: AICleaning | None,
        complete: Complete,
        *,
        provider: str | None,
        prompt: str | None,
        on_end: Callable[[list[Removed]], Any] | None = None,
        foreign: Sequence[str] = (),
        rules: Cleaning | None = None,
        whole: bool = False,
    ) -> None:
        self._whole = whole
        self._foreign = foreign
        self._rules = rules  # what cleans the end if the model gives no answer, where they have not done so already
        self._stream = stream
        self._settings = settings
        self._complete = complete
        self._provider, self._prompt = provider, prompt
        self._on_end = on_end
        self._held: list[str] = []  # complete paragraphs with their borders, and the newest one
        self._decided: tuple[str, list[Removed]] | None = None  # the rest, once the model has looked at it
        self._released: list[str] = []
        self.removed: list[Removed] = []

    @property
    def notice(self) -> Failure | None:
        """After the end: the failure that the whole answer is."""
        return self._stream.notice

    def feed(self, text: str, **signals: Any) -> str:
        """Take the next piece; gives what may be handed on now. `signals` are those of `CleaningStream.feed`."""
        return self._hold(self._stream.feed(text, **signals))

    @property
    def held(self) -> str:
        """The text that has passed the rules and waits for the end."""
        return "".join(self._held)

    def pass_batch(self, texts: list[str]) -> bool:
        """See `CleaningStream.pass_batch`: nothing passes unseen here."""
        return not any(texts)

    def _hold(self, text: str) -> str:
        if self._settings is None or not text:
            return text
        if self._whole:
            self._held.append(text)
            return ""
        newest = (self._held.pop() if self._held else "") + text
        place = 0
        for border in _BORDER.finditer(newest):
            if border.end() == len(newest):
                break  # more white space may follow
            self._held.append(newest[place : border.start()])
            place = border.start()
        newest = newest[place:]
        free = len(self._held)
        # Paragraphs that look like adverts wait for the end, and so do rule lines before them.
        while free and self._is_doubtful(self._held[free - 1]):
            free -= 1
        if place == 0 and free == 0 and len(newest) <= LONGEST_SPAN and self._length() <= 2 * LONGEST_SPAN:
            self._held.append(newest)
            return ""
        if self._length(free) > 2 * LONGEST_SPAN:
            free = len(self._held)
        released = "".join(self._held[:free])
        self._held = self._held[free:]
        if len(newest) > LONGEST_SPAN:
            released, newest = released + "".join(self._held) + newest, ""
            self._held = []
        if newest:
            self._held.append(newest)
        self._released.append(released)
        return released

    def _length(self, start: int = 0) -> int:
        return sum(map(len, self._held[start:]))

    def _is_doubtful(self, paragraph: str) -> bool:
        words = paragraph.strip()
        return _RULE.fullmatch(words) is not None or is_suspect(words, self._prompt)

    def flush(self) -> str:
        """The rest, without asking anybody."""
        if self._decided is not None:
            return self._end(*self._decided)
        rest = "".join(self._held) + self._stream.flush()
        self._held = []
        return self._end(rest)

    async def finish(self) -> str:
        """The rest, after the model has looked at it."""
        await self.look()
        return self.flush()

    async def look(self) -> None:
        """Have the model look at what is held, now that nothing more will come; `flush` gives what is left of it."""
        rest = "".join(self._held) + self._stream.flush()
        self._held, self._decided = [], (rest, [])
        known = any(removed.category == "ads" for removed in self._stream.removed)
        if self._settings is None or known or not rest.strip():
            return
        if not await opens_gate(self._settings, rest, self._prompt):
            return
        before = "".join(self._released)
        spans = await find_with_ai(
            self._settings,
            rest,
            provider=self._provider,
            prompt=self._prompt,
            complete=self._complete,
            before=before,
            foreign=self._foreign,
        )
        if spans is None:
            self._decided = self._without_model(before, rest)
            return
        found = [Removed("ai", start + len(before), end + len(before), rest[start:end]) for start, end in spans]
        for start, end in reversed(spans):
            rest = rest[:start] + rest[end:]
        self._decided = rest, found

    def _without_model(self, before: str, rest: str) -> tuple[str, list[Removed]]:
        """The rest by the rules, as far as these would not have changed what has been handed on."""
        if self._rules is None:
            return rest, []
        cleaned = self._rules.clean(before + rest, provider=self._provider, prompt=self._prompt)
        if cleaned.notice is not None or not cleaned.text.startswith(before):
            return rest, []
        return cleaned.text[len(before) :], cleaned.removed

    def _end(self, rest: str, found: list[Removed] | None = None) -> str:
        self.removed = [*self._stream.removed, *(found or [])]
        if self._on_end is not None and (self.removed or self.notice is not None):
            self._on_end(self.removed)
        return rest
