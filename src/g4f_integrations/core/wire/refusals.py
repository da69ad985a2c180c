"""Which parameter a server refuses by name, read from the body of its 400 or 422. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from g4f_integrations.core.wire.decoding import decode_json

_NEVER = frozenset({"model", "messages", "stream", "tools", "provider"})  # without these it would be another request
_BARE = frozenset({"logprobs", "temperature", "seed"})  # one-word names that no ordinary sentence holds
_STRUCTURED = frozenset(
    {"tool_choice", "response_format", "stream_options", "logit_bias", "metadata", "stop", "parallel_tool_calls"}
)  # parameters of several shapes: a complaint about the shape means that the server knows fewer of them
_SPOKEN = frozenset({"parallel_tool_calls", "response_format", "tool_choice"})  # names that are spelt out in prose
_MEMBERS = (
    "message",
    "msg",
    "detail",
    "details",
    "error",
    "errors",
    "reason",
    "title",
    "description",
    "metadata",
    "raw",
)
_PLACES = ("loc", "param", "field")
_TEXTS = ("message", "msg")  # read together with the place that they are about
_LONGEST = 4_000

# Words for two parameters of which a server takes one: the first that it names is kept.
_EITHER = re.compile(r"can(?:not| not|'t) both\b|\bnot both\b|mutually exclusive|only one of", re.IGNORECASE)

# The wordings of OpenAI, Azure, Anthropic, vLLM, Groq, Mistral, Cerebras, Fireworks, Gemini, Cohere, xAI and FastAPI.
_REFUSAL = re.compile(
    r"unsupported|not (?:\w+ )?supported|(?:does|do)(?: not|n't) support|not (?:permitted|allowed|implemented|accepted)"
    r"|unrecogni[sz]ed|unknown (?:request )?(?:parameter|argument|name|field|property|key|option)"
    r"|unexpected (?:keyword|argument|parameter|field|property|key)|extra[ _](?:inputs|fields|forbidden)"
    r"|cannot find field|not a valid (?:field|parameter|argument|property)|additional propert"
    r"|no such (?:field|parameter)|is deprecated"
    r"|(?:should|must|can)(?: ?not|n't|'t) be (?:used|provided|specified|sent|passed|included)"
    rf"|{_EITHER.pattern}",
    re.IGNORECASE,
)
# What OpenAI, Azure, Groq, Cerebras, Fireworks, Gemini, vLLM and SGLang say of a schema with more in it than they know.
_ONE_SCHEMA = re.compile(
    r"(?:invalid|malformed|not a valid|bad) (?:json )?schema|schema (?:for (?:response|function|the)|contains|must"
    r"|error|validation|compil|property|keyword|features?|is (?:invalid|not valid|too))"
    r"|(?:json_schema|response_schema)\.\w|(?:at|in) '?(?:generation_?config\.)?response_?(?:json_?)?schema\b"
    r"|unimplemented keys|grammar (?:error|compil)"
    r"|additional_?properties|(?:schema )?keywords? ['\"`]?\w+['\"`]? (?:is|are) not|json schema not supported:",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.;!])\s+|\n")
_CODES = frozenset({"unsupported_parameter", "unknown_parameter", "unsupported_value", "extra_forbidden"})


def refused_parameters(status: int, text: str, sent: Collection[str]) -> tuple[str, ...]:
    """The parameters among `sent` that a server refuses by name, in the order of its words.

    A complaint about a *value* (out of range, too large) is none: that is the caller's to mend.

    Args:
        status: HTTP status of the answer.
        text: Its body.
        sent: Names of the members that the request had.

    Example:
        >>> refused_parameters(400, '{"error": {"message": "Unknown parameter: `seed`."}}', ["seed", "user"])
        ('seed',)
    """
    if status not in {400, 422}:
        return ()
    names = [name for name in sent if name not in _NEVER]
    try:
        payload = decode_json(text.encode("utf-8", "replace"))
    except ValueError:
        payload = text
    found: dict[str, None] = {}
    for complaint in _complaints(payload, 0):
        for name in _named(complaint, names):
            found[name] = None
    if "response_format" in found and is_about_one_schema(text):
        del found["response_format"]  # another schema may do
    if "logprobs" in found and "top_logprobs" in names:
        found["top_logprobs"] = None  # it needs the other
    return tuple(found)


def refuses_completions(status: int, text: str) -> bool:
    """Whether a server that was asked for completions has none, by its status or its words.

    Args:
        status: HTTP status of the answer.
        text: Its body.

    Example:
        >>> refuses_completions(400, "This is a chat model and not supported in the v1/completions endpoint.")
        True
    """
    if status in {404, 405, 501}:
        return True
    said = text[:_LONGEST].lower()
    return status in {400, 422} and "completion" in said and ("chat" in said or _REFUSAL.search(said) is not None)


def _complaints(payload: Any, depth: int) -> Iterator[dict[str, Any]]:
    if isinstance(payload, str):
        yield {"message": payload}
    elif isinstance(payload, list) and depth < 5:
        for item in payload[:32]:
            yield from _complaints(item, depth + 1)
    elif isinstance(payload, dict) and depth < 5:
        has_place = any(payload.get(member) for member in _PLACES)
        if has_place:
            yield payload
        for member in _MEMBERS:
            if member in payload and not (has_place and member in _TEXTS):
                yield from _complaints(payload[member], depth + 1)


def is_about_one_schema(text: str) -> bool:
    """Whether a server complains of what stands in a JSON schema, and not of schemas as such.

    Example:
        >>> is_about_one_schema("Invalid schema for response_format 'x': 'oneOf' is not permitted.")
        True
        >>> is_about_one_schema("'json_schema' is not supported by this model")
        False
    """
    return _ONE_SCHEMA.search(text[:_LONGEST]) is not None


def _named(complaint: dict[str, Any], names: list[str]) -> list[str]:
    message = complaint.get("message") or complaint.get("msg") or ""
    message = message[:_LONGEST] if isinstance(message, str) else ""
    kind = complaint.get("code") or complaint.get("type")
    refuses = (isinstance(kind, str) and kind in _CODES) or _REFUSAL.search(message) is not None
    place = next((complaint[member] for member in _PLACES if complaint.get(member)), None)
    if place:
        steps = [str(step) for step in place] if isinstance(place, list) else re.split(r"[./\[]", str(place)[:200])
        name = next((step for step in steps if step not in {"", "body", "$"}), "")
        if name in names:
            return [name] if refuses or ("loc" in complaint and name in _STRUCTURED) else []
        if name:
            return []  # it is about something else, such as a message's role
    if not refuses:
        return []
    positions: dict[str, int] = {}
    offset = 0
    for sentence in _SENTENCE.split(message):
        if _REFUSAL.search(sentence):
            found = {name: offset + match.start() for name in names if (match := _pattern(name).search(sentence))}
            if len(found) > 1 and _EITHER.search(sentence):
                del found[min(found, key=found.__getitem__)]
            positions = {**found, **positions}
        offset += len(sentence) + 1
    return sorted(positions, key=positions.__getitem__)


def _pattern(name: str) -> re.Pattern[str]:
    first, *others = name.split("_")
    spelling = f"(?:{re.escape(name)}|{re.escape(first + ''.join(map(str.capitalize, others)))})"
    if name in _SPOKEN:
        spelling = f"(?:{spelling}|(?i:{name.replace('_', ' ')}))"
    if "_" in name or name in _BARE:
        return re.compile(rf"(?<![\w]){spelling}(?![\w])")
    return re.compile(
        rf"""['"`\u2018-\u201f]{spelling}['"`\u2018-\u201f]|^{spelling}(?::| is| are)|\bbody\.{spelling}(?!\w)"""
        r"|\b(?:argument|parameter|field|propert(?:y|ie)|name|option|key)s?(?: supplied)?:? "
        rf"(?:[\w.]+, )*{spelling}(?!\w)"
    )
