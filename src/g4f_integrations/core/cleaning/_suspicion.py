"""What makes a piece of text look like an advert that no rule knows: links, handles, labels, promises."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

_LINK = re.compile(
    r"(?:https?://)?(?P<host>(?:[a-z0-9](?:[a-z0-9-]{0,40}[a-z0-9])?\.){1,4}[a-z]{2,12})(?P<path>/[^\s)\]>\"'`]{0,200})?",
    re.IGNORECASE,
)
_CONTACT = re.compile(r"(?<![\w.@/])@[a-z0-9_]{4,32}\b|[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}", re.IGNORECASE)


@cache
def _data() -> dict[str, list[str]]:
    return tomllib.loads(files(__package__).joinpath("rules/suspicion.toml").read_text("utf-8"))


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile("|".join(_data()[name]), re.IGNORECASE | re.MULTILINE)


_WORD = re.compile(r"[a-z][a-z0-9]+")
_ITEM = re.compile(r"\s*(?:[-*+•]|\d{1,3}[.)])\s")


def continues_list(before: str, piece: str) -> bool:
    """Whether a piece goes on with the list that the text before it ends in, or begins one that follows."""
    lines = before.rstrip().rsplit("\n", 1)
    return _ITEM.match(piece) is not None and _ITEM.match(lines[-1]) is not None


def hosts_in(text: str) -> set[str]:
    """The hosts that links and bare domains of a text name, in lower case."""
    found = set()
    for link in _LINK.finditer(text):
        host = link["host"].lower().removeprefix("www.")
        if link[0].lower().startswith("http") or host.rpartition(".")[2] not in _data()["no_hosts"]:
            found.add(host)
    return found


def has_label(text: str) -> bool:
    """Whether a word marks the text as an advert."""
    return _pattern("label").search(text) is not None


def evidence_in(piece: str, *, rest: str, provider: str | None, prompt: str | None) -> str | None:
    """Why a piece of an answer may be an advert, or ``None`` if nothing but a claim says so.

    It takes a link, a handle, an address or a label that neither the conversation nor the rest of the answer holds,
    and words that promote; and a user who did not ask for such texts.

    Args:
        piece: What would be deleted.
        rest: The rest of the answer.
        provider: Who gave it: an answer that names its own provider promotes it.
        prompt: The user's own words.
    """
    asked = (prompt or "").lower()
    if _pattern("asked").search(asked):
        return None
    hosts = hosts_in(piece)
    elsewhere = f"{asked}\n{rest.lower()}"
    subjects = {word for word in _WORD.findall(asked) if len(word) > 4}
    new = sorted(
        link["host"].lower()
        for link in _LINK.finditer(piece)
        if link["host"].lower().removeprefix("www.") in hosts
        and link["host"].lower().removeprefix("www.") not in elsewhere
        and not any(word in link[0].lower() for word in subjects)
    )
    contacts = [found[0] for found in _CONTACT.finditer(piece) if found[0].lower() not in elsewhere]
    label = has_label(piece)
    named = provider is not None and len(provider) > 3 and provider.lower() in piece.lower()
    if not (new or contacts or label):
        return None
    if not (label or named or _pattern("promise").search(piece)):
        return None
    if label and not (new or contacts or named or _pattern("promise").search(piece)):
        return None
    words = ", ".join([*new, *contacts, *(["a label"] if label else [])])
    return f"it holds {words}, of which the conversation knows nothing"
