"""Adverts that no rule knows, found by a language model that points at lines and never rewrites.

The model sees the numbered lines of an answer's two edges, between marks that it cannot have foreseen. It names lines;
what it names is deleted only if the checks here would have it so. Whatever else it says changes nothing.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import json
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from importlib.resources import files
from pathlib import Path
from typing import Any

from g4f_integrations.core.cleaning._ai_settings import AICleaning, Complete
from g4f_integrations.core.cleaning._code import OPEN_TEXT, Code
from g4f_integrations.core.cleaning._results import Removed
from g4f_integrations.core.cleaning._states import BLANKS
from g4f_integrations.core.cleaning._suspicion import continues_list, evidence_in, has_label, hosts_in
from g4f_integrations.core.logs import call_logger

logger = call_logger("cleaning")

HEAD_LINES, TAIL_LINES = 6, 15
LONGEST_SPAN = 1200
LARGEST_SHARE = 0.4
_SHORT = 200  # characters that an advert under a short answer may have, whatever its share
_LONGEST_REPLY = 200_000
_PLACEHOLDER = re.compile(r"\{(mark|lines|text)\}")
_SPACE = "".join(BLANKS)
_SENTENCE_ENDS = frozenset('.!?\u2026\u3002\uff01\uff1f\u00bb")*`|\n')


@cache
def _shipped_prompt() -> str:
    return files(__package__).joinpath("prompts/point.txt").read_text("utf-8")


def paragraphs(text: str) -> tuple[str, str]:
    """The first and the last paragraph of a text."""
    stripped = text.strip(_SPACE)
    head = stripped.partition("\n\n")[0][:LONGEST_SPAN]
    tail = stripped[stripped.rfind("\n\n") + 1 :][-LONGEST_SPAN:]
    return head, tail


def is_suspect(text: str, prompt: str | None) -> bool:
    """Whether an edge of a text has a label, or a host that neither the rest nor the conversation names."""
    head, tail = paragraphs(text)
    asked = (prompt or "").lower()
    lowered = text.lower()
    return any(
        has_label(edge)
        or any(host not in asked and lowered.count(host) <= edge.lower().count(host) for host in hosts_in(edge))
        for edge in (head, tail)
    )


async def opens_gate(settings: AICleaning, text: str, prompt: str | None) -> bool:
    """Whether the model is to be asked about `text`. A gate of the user's own is asked in a worker thread."""
    if settings.gate == "always":
        return True
    if settings.gate == "suspect":
        return is_suspect(text, prompt)
    try:
        return bool(await _in_thread(partial(settings.gate, text)))
    except Exception as error:  # a gate that fails must not cost the user the answer
        logger.warning("the gate of AICleaning raised %s: %s", type(error).__name__, error)
        return False


async def _in_thread(function: Callable[[], Any]) -> Any:
    """Not on our loops: a user's function may call a model, and a file may lie far away."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(None, context.run, function)


def _edges(text: str) -> tuple[list[tuple[int, int]], list[int]]:
    """Where each line of a text begins and ends, and the numbers (from 1) of those that are shown."""
    spans, start = [], 0
    for line in text.splitlines(keepends=True):
        spans.append((start, start + len(line)))
        start += len(line)
    count = len(spans)
    if count <= HEAD_LINES + TAIL_LINES:
        return spans, list(range(1, count + 1))
    return spans, [*range(1, HEAD_LINES + 1), *range(count - TAIL_LINES + 1, count + 1)]


def build_prompt(settings: AICleaning, text: str) -> str:
    """What the model is asked about `text`."""
    given = settings.prompt
    template = _shipped_prompt() if given is None else given.read_text("utf-8") if isinstance(given, Path) else given
    spans, shown = _edges(text)
    lines = []
    for position, number in enumerate(shown):
        if position and number != shown[position - 1] + 1:
            lines.append("...")
        start, end = spans[number - 1]
        lines.append(f"{number}: {text[start:end].rstrip()[:LONGEST_SPAN]}")
    mark = f"<<{secrets.token_hex(8)}>>"
    values = {"mark": mark, "lines": "\n".join(lines), "text": text}
    # In one pass: an answer that holds "{mark}" itself must not be filled in.
    return _PLACEHOLDER.sub(lambda found: values[found[1]], template)


async def ask(settings: AICleaning, text: str, complete: Complete) -> str | None:
    """The model's answer about `text`, or ``None`` if there is none in time."""
    try:
        async with asyncio.timeout(settings.timeout):
            build = partial(build_prompt, settings, text)
            answer = complete(await _in_thread(build) if isinstance(settings.prompt, Path) else build())
            if inspect.isawaitable(answer):
                answer = await answer
    except Exception as error:  # a cleaner that fails must not cost the user the answer
        logger.info("nobody could be asked about adverts: %s: %s", type(error).__name__, error)
        return None
    if not isinstance(answer, str):
        answer = getattr(answer, "text", None) or getattr(answer, "content", None)
    return answer if isinstance(answer, str) and len(answer) <= _LONGEST_REPLY else None


def read_reply(reply: str) -> dict[str, Any] | None:
    """The first JSON object of a reply that is one of ours; adverts and chatter around it do not matter."""
    decoder = json.JSONDecoder()
    place, tries = reply.find("{"), 0
    while place >= 0 and tries < 20:
        try:
            found, _ = decoder.raw_decode(reply, place)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict) and ("delete" in found or "cleaned_text" in found):
            return found
        place, tries = reply.find("{", place + 1), tries + 1
    return None


