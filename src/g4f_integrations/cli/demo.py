"""The demo: an agent with two tools, over providers of which most fail, streamed, all on this machine.

The agent is a loop of a few lines over `bind_tools`; none of its providers has tools of its own.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any, TextIO

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from g4f_integrations.core.policy import Resilience
from g4f_integrations.langchain.chat_models import ChatG4F
from g4f_integrations.testing import ScriptedProvider, stall

_QUESTION = (
    "I see a light that flashes twice every 15 seconds. Which lighthouse is it, and how far is it at 12 degrees?"
)
_FIRST = (
    "Let me look that rhythm up.",
    '\n\n```json\n[{"id": "a1", "name": "find_lighthouse", "arguments": {"flashes": 2, "seconds": 15}}]\n```',
)
_SECOND = (
    "A sextant's angle tells the distance.\n\n```json\n",
    # Real models err: the number is a text, a comma is too much. Both are put right by the tool's schema.
    '[{"id": "b2", "name": "distance_to", "arguments": {"lighthouse": "Roundstone", "degrees": "12",}}]\n```',
)
_ANSWER = "It is Roundstone, and it is 245 metres away: close enough to hear the surf. Keep well to the west of it."
_RIGHT_WORDS = ("Roundstone", "245 metres")
_MOST_TURNS = 6
_EXPLANATIONS = {
    "rate_limit": "asked too often",
    "empty": "an answer with nothing in it",
    "timeout": "no first token in time",
    "network": "the connection broke",
    "ok": "answered",
}


@tool
def find_lighthouse(flashes: int, seconds: int) -> str:
    """Find the lighthouse that has a rhythm, in flashes per period of so many seconds."""
    return {(2, 15): "Roundstone, 52 metres high"}.get((flashes, seconds), "unknown")


@tool
def distance_to(lighthouse: str, degrees: float) -> str:
    """Tell how far a lighthouse is whose top is seen so many degrees above its foot."""
    return "245 metres" if (lighthouse, degrees) == ("Roundstone", 12) else "unknown"


_TOOLS = {one.name: one for one in (find_lighthouse, distance_to)}


class _Paint:
    """Colours, where the output shows them."""

    def __init__(self, out: TextIO, *, plain: bool) -> None:
        wanted = bool(os.environ.get("FORCE_COLOR")) or (out.isatty() and os.environ.get("TERM") != "dumb")
        self._on = wanted and not plain and "NO_COLOR" not in os.environ

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on else text

    def good(self, text: str) -> str:
        return self(text, "1;32")

    def bad(self, text: str) -> str:
        return self(text, "1;31")

    def faint(self, text: str) -> str:
        return self(text, "2")

    def strong(self, text: str) -> str:
        return self(text, "1")


class _Journey(logging.Handler):
    """Shows the engine's own log lines as they come."""

    def __init__(self, out: TextIO, paint: _Paint) -> None:
        super().__init__(logging.INFO)
        self._out = out
        self._paint = paint

    def emit(self, record: logging.LogRecord) -> None:
        self._out.write(f"  {self._paint.bad('✗')} {self._paint.faint(record.getMessage())}\n")
        self._out.flush()


def _providers() -> list[Any]:
    return [
        ScriptedProvider(RuntimeError("Error 429: Rate limit reached, try again in 20s"), name="Busy"),
        ScriptedProvider("", name="Empty"),
        ScriptedProvider(stall(60), "too late", name="Sleepy"),
        ScriptedProvider(
            per_call=[_typed(*_FIRST), [ConnectionResetError("connection reset")], _typed(*_SECOND), _typed(_ANSWER)],
            name="Steady",
            default_model="lighthouse-1",
        ),
    ]


def _typed(*texts: str) -> list[Any]:
    """Text as it comes from a model, word by word."""
    words = [word for text in texts for word in text.split(" ")]
    pieces: list[Any] = []
    for word in words[:-1]:
        pieces += [f"{word} ", stall(0.02)]
    return [*pieces, words[-1]]


