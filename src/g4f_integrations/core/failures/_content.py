"""`classify_content` and `NoticeGate`: answers that are really errors, whole or as they stream in."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures._asked import asks_for, asks_for_page, speaks_of
from g4f_integrations.core.failures._failure import Failure, one_line, usual_scope
from g4f_integrations.core.failures._frames import States, Walk
from g4f_integrations.core.failures._notices import match_notice, notice_table
from g4f_integrations.core.failures._numbers import read_wait
from g4f_integrations.core.failures._objects import OBJECT_START, ErrorObject, may_open_object, read_object
from g4f_integrations.core.failures._pages import (
    PAGE_WINDOW,
    is_empty_shell,
    is_whole_page,
    may_open_page,
    page_mark,
)
from g4f_integrations.core.failures._wordings import match_wording, wordings

# White space, and what shows as little: NUL padding, byte order marks, zero-width signs.
BLANK = (
    "\x00\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
    "\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff"
)
_WAITED = frozenset({"rate_limit", "overloaded", "quota", "blocked"})


def _failure(kind: Outcome, text: str, *, source: str | None = None) -> Failure:
    # An error object tells waits by the names of its fields too, which are not among its words.
    wait = read_wait(" ".join((source or text)[:2000].lower().split())) if kind in _WAITED else None
    return Failure(kind, retry_after=wait, scope=usual_scope(kind), message=one_line(text))


def _page_failure(page: str, prompt: str | None) -> Failure | None:
    mark = page_mark(page[:PAGE_WINDOW])
    if mark is None:
        if not is_empty_shell(page) or (prompt and asks_for_page(prompt, certain=False)):
            return None
        return Failure("blocked", message="an HTML page without any text")
    if (prompt and asks_for_page(prompt, certain=mark.certain)) or not is_whole_page(page):
        return None
    kind: Outcome = "auth" if mark.login else "blocked"
    return Failure(kind, scope=usual_scope(kind), message=one_line(f"an HTML page: {mark.text}"))


def classify_content(
    text: str, *, provider: str | None = None, prompt: str | None = None, unseen: bool = True
) -> Failure | None:
    """The failure that an answer really is, or ``None`` for an answer.

    A failure is a whole answer that fits the frame of a known notice from its first character to its last and is
    short, a provider's JSON error object, or an HTML page with the marks of an error, a challenge or a login. A model's
    refusal is an answer, and so are texts *about* errors. Nothing at all has the kind ``"empty"``.

    Args:
        text: The whole answer.
        provider: Who gave it; some notices count for some routes only.
        prompt: The user's own words of the conversation. What they ask for or quote is no failure.
        unseen: Whether a short answer that says a failure in hardly any words but those of notices is one too, though
            no frame knows it; never where the prompt speaks of such failures itself.

    Example:
        >>> classify_content("The server is busy. Please try again later.").kind
        'overloaded'
        >>> classify_content("The server is busy compiling, so give it a minute.") is None
        True
        >>> classify_content("Ratelimit Exceeded!", prompt="Translate: límite de peticiones superado") is None
        True
        >>> classify_content("Hmm, our little AI is overloaded, come back in a bit!").kind
        'overloaded'
    """
    whole = text.strip(BLANK)
    if not whole:
        return Failure("empty", message="the answer is empty")
    first = whole[0]
    if first == "<":
        return _page_failure(whole, prompt) if may_open_page(whole) else None
    if first in "{[":
        found = read_object(whole)
        if found is not None and (unseen or not found.doubtful):
            return _told_by(found, whole, prompt)
        if first == "{":
            return None
    noticed = match_notice(whole, provider)
    if noticed is None and unseen:
        return _unseen(whole, prompt)
    return None if noticed is None or (prompt and asks_for(prompt, noticed, whole)) else _failure(noticed, whole)


def _told_by(found: ErrorObject, whole: str, prompt: str | None) -> Failure | None:
    excused = speaks_of if found.doubtful else asks_for
    if prompt and excused(prompt, found.kind, found.words):
        return None
    return replace(_failure(found.kind, found.words, source=whole), doubtful=found.doubtful)


def _unseen(text: str, prompt: str | None) -> Failure | None:
    worded = match_wording(text)
    if worded is None or (prompt and speaks_of(prompt, worded, text)):
        return None
    return replace(_failure(worded, text), doubtful=True)


_Mode = Literal["blank", "text", "object", "page", "suspect"]


class NoticeGate:
    """Holds a stream's text back only while the whole answer so far can still become what `classify_content` flags.

    Feed it the answer's text as it comes and hand on what it returns. Once `open` is true, the gate has nothing more
    to say and can be skipped. At the end of the stream, `close` tells whether the answer, of which nothing was
    released, is a failure. The verdict is that of `classify_content` on the whole text, however it was cut.

    Args:
        provider: As for `classify_content`.
        prompt: As for `classify_content`.
        unseen: As for `classify_content`.

    Example:
        >>> gate = NoticeGate(None, None)
        >>> gate.feed("Rate limit"), gate.feed(" exceeded"), gate.close()[1].kind
        ('', '', 'rate_limit')
        >>> gate = NoticeGate(None, None)
        >>> gate.feed("Rate"), gate.feed(" meals by taste"), gate.open
        ('', 'Rate meals by taste', True)
    """

    __slots__ = (
        "_blanks", "_count", "_held", "_length", "_mode", "_prompt", "_provider", "_start", "_states", "_trailing",
        "_unseen", "_walking", "_worded", "open",
    )  # fmt: skip

    def __init__(self, provider: str | None = None, prompt: str | None = None, *, unseen: bool = True) -> None:
        self.open = False
        self._unseen = unseen
        self._provider = provider
        self._prompt = prompt
        self._held: list[str] = []
        self._mode: _Mode = "blank"
        self._start = ""  # of the answer, without leading blanks, as far as a page or an object needs it
        self._length = self._trailing = 0  # characters since then, and how many blank ones stand at their end
        self._walking = True
        self._states: States | None = None  # in the frames, until none is left that can fit
        self._worded: States | None = None  # and in the words of notices
        self._count = -1  # nothing was walked
        self._blanks: list[str] = []  # not walked until something follows: a notice may end in any number of them

    def feed(self, text: str) -> str:
        """Takes the next piece of the answer; returns what may be handed on now."""
        if self.open:
            return text
        self._held.append(text)
        if self._undecided(text):
            return ""
        self.open = True
        released = "".join(self._held)
        self._forget()
        return released

    def close(self) -> tuple[str, Failure | None]:
        """The end of the stream: the text still held, and the failure that the answer is, if it is one.

        When a failure is returned, the text that comes with it is the whole answer.
        """
        if self.open:
            return "", None
        text = "".join(self._held)
        self.open = True
        self._forget()
        return text, classify_content(text, provider=self._provider, prompt=self._prompt, unseen=self._unseen)

    def _forget(self) -> None:
        self._held.clear()
        self._blanks.clear()
        self._start = ""
        self._states = self._worded = None

    def _undecided(self, text: str) -> bool:
        if self._mode == "blank":
            text = text.lstrip(BLANK)
            if not text:
                return True
            self._mode = "page" if text[0] == "<" else "object" if text[0] in "{[" else "text"
        if self._mode == "text":
            return self._walk(text)
        if self._mode == "page":
            return self._page(text)
        if self._mode == "object":
            return self._object(text)
        return True

    def _walk(self, text: str) -> bool:
        end = len(text.rstrip(BLANK))
        if not end:
            self._blanks.append(text)
            return True
        following = f"{''.join(self._blanks)}{text[:end]}"
        self._blanks[:] = [text[end:]]
        if self._count < 0:
            self._states = notice_table(self._provider).frames.start
            self._worded = wordings().start if self._unseen else None
            self._count = 0
        self._states = self._walked(notice_table(self._provider).frames, self._states, following)
        self._worded = self._walked(wordings(), self._worded, following)
        self._count += len(following)
        return self._states is not None or self._worded is not None

    def _walked(self, walk: Walk, states: States | None, text: str) -> States | None:
        """Where the text leads to; ``None`` once what was walked so far can no longer become a notice."""
        if states is None:
            return None
        for count, char in enumerate(text, self._count):
            if count >= states.longest:
                return None
            states = walk.step(states, char)
        return states if self._count + len(text) <= states.longest else None

    def _page(self, text: str) -> bool:
        if len(self._start) > PAGE_WINDOW:
            # A short page without text, behind which only blanks came: whatever else follows makes it an answer.
            return not text.strip(BLANK)
        self._start += text[: PAGE_WINDOW + 1 - len(self._start)]
        if not may_open_page(self._start):
            return False
        if len(self._start) <= PAGE_WINDOW:
            return True
        if page_mark(self._start) is not None:
            self._mode = "suspect"
            return True
        return not self._start[PAGE_WINDOW:].strip(BLANK) and is_empty_shell(self._start.rstrip(BLANK))

    def _object(self, text: str) -> bool:
        if len(self._start) < OBJECT_START:
            self._start += text[: OBJECT_START - len(self._start)]
        shown = len(text.rstrip(BLANK))
        self._trailing = len(text) - shown if shown else self._trailing + len(text)
        self._length += len(text)
        if self._walking and self._start[0] == "[":
            self._walking = self._walk(text)
            if self._walking:
                return True
        return self._length - self._trailing <= may_open_object(self._start)