def spans_of(reply: dict[str, Any], text: str, *, is_end: bool = False) -> list[tuple[int, int]]:
    """The spans that a reply points at: at most one at each edge of the text.

    Args:
        reply: What the model said.
        text: What it was asked about.
        is_end: Whether something stands before `text`, so that all of it may go and its beginning is no edge.
    """
    if isinstance(reply.get("delete"), list):
        return list(_pointed(reply["delete"], text, is_end=is_end))
    cleaned = reply.get("cleaned_text")
    if reply.get("has_ad") is not True or not isinstance(cleaned, str):
        return []
    kept = cleaned.strip(_SPACE)
    if is_end and not kept:
        return [(0, len(text))]
    start = text.find(kept) if kept else -1
    if start < 0 or text.find(kept, start + 1) >= 0:
        return []  # not the original minus whole spans
    spans = []
    if text[:start].strip(_SPACE):
        if is_end:
            return []
        spans.append((0, start))
    if text[start + len(kept) :].strip(_SPACE):
        spans.append((start + len(kept), len(text)))
    return [span for span in spans if _is_whole(span, text)]


def _is_whole(span: tuple[int, int], text: str) -> bool:
    """Whether a span is made of whole lines or sentences."""
    start, end = span
    border = start or end
    before = text[:border].rstrip(_SPACE)
    return "\n" in text[len(before) : border + 1] or not before or before[-1] in _SENTENCE_ENDS


def _pointed(pairs: Sequence[Any], text: str, *, is_end: bool) -> Iterator[tuple[int, int]]:
    lines, shown = _edges(text)
    visible = set(shown)
    deleted: set[int] = set()
    for pair in pairs[:8]:
        if not (isinstance(pair, list) and len(pair) == 2 and all(type(number) is int for number in pair)):
            return
        first, last = pair
        if not 1 <= first <= last <= len(lines) or last - first > TAIL_LINES:
            return
        deleted.update(range(first, last + 1))
    if not deleted <= visible:
        return
    inked = [number for number, (start, end) in enumerate(lines, start=1) if text[start:end].strip(_SPACE)]
    count = 0
    while not is_end and count < len(inked) and inked[count] in deleted:
        count += 1
    if count and count == len(inked):
        return  # nothing would be left
    if count:
        yield 0, lines[inked[count] - 1][0]
    behind = len(inked)
    while behind > count and inked[behind - 1] in deleted:
        behind -= 1
    if behind < len(inked):
        yield (lines[inked[behind - 1] - 1][1] if behind else 0), len(text)
    # Lines in the middle are nobody's edge: a model that points at them is not believed there.


def verified(
    spans: Sequence[tuple[int, int]],
    text: str,
    *,
    provider: str | None,
    prompt: str | None,
    before: str = "",
    foreign: Sequence[str] = (),
) -> list[tuple[int, int]]:
    """The spans that may be deleted, widened over the white space between them and the rest.

    A span stays unless it is short, at an edge, outside of closed code and quotations, and holds evidence of its own.
    """
    found = []
    for start, end in spans:
        piece = text[start:end].strip(_SPACE)
        size = len(before) + len(text.strip(_SPACE))
        if not piece or len(piece) > LONGEST_SPAN or (len(piece) > LARGEST_SHARE * size and len(piece) > _SHORT):
            continue
        if len(piece) * 3 > size * 2 or _is_protected(before + text, len(before) + start, len(before) + end):
            continue
        if continues_list(before + text[:start], piece) or continues_list(piece, text[end:].strip()):
            continue
        if any(literal in piece for literal in foreign):
            continue
        rest = before + text[:start] + text[end:]
        if evidence_in(piece, rest=rest, provider=provider, prompt=prompt) is None:
            continue
        if start or before:
            found.append((len(text[:start].rstrip(_SPACE)), end))
        else:
            found.append((start, len(text) - len(text[end:].lstrip(_SPACE))))
    return found


def _is_protected(text: str, start: int, end: int) -> bool:
    """Whether a span holds code or a quotation, or lies in code that is closed behind it."""
    before = OPEN_TEXT.after_text(f"\n{text[:start]}\n", 0, start + 1)
    inside: Code = before.after_text(f"\n{text[start:end]}\n", 0, end - start + 1)
    piece = text[start:end]
    if inside != before or "```" in piece or any(line.lstrip().startswith(">") for line in piece.splitlines()):
        return True
    return before.fence is not None and end < len(text.rstrip(_SPACE))


def removed_at(spans: Sequence[tuple[int, int]], text: str) -> list[Removed]:
    """Spans as results."""
    return [Removed("ai", start, end, text[start:end]) for start, end in spans]


async def find_with_ai(
    settings: AICleaning,
    text: str,
    *,
    provider: str | None,
    prompt: str | None,
    complete: Complete,
    before: str = "",
    foreign: Sequence[str] = (),
) -> list[tuple[int, int]] | None:
    """Ask about `text`; gives the spans that are safe to delete, ``None`` if the model gave no answer of use.

    Args:
        settings: How to ask.
        text: The answer, or the end of it that was held back.
        provider: Who gave it.
        prompt: The user's own words.
        complete: Asks a model.
        before: What of the answer was handed over already.
        foreign: Literals of adverts that this provider does not send: an answer that holds them quotes them.
    """
    reply = await ask(settings, text, complete)
    answer = read_reply(reply) if reply is not None else None
    if answer is None:
        return None
    try:
        return verified(
            spans_of(answer, text, is_end=bool(before)),
            text,
            provider=provider,
            prompt=prompt,
            before=before,
            foreign=foreign,
        )
    except (TypeError, ValueError, RecursionError):
        return None
