"""Which tool a model means by a name: exactly, in another spelling, or with a slip of the pen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from types import MappingProxyType
from typing import Any

_LONGEST_NAME = 128  # characters; comparing costs their square, and no provider takes names of more than 64
_CLOSE = 0.85  # difflib's ratio from which two names are the same with a slip of the pen
_WORDS_CLOSE = 0.7  # the same for one word of them: get and set differ more than any slip of the pen
_NOTHING: Mapping[str, Any] = MappingProxyType({})

_PREFIX = re.compile(
    r"(?:(?:functions?|tools?|default_api|default_functions?)[.:/]|mcp__[^_]+(?:_[^_]+)*?__)", re.IGNORECASE
)
_SUFFIX = re.compile(r"(?::\d+|\(\s*\))\Z")
_WRAPPING = " \t\r\n\"'`*<>\u201c\u201d"
_BETWEEN_WORDS = re.compile(r"[\s_.\-/:]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGITS = re.compile(r"\d+")
_OPPOSING = ("un", "re", "de", "dis", "in", "non", "pre", "post")  # a word that has one more of these means another act


def match_name(name: str, tools: Sequence[Mapping[str, Any]]) -> str | None:
    """The name of the one tool that `name` means.

    In this order: the same; the same without what models and gateways put around names (``functions.``, ``mcp__x__``,
    ``:0``); the same but for case and the way its words are joined; close, as `difflib` sees it, if only one is. Names
    that differ in a number, or in a word that is no mere slip of the pen (get and set, lock and unlock), are not close.

    Args:
        name: As the model wrote it.
        tools: Tools in OpenAI's function form, or bare functions.

    Returns:
        The tool's own name; ``None`` if none fits, or several do.

    Example:
        >>> tools = [{"type": "function", "function": {"name": "get_weather"}}]
        >>> match_name("functions.getWeather:0", tools)
        'get_weather'
    """
    for tool in tools:
        if _function(tool).get("name") == name:
            return name
    if len(name) > 2 * _LONGEST_NAME:
        return None
    names = tool_names(tools)
    bare = _bare(name)
    if not bare:
        return None
    for form in _FORMS:
        meant = form(bare)
        same = [known for known in names if form(known) == meant]
        if same:
            return same[0] if len(same) == 1 else None
    close = [known for known in names if _is_close(bare, _bare(known))]
    return close[0] if len(close) == 1 else None


def tool_names(tools: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """The names of `tools`, each once, in their order; what has no name is left out."""
    names = (_function(tool).get("name") for tool in tools)
    return tuple(dict.fromkeys(name for name in names if isinstance(name, str) and name))


def schema_of(name: str, tools: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The JSON schema of the arguments of the tool called exactly `name`; empty if there is none."""
    for tool in tools:
        function = _function(tool)
        if function.get("name") == name:
            schema = function.get("parameters")
            return schema if isinstance(schema, Mapping) else _NOTHING
    return _NOTHING


def plain_name(name: str) -> str:
    """A name but for its case and the way in which its words are joined: ``getWeather`` is ``get-weather``."""
    return "".join(_words(name))


def _function(tool: Any) -> Mapping[str, Any]:
    """The function of a tool; some frameworks hand on the bare function."""
    if not isinstance(tool, Mapping):
        return _NOTHING
    function = tool.get("function", tool)
    return function if isinstance(function, Mapping) else _NOTHING


def _bare(name: str) -> str:
    """The name without what was put around it."""
    bare = _SUFFIX.sub("", name.strip(_WRAPPING)).strip(_WRAPPING)
    while (prefix := _PREFIX.match(bare)) is not None and prefix.end() < len(bare):
        bare = bare[prefix.end() :]
    return bare


def _words(name: str) -> list[str]:
    return [word.casefold() for word in _BETWEEN_WORDS.split(name) if word]


_FORMS: tuple[Callable[[str], str], ...] = (str, _bare, plain_name, lambda name: plain_name(_bare(name)))


def _is_close(one: str, other: str) -> bool:
    if max(len(one), len(other)) > _LONGEST_NAME or _DIGITS.findall(one) != _DIGITS.findall(other):
        return False
    ours, theirs = _words(one), _words(other)
    whole, other_whole = "".join(ours), "".join(theirs)
    if _are_opposed(whole, other_whole) or not _is_similar(whole, other_whole, _CLOSE):
        return False
    return len(ours) != len(theirs) or all(map(_is_same_word, ours, theirs))


def _is_same_word(one: str, other: str) -> bool:
    return one == other or (not _are_opposed(one, other) and _is_similar(one, other, _WORDS_CLOSE))


def _are_opposed(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return any(long == prefix + short for prefix in _OPPOSING)


def _is_similar(one: str, other: str, ratio: float) -> bool:
    compared = SequenceMatcher(None, one, other, autojunk=False)
    return compared.real_quick_ratio() >= ratio and compared.quick_ratio() >= ratio and compared.ratio() >= ratio
