"""Text that arrives in pieces → prose that may go out at once, and calls that are held until they are whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from g4f_integrations.core.toolcalls import imitations
from g4f_integrations.core.toolcalls.dialects import python_calls
from g4f_integrations.core.toolcalls.dialects.fences import fence
from g4f_integrations.core.toolcalls.dialects.json_values import bare_json
from g4f_integrations.core.toolcalls.dialects.tags import tag_call
from g4f_integrations.core.toolcalls.dialects.tokens import MISTRAL, harmony_call, mistral_call
from g4f_integrations.core.toolcalls.dialects.words import worded_call
from g4f_integrations.core.toolcalls.insides import Inside, Thought, inside_of
from g4f_integrations.core.toolcalls.lines import Line, past_indent
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.openers import openers_for
from g4f_integrations.core.toolcalls.outcomes import Calls, Found, Outcome, Plain, broken
from g4f_integrations.core.toolcalls.parsing import Parsed, settle
from g4f_integrations.core.toolcalls.prose import Prose
from g4f_integrations.core.toolcalls.source import MoreTextNeeded, Source

_BETWEEN = re.compile(r"[}\])]+|[,;]\s*(?=[{\[<])")
_PART_OF_BETWEEN = re.compile(r"[,;]\s*\Z")
_QUOTES = frozenset("\"'`“\u2018«")
_THINK = "<think>"
_HARMONY = ("<|channel|>", "<|start|>")
_SMALL = 256  # characters; so little that is held is looked at with every piece
_LOOKS = 8  # how often a held character may be looked at while its fate is open
_CUT = "The answer was cut off before the call was whole."
_MOST_CALLS = 256  # found in one answer; what follows is text: more is no answer but an attack or a loop
_MOST_DESPAIRS = 16  # beginnings of calls that came to nothing at the end of the text; more is no answer but an attack


class CallSplitter:
    """Splits one answer into prose and calls while it arrives.

    Example:
        >>> splitter = CallSplitter([{"type": "function", "function": {"name": "now", "parameters": {}}}])
        >>> splitter.feed("Let me see. "), splitter.feed('<tool_call>{"name": "now"}</tool_call>')
        ('Let me see.', '')
        >>> splitter.close().calls[0].name
        'now'

    Attributes:
        holding: Whether text is held back because a call may have begun in it.
    """

    __slots__ = (
        "_credit",
        "_despairs",
        "_ended",
        "_fence",
        "_found",
        "_held",
        "_inside",
        "_line",
        "_looked",
        "_offer",
        "_openers",
        "_prose",
        "_size",
        "_watch",
        "holding",
    )  # fmt: skip

    def __init__(self, tools: Sequence[Mapping[str, Any]]) -> None:
        self._offer = Offer(tools)
        self._openers = openers_for(self._offer.names, after_calls=False)
        self._held: list[str] = []
        self._size = 0  # characters held
        self._looked = 0  # characters held when they were last looked at
        self._credit = 0
        self._found: list[Found] = []
        self._prose = Prose()
        self._line = Line()
        self._inside: Inside | None = None
        self._fence = ""  # the mark of a fence around calls that is still to be closed
        self._despairs = 0
        self._ended = False
        self._watch: re.Pattern[str] | None = None if self._offer.names else re.compile(r"(?!)")
        self.holding = False

    def feed(self, text: str) -> str:
        """Take the next piece; returns the prose that may go out now."""
        if not text:
            return ""
        if self._watch is not None and self._watch.search(text) is None:
            self._line.last = text[-1]
            return self._prose.straight(text)
        if self._ended:
            return ""
        self._held.append(text)
        self._size += len(text)
        if self.holding and not self._is_worth_a_look(len(text)):
            return ""
        return self._advance(final=False)

    def close(self, *, cut: bool = False) -> Parsed:
        """End the answer: the prose that was still held, and all calls.

        Args:
            cut: Whether something other than the model ended the text (a limit, a stop sequence). A call that is not
                whole by then is half a call, however valid it looks.
        """
        whole = self._whole_calls() if cut and self.holding else None
        text = "" if self._ended or not self._offer.names else self._advance(final=True)
        if whole is not None:
            halves = self._found[whole:]
            self._found[whole:] = [broken(half.name, _as_text(half.arguments), _CUT) for half in halves]
        return settle(text + self._prose.end(), self._found, self._offer.tools)

    def _whole_calls(self) -> int:
        """How many calls are whole, whatever might have followed: ordinary text decides all that can be decided."""
        ahead = deepcopy(self)
        ahead._held.append("\n\n.\n\n")  # noqa: SLF001  a copy of our own
        ahead._advance(final=False)  # noqa: SLF001  see above
        return len(ahead._found)  # noqa: SLF001  see above

    def _is_worth_a_look(self, added: int) -> bool:
        """Looks at held text are paid for by text, so that all looks together stay linear."""
        self._credit += added * _LOOKS
        return self._size < _SMALL or self._credit >= self._size or self._size >= 2 * self._looked

    def _advance(self, *, final: bool) -> str:
        text = self._held[0] if len(self._held) == 1 else "".join(self._held)
        at, waits = 0, False
        while at < len(text) and not waits and not self._ended:
            if self._inside is not None:
                at, waits = self._stay_inside(text, at, final=final)
            else:
                at, waits = self._step(text, at, final=final)
        self._hold("" if self._ended else text[at:])
        if at:
            self._line.last = text[at - 1]
        return self._prose.take()

    def _hold(self, rest: str) -> None:
        self._held = [rest] if rest else []
        self._size = self._looked = len(rest)
        self._credit = 0
        self.holding = bool(rest)
        self._watch = None
        if not rest and not self._ended and not self._prose.after_cut:
            self._watch = self._inside.watch if self._inside is not None else self._line.watch

    def _stay_inside(self, text: str, at: int, *, final: bool) -> tuple[int, bool]:
        """Hand on what is the answer's own; returns the place after it and whether more text is needed."""
        assert self._inside is not None
        end, leaves = self._inside.leave(text, at, final=final)
        self._prose.say(text[at:end])
        if leaves:
            if isinstance(self._inside, Thought):
                self._line.begin()
            else:
                self._line.pass_over(text, max(at, end - 1), end)
            self._inside = None
        return end, not leaves

    def _step(self, text: str, at: int, *, final: bool) -> tuple[int, bool]:
        """Hand on the prose up to where a call may begin, and decide there; says, too, whether more text is needed."""
        start = self._next(text, at)
        self._prose.say(text[at:start])
        if start == len(text):
            return start, False
        try:
            outcome = self._look(Source(text, final=False), start)
        except MoreTextNeeded:
            if not final:
                self._line.fresh = self._line.head  # so that the next look sees the same place
                return start, True
            outcome = self._despair(text, start)
        if isinstance(outcome, Plain):
            return self._keep(text, start, outcome), False
        self._cut(outcome)
        return outcome.end, False

    def _despair(self, text: str, at: int) -> Outcome:
        """Decide at the end of the text, where every look may go over all of what is left."""
        if self._despairs >= _MOST_DESPAIRS:
            return Plain(len(text))
        outcome = self._look(Source(text, final=True), at)
        self._despairs += isinstance(outcome, Plain)
        return outcome

    def _keep(self, text: str, at: int, plain: Plain) -> int:
        end = max(plain.end, at + 1)
        self._prose.say(text[at:end])
        if plain.inside:
            self._inside = inside_of(plain.inside)
        if plain.inside != "thought":
            self._line.alone = False
        self._line.pass_over(text, at, end)
        return end

    def _cut(self, calls: Calls) -> None:
        if calls.found and not self._found:
            self._openers = openers_for(self._offer.names, after_calls=True)
        self._found += calls.found
        self._prose.cut()
        if calls.said:
            self._prose.say(calls.said)
            self._prose.cut()
        if calls.found:
            self._fence = calls.fence
        self._line.begin()
        self._line.alone = False

    def _next(self, text: str, at: int) -> int:
        """The next place from `at` on that needs a decision; what lies before it is prose."""
        line = self._line
        line.head = False
        while line.fresh:
            at = past_indent(text, at)
            if at == len(text):
                return at
            if text[at] == "\n":
                at += 1
                continue
            line.enter(text[at])
            if self._prose.after_cut or self._openers.may_begin(text, at):
                line.head = True
                return at
        line.alone = False
        while (mark := self._openers.marks.search(text, at)) is not None:
            place = mark.start()
            if text[place] == "\n":
                line.begin()
                line.enter(text[mark.end()])
                line.head = True
                return mark.end()
            line.pass_over(text, at, place)
            if text[place] == "`" or self._stands_free(text, place):
                return place
            at = place + 1
        return self._last_line(text, at)

    def _last_line(self, text: str, at: int) -> int:
        """The head of the last line, if it may be the beginning of a word that opens a call; else the text's end."""
        self._line.pass_over(text, at, len(text))
        newline = text.rfind("\n", at)
        if newline < 0 or self._line.fresh:
            return len(text)
        head = past_indent(text, newline + 1)
        self._line.quoted = text[head] == ">"
        if not self._openers.may_begin(text, head):
            return len(text)
        self._line.begin()
        self._line.enter(text[head])
        self._line.head = True
        return head

    def _stands_free(self, text: str, at: int) -> bool:
        """Whether what begins at `at` is neither in quotes nor in inline code nor in a quoted line."""
        before = text[at - 1] if at else self._line.last
        return not self._line.quoted and not self._line.ticks % 2 and before not in _QUOTES

    def _look(self, source: Source, at: int) -> Outcome:
        """What begins at `at`."""
        outcome = self._around_calls(source, at)
        if outcome is None and len(self._found) >= _MOST_CALLS:
            return Plain(len(source.text))
        outcome = outcome or self._made_up(source, at) or self._token(source, at)
        if outcome is not None:
            return outcome
        return self._head_of_line(source, at) if self._line.head else Plain(at + 1)

    def _around_calls(self, source: Source, at: int) -> Outcome | None:
        """What stands between calls and is no prose: ends of tags and fences, brackets too many, commas."""
        if not self._prose.after_cut:
            return None
        if source.sign(at) == "<":
            end = imitations.end_of_tag(source, at)
        elif self._fence and source.starts(self._fence, at):
            end = at + len(self._fence)
            self._fence = ""
        else:
            between = source.match(_BETWEEN, at, _PART_OF_BETWEEN)
            end = between.end() if between is not None else 0
        return Calls(end, ()) if end else None

    def _made_up(self, source: Source, at: int) -> Outcome | None:
        """The end of the answer, where the model goes on with a tool's result or the next turn."""
        if self._found and imitations.is_result(source, at, head_of_line=self._line.head):
            self._ended = True
            return Calls(len(source.text), ())
        return None

    def _token(self, source: Source, at: int) -> Outcome | None:
        """What may also stand in the middle of a line: tags, fences, Mistral's token."""
        sign = source.sign(at)
        if sign == "<":
            return self._tag(source, at)
        if sign == "`" or (sign == "~" and self._line.head):
            outcome = fence(source, at, self._offer, alone=self._line.alone)
            return Plain(at + 1) if self._line.ticks % 2 else outcome
        if sign == "[" and source.starts(MISTRAL, at):
            return mistral_call(source, at, self._offer)
        return None

    def _tag(self, source: Source, at: int) -> Outcome:
        if self._line.alone and source.starts(_THINK, at):
            return Plain(at + len(_THINK), "thought")
        if source.text.startswith(_HARMONY, at):
            return harmony_call(source, at)
        return tag_call(source, at, self._offer)

    def _head_of_line(self, source: Source, at: int) -> Outcome:
        sign = source.sign(at)
        if sign == "[" and python_calls.begins_list(source, at, self._offer):
            return python_calls.call_list(source, at, self._offer)
        if sign in "{[":
            return bare_json(source, at, self._offer)
        if self._openers.is_cut(source.text, at):
            source.more()
        return worded_call(source, at, self._offer, alone=self._line.alone)


def _as_text(arguments: Any) -> str:
    try:
        return arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        return ""


def parse_tool_calls(text: str, tools: Sequence[Mapping[str, Any]]) -> Parsed:
    """Find the calls in a whole answer.

    Args:
        text: The answer, without reasoning.
        tools: The tools of this request in OpenAI form; without tools nothing is parsed.

    Returns:
        The prose around the calls, the calls, and what is meant as a call but is none. Never raises.

    Example:
        >>> tools = [{"type": "function", "function": {"name": "now", "parameters": {"type": "object"}}}]
        >>> parse_tool_calls('Just a moment. {"x": 1}', tools).text
        'Just a moment. {"x": 1}'
    """
    splitter = CallSplitter(tools)
    said = splitter.feed(text)
    parsed = splitter.close()
    parsed.text = said + parsed.text
    return parsed
