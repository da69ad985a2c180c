"""A stream that dies after something was handed over: whether another route may carry it on, and what it is asked."""

from __future__ import annotations

from typing import Any

from g4f_integrations.core.accounting import added_usage, usage_of
from g4f_integrations.core.attempt import AttemptRun
from g4f_integrations.core.call_state import CallState, Partial
from g4f_integrations.core.joining import DONE
from g4f_integrations.core.prompts import fill, load_prompt
from g4f_integrations.core.request import Request
from g4f_integrations.core.tokens import estimate_tokens

_HEAD, _REST = 4_000, 28_000  # characters of a long partial answer that are shown again
_OMITTED = "\n\n[…]\n\n"
_TAIL = 60  # characters that the model is asked to repeat
_LIMITS = ("max_tokens", "max_completion_tokens")


def may_resume(state: CallState, run: AttemptRun) -> bool:
    """Whether the answer of a route that broke off may be carried on, by the settings and by what it holds."""
    request, wanted = state.request, state.policy.on_stream_failure
    if wanted == "raise" or request.params.get("n", 1) != 1 or run.answer.has_media:
        return False
    return wanted == "resume" or not (request.tools or _wants_json(request))


def _wants_json(request: Request) -> bool:
    return request.params.get("response_format") is not None


def carry_on(state: CallState, run: AttemptRun, held: str) -> bool:
    """Keep what has been handed over, and make the call's request one for the rest.

    Args:
        state: The call.
        run: The attempt that broke off.
        held: What it had brought and nobody has got yet.

    Returns:
        Whether there can be a rest: the user's ``max_tokens`` may be used up.
    """
    before = state.partial
    asked = state.request if before is None else before.request
    is_form = _wants_json(asked)
    answer = run.answer
    text = answer.text if before is None else before.text + answer.text
    params = dict(asked.params) if is_form else _params_of_rest(asked, text)
    if params is None:
        return False
    partial = state.partial = before or Partial(asked, anew=is_form)
    partial.text = text
    partial.held = held
    partial.resumed += 1
    partial.calls = answer.calls
    partial.sources += answer.sources
    partial.removed += answer.removed
    partial.usage = added_usage(partial.usage, usage_of(run))
    partial.is_estimated |= answer.usage is None
    state.deadline = None  # it bounds the time to the first thing handed over, and that has come
    state.hides_reasoning = True
    if not is_form:
        message = {"role": "user", "content": continuation_prompt(partial.known, asked.prompts)}
        asked = asked.replacing(messages=[*asked.messages, message], params=params)
    state.ask(asked)
    return True


def _params_of_rest(asked: Request, text: str) -> dict[str, Any] | None:
    """The parameters for the rest of an answer, with what is left of its length; ``None`` if nothing is."""
    params = dict(asked.params)
    for name in _LIMITS:
        limit = params.get(name)
        if isinstance(limit, int):
            params[name] = limit - estimate_tokens(text)
            if params[name] < 1:
                return None
    return params


def continuation_prompt(known: str, folder: str | None = None) -> str:
    """The instruction to carry an answer on.

    Args:
        known: What has arrived of it.
        folder: The user's folder of prompts.
    """
    shown = known
    if len(known) > _HEAD + _REST:
        shown = f"{known[:_HEAD]}{_OMITTED}{known[-_REST:]}"
    return fill(load_prompt("resume", folder), partial=shown, tail=_last_words(known), done=DONE)


def _last_words(known: str) -> str:
    """The end of what has arrived, from the beginning of a word on."""
    tail = known.rstrip()[-_TAIL:]
    if len(tail) < _TAIL:
        return tail.strip()
    word = next((place for place, char in enumerate(tail) if char.isspace()), 0)
    return tail[word:].strip() if word < _TAIL // 2 else tail.strip()
