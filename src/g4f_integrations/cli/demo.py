"""The demo: one prompt, four providers, three failures, and an answer that comes out right, all on this machine."""

from __future__ import annotations

import logging
import os
import sys
import time
from typing import Any, TextIO

from g4f_integrations.core.policy import Resilience
from g4f_integrations.langchain.chat_models import ChatG4F
from g4f_integrations.testing import ScriptedProvider, stall

_PROMPT = "Why do lighthouses flash instead of shining steadily?"
_ANSWER = (
    "Each lighthouse flashes in a rhythm of its own. ",
    "A sailor who counts the seconds between two flashes ",
    "can look the rhythm up, and knows which lighthouse it is. ",
    "A steady light could be any lamp on the shore.",
)
_EXPLANATIONS = {
    "rate_limit": "asked too often",
    "empty": "an answer with nothing in it",
    "timeout": "no first token in time",
    "ok": "answered",
}


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
    words = [
        piece for sentence in _ANSWER for word in sentence.split(" ") if word for piece in (f"{word} ", stall(0.02))
    ]
    return [
        ScriptedProvider(RuntimeError("Error 429: Rate limit reached, try again in 20s"), name="Busy"),
        ScriptedProvider("", name="Empty"),
        ScriptedProvider(stall(60), "too late", name="Sleepy"),
        ScriptedProvider(*words, name="Steady", default_model="lighthouse-1"),
    ]


def run_demo(*, plain: bool = False, out: TextIO | None = None) -> int:
    """Show one prompt's journey.

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
    model = ChatG4F(provider=_providers(), resilience=Resilience(first_token_timeout=1.0))
    out.write(f"{paint.strong('You')}     {_PROMPT}\n\n")
    out.write(paint.faint("  Four scripted providers: one is rate-limited, one is empty, one hangs, one works.\n\n"))
    began = time.monotonic()
    whole: Any = None
    for chunk in model.stream(_PROMPT):
        if whole is None:
            out.write(f"\n{paint.good('Answer')}  ")
        whole = chunk if whole is None else whole + chunk
        out.write(str(chunk.text))
        out.flush()
    seconds = time.monotonic() - began
    info = whole.response_metadata["g4f"]
    out.write(f"\n\n{paint.strong('What happened')} {paint.faint('(response_metadata)')}\n")
    for number, attempt in enumerate(info["attempts"], start=1):
        fine = attempt["outcome"] == "ok"
        mark = paint.good("✓") if fine else paint.bad("✗")
        said = _EXPLANATIONS.get(attempt["outcome"], attempt["error"] or "")
        out.write(
            f"  {mark} {number}. {attempt['provider']:<8}{attempt['outcome']:<12}{attempt['seconds']:5.2f} s  {said}\n"
        )
    used = whole.usage_metadata["total_tokens"]
    estimated = ", estimated" if info["usage_estimated"] else ""
    out.write(f"\n  Served by {paint.strong(info['provider'])} in {seconds:.1f} s, {used} tokens{estimated}.\n")
    right = str(whole.text).strip() == " ".join(sentence.strip() for sentence in _ANSWER)
    out.write(
        paint.good("  The answer is complete.\n") if right else paint.bad("  The answer is not what was scripted.\n")
    )
    return 0 if right else 1
