"""Text that arrives in pieces → prose that may go out at once, and calls that are held until they are whole."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from g4f_integrations.core.toolcalls import imitations
from g4f_integrations.core.toolcalls.dialects import python_calls
from g4f_integrations.core.toolcalls.dialects.fences import fence
from g4f_integrations.core.toolcalls.dialects.json_values import bare_json
from g4f_integrations.core.toolcalls.dialects.react import worded_call
from g4f_integrations.core.toolcalls.dialects.tags import tag_call
from g4f_integrations.core.toolcalls.dialects.tokens import MISTRAL, harmony_call, mistral_call
from g4f_integrations.core.toolcalls.insides import Inside, Thought, inside_of
from g4f_integrations.core.toolcalls.offer import Offer
from g4f_integrations.core.toolcalls.outcomes import WAIT, Calls, Found, Outcome, Plain, Wait
from g4f_integrations.core.toolcalls.parsing import Parsed, settle
from g4f_integrations.core.toolcalls.prose import Prose

# What in the middle of a line needs a closer look; all other text goes straight on. Blanks at the end wait, because
# a call that follows takes them with it.
_MID_LINE = re.compile(r"[<\[`\n]|\s\Z")
_SPECIAL = re.compile(r"[<\[`\n]")
_INDENT = re.compile(r"[ \t]*")
_SURPLUS = re.compile(r"[}\])]+")
_SEPARATOR = re.compile(r"[,;]\s*(?=[{\[<])")
_PART_OF_SEPARATOR = re.compile(r"[,;]\s*\Z")
_QUOTES = frozenset("\"'`“\u2018«")
_THINK = "<think>"
_HARMONY = ("<|channel|>", "<|start|>")
_SMALL = 256  # characters; so little that is held is looked at with every piece
_LOOKS = 8  # how often a held character may be looked at while its fate is open
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
        "_credit", "_despairs", "_ended", "_fence", "_found", "_held", "_inside", "_line", "_longest", "_looked", "_offer", "_prose",
        "_size", "_watch", "_words", "holding",
    )  # fmt: skip

    def __init__(self, tools: Sequence[Mapping[str, Any]]) -> None:
        self._offer = Offer(tools)
        self._words = tuple(
            dict.fromkeys(
                ("action", "*action", "**action", "call:", "functools[", *(name.lower() for name in self._offer.names))
            )
        )
        self._longest = max(map(len, self._words))
        self._held: list[str] = []
        self._size = 0  # characters held
        self._looked = 0  # characters held when they were last looked at
        self._credit = 0
        self._found: list[Found] = []
        self._prose = Prose()
        self._line = _Line()
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

    def close(self) -> Parsed:
        """End the answer: the prose that was still held, and all calls."""
        text = "" if self._ended or not self._offer.names else self._advance(final=True)
        return settle(text + self._prose.end(), self._found, self._offer.tools)

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
        """Hand on the prose up to where a call may begin, and decide there."""
        start = self._next(text, at)
        self._prose.say(text[at:start])
        if start == len(text):
            return start, False
        outcome = self._look(text, start, final=False)
        if isinstance(outcome, Wait) and final:
            outcome = self._despair(text, start)
        if isinstance(outcome, Wait):
            self._line.fresh = self._line.head  # so that the next look sees the same place
            return start, True
        if isinstance(outcome, Plain):
            return self._keep(text, start, outcome), False
        self._cut(outcome)
        return outcome.end, False

    def _despair(self, text: str, at: int) -> Outcome:
        """Decide at the end of the text, where every look may go over all of what is left."""
        if self._despairs >= _MOST_DESPAIRS:
            return Plain(len(text))
        outcome = self._look(text, at, final=True)
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
            self._words += imitations.LINES
            self._longest = max(map(len, self._words))
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
        while at < len(text):
            if line.fresh:
                at = _INDENT.match(text, at).end()  # type: ignore[union-attr]
                if at == len(text):
                    return at
                if text[at] != "\n":
                    line.fresh = False
                    line.quoted = text[at] == ">"
                    if self._prose.after_cut or self._may_begin(text, at):
                        line.head = True
                        return at
            special = _SPECIAL.search(text, at)
            if special is None:
                line.alone = False
                return len(text)
            place = special.start()
            line.alone = line.alone and place == at
            if text[place] == "\n":
                line.begin()
            elif text[place] == "`" or self._may_be_token(text, place):
                return place
            at = place + 1
        return at

    def _may_begin(self, text: str, at: int) -> bool:
        """Whether a call may begin at the head of a line with what stands at `at`."""
        if text[at] in "{[`~<":
            return True
        head = text[at : at + self._longest].lower()
        if head.startswith(self._words) or (self._line.alone and head[0].isalpha()):
            return True
        return len(text) - at < self._longest and any(word.startswith(head) for word in self._words)

    def _may_be_token(self, text: str, at: int) -> bool:
        """Whether the ``<`` or ``[`` at `at` stands free, and not in quotes, inline code or a quoted line."""
        if text[at] == "[" and not MISTRAL.startswith(text[at : at + len(MISTRAL)]):
            return False
        before = text[at - 1] if at else self._line.last
        return not self._line.quoted and not self._line.ticks % 2 and before not in _QUOTES

    def _look(self, text: str, at: int, *, final: bool) -> Outcome:
        """What begins at `at`."""
        sign = text[at]
        if self._prose.after_cut and (around := self._around_calls(text, at, final=final)) is not None:
            return around
        if self._found and (made_up := self._made_up(text, at, final=final)) is not None:
            return made_up
        if sign == "<":
            return self._tag(text, at, final=final)
        if sign == "`" or (sign == "~" and self._line.head):
            outcome = fence(text, at, self._offer, final=final, alone=self._line.alone)
            in_code = self._line.ticks % 2 and isinstance(outcome, (Plain, Calls))
            return Plain(at + 1) if in_code else outcome
        if (
            sign == "["
            and MISTRAL.startswith(text[at : at + len(MISTRAL)])
            and (len(text) - at > 1 or not self._line.head)
        ):
            return mistral_call(text, at, self._offer, final=final)
        return self._head_of_line(text, at, final=final) if self._line.head else Plain(at + 1)

    def _head_of_line(self, text: str, at: int, *, final: bool) -> Outcome:
        if text[at] == "[" and python_calls.begins_list(text, at, self._offer) is not False:
            return python_calls.call_list(text, at, self._offer, final=final)
        if text[at] in "{[":
            return bare_json(text, at, self._offer, final=final)
        outcome = worded_call(text, at, self._offer, final=final)
        if self._line.alone and isinstance(outcome, Plain) and outcome.end == at + 1:
            return python_calls.whole_answer(text, at, self._offer, final=final)
        return outcome

    def _tag(self, text: str, at: int, *, final: bool) -> Outcome:
        if self._line.alone:
            head = text[at : at + len(_THINK)]
            if head == _THINK:
                return Plain(at + len(_THINK), "thought")
            if not final and _THINK.startswith(head):
                return WAIT
        if text.startswith(_HARMONY, at):
            return harmony_call(text, at, final=final)
        return tag_call(text, at, self._offer, final=final)

    def _around_calls(self, text: str, at: int, *, final: bool) -> Outcome | None:
        """What stands between calls and is no prose: ends of tags and fences, brackets too many, commas."""
        if text[at] == "<":
            end = imitations.is_end(text, at)
            return None if end is None or (final and not end) else Calls(end, ()) if end else WAIT
        if self._fence and text[at] == self._fence[0]:
            mark = self._fence
            if text.startswith(mark, at):
                self._fence = ""
                return Calls(at + len(mark), ())
            return WAIT if not final and mark.startswith(text[at:]) else None
        surplus = _SURPLUS.match(text, at)
        if surplus is not None:
            return Calls(surplus.end(), ())
        separator = _SEPARATOR.match(text, at)
        if separator is not None:
            return Calls(separator.end(), ())
        return WAIT if not final and _PART_OF_SEPARATOR.match(text, at) else None

    def _made_up(self, text: str, at: int, *, final: bool) -> Outcome | None:
        """The end of the answer, where the model goes on with a tool's result or the next turn."""
        found = False
        if text[at] == "<":
            found = imitations.is_result(text, at)
        elif self._line.head:
            found = imitations.is_result_line(text, at)
        if found:
            self._ended = True
            return Calls(len(text), ())
        return WAIT if found is None and not final else None


class _Line:
    """Where in its line the text is.

    Attributes:
        fresh: Whether nothing but blanks stands before in the line.
        head: Whether the place that is looked at is the first of its line.
        quoted: Whether the line is a quotation.
        ticks: Marks of inline code so far.
        last: The last character before the text at hand.
        alone: Whether nothing but reasoning has come in the whole answer.
    """

    __slots__ = ("alone", "fresh", "head", "last", "quoted", "ticks")

    def __init__(self) -> None:
        self.alone = True
        self.head = False
        self.last = ""
        self.begin()

    def begin(self) -> None:
        """A new line, or a place where one could begin."""
        self.fresh = True
        self.quoted = False
        self.ticks = 0

    @property
    def watch(self) -> re.Pattern[str] | None:
        """What in the next piece needs a closer look; ``None``: everything."""
        return None if self.fresh else _MID_LINE

    def pass_over(self, text: str, start: int, end: int) -> None:
        """Text that was decided on as a whole."""
        newline = text.rfind("\n", start, end)
        if newline >= 0:
            self.begin()
            start = newline + 1
        self.fresh = self.fresh and not text[start:end].strip(" \t")
        self.ticks += text.count("`", start, end)


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