def run_demo(*, plain: bool = False, out: TextIO | None = None) -> int:
    """Show an agent's journey to its answer.

    Args:
        plain: No colours.
        out: Where to write; by default standard output.

    Returns:
        0 if the answer came out right, else 1.
    """
    out = out or sys.stdout
    paint = _Paint(out, plain=plain)
    engine_log = logging.getLogger("g4f_integrations.engine")
    handler = _Journey(out, paint)
    level = engine_log.level
    engine_log.addHandler(handler)
    engine_log.setLevel(logging.INFO)
    try:
        return _show(out, paint)
    finally:
        engine_log.removeHandler(handler)
        engine_log.setLevel(level)


def _show(out: TextIO, paint: _Paint) -> int:
    resilience = Resilience(first_token_timeout=0.5, backoff_initial=0.1, breaker_failures=2)
    model = ChatG4F(provider=_providers(), resilience=resilience).bind_tools([*_TOOLS.values()])
    out.write(f"{paint.strong('You')}     {_QUESTION}\n\n")
    out.write(
        paint.faint("  Four scripted providers: one is rate-limited, one is empty, one hangs, one works most of\n")
    )
    out.write(paint.faint("  the time. None of them has tools: the agent's two reach them in words.\n"))
    began = time.monotonic()
    messages: list[BaseMessage] = [HumanMessage(_QUESTION)]
    answers: list[AIMessage] = []
    for number in range(1, _MOST_TURNS + 1):
        out.write(f"\n{paint.strong(f'Turn {number}')}\n")
        answer = _stream(model, messages, out, paint)
        messages.append(answer)
        answers.append(answer)
        if not answer.tool_calls:
            break
        messages += [_run(call, out, paint) for call in answer.tool_calls]
    seconds = time.monotonic() - began
    return _account(answers, seconds, out, paint)


def _stream(model: Any, messages: list[BaseMessage], out: TextIO, paint: _Paint) -> Any:
    whole: Any = None
    said = False
    for chunk in model.stream(messages):
        if chunk.text and not said:
            out.write(f"  {paint.good('Agent')}  ")
            said = True
        whole = chunk if whole is None else whole + chunk
        out.write(str(chunk.text))
        out.flush()
    out.write("\n" if said else "")
    return whole


def _run(call: Any, out: TextIO, paint: _Paint) -> ToolMessage:
    result: ToolMessage = _TOOLS[call["name"]].invoke(call)
    arguments = ", ".join(f"{name}={value!r}" for name, value in call["args"].items())
    out.write(f"  {paint.good('Tool')}   {call['name']}({arguments}) → {result.text}\n")
    return result


def _account(answers: list[AIMessage], seconds: float, out: TextIO, paint: _Paint) -> int:
    """What happened, as the answers' metadata tell it."""
    out.write(f"\n{paint.strong('What happened')} {paint.faint('(response_metadata)')}\n")
    tokens = 0
    for number, answer in enumerate(answers, start=1):
        info = answer.response_metadata["g4f"]
        tokens += answer.usage_metadata["total_tokens"] if answer.usage_metadata else 0
        for attempt in info["attempts"]:
            fine = attempt["outcome"] == "ok"
            mark = paint.good("✓") if fine else paint.bad("✗")
            said = _EXPLANATIONS.get(attempt["outcome"], attempt["error"] or "")
            if fine and answer.tool_calls:
                said = "called a tool in words" if info["tools"] == "prompt" else "called a tool"
            label = f"{attempt['provider']:<8}{attempt['outcome']:<12}{attempt['seconds']:5.2f} s"
            out.write(f"  {mark} turn {number}  {label}  {said}\n")
    info = answers[-1].response_metadata["g4f"]
    estimated = ", estimated" if info["usage_estimated"] else ""
    out.write(f"\n  Served by {paint.strong(info['provider'])} in {seconds:.1f} s, {tokens} tokens{estimated}.\n")
    right = all(word in answers[-1].text for word in _RIGHT_WORDS) and answers[-1].text == _ANSWER
    out.write(
        paint.good("  The answer is complete.\n") if right else paint.bad("  The answer is not what was scripted.\n")
    )
    return 0 if right else 1
