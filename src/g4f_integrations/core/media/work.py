"""One attempt at making a file: a g4f provider's own method or an endpoint's answer → bytes that have been checked."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote_to_bytes, urljoin, urlsplit
from urllib.request import getproxies

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.downloads import DownloadFailed, DownloadLimits, download, origin_of
from g4f_integrations.core.endpoint import ENVIRONMENT_PROXY
from g4f_integrations.core.events import Event, Media, Outcome, ResponseInfo, TextDelta
from g4f_integrations.core.failures import AttemptFailed, Failure
from g4f_integrations.core.media.checking import check_media, failure_of_text
from g4f_integrations.core.media.folders import private_folder
from g4f_integrations.core.media.formats import Kind, MediaFormat
from g4f_integrations.core.media.opening import open_work
from g4f_integrations.core.proxies import proxy_for
from g4f_integrations.core.request import CallNotes

_LINKS = re.compile(
    r"!\[[^\[\]\n]{0,2000}\]\(<?(?P<image>(?:https?://|data:|/media/)[^\s)>]+)"
    r"|<(?:img|audio|video|source)\b[^<>]{0,4000}?\bsrc=[\"'](?P<tag>(?:https?://|data:|/media/)[^\"'<>]+)"
)
_DOWNLOAD_KINDS: Mapping[str, Outcome] = {"timeout": "timeout", "network": "network"}
_MOST_WORDS = 1024 * 1024  # characters around the files of an answer
_LARGE = 1024 * 1024  # characters of base64 that are decoded in a worker thread
_MOST_ITEMS = 8  # files of one answer that are looked at in search of a good one
_SAFE_HEADERS = frozenset({"user-agent", "referer", "cookie", "accept"})


@dataclass(frozen=True, slots=True)
class Made:
    """A file that a route made.

    Attributes:
        data: Its bytes.
        format: What it is.
        url: Where it came from, if it was fetched.
        text: What the route said about it.
        provider: Who made it, in the route's own words, if it said so.
        model: The same for the model.
        dropped: Parameters that the route could not take.
    """

    data: bytes = field(repr=False)
    format: MediaFormat
    url: str | None = field(default=None, repr=False)
    text: str | None = None
    provider: str | None = None
    model: str | None = None
    dropped: tuple[str, ...] = ()


@dataclass(slots=True)
class ProviderAnswer:
    """What a g4f provider gave: text, and files by address or as bytes."""

    text: str = ""
    items: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    provider: str | None = None
    model: str | None = None
    transcript: str | None = None
    dropped: tuple[str, ...] = ()


async def ask_provider(
    candidate: Candidate,
    prompt: str,
    wanted: Mapping[str, Any],
    *,
    kind: Kind | None,
    max_bytes: int,
) -> ProviderAnswer:
    """Calls a provider's own method and gathers what it gives.

    Args:
        candidate: The provider.
        prompt: The wish in words.
        wanted: Parameters by g4f's names.
        kind: What sort of file is wanted; ``None`` for text.
        max_bytes: Size of a file at the most.
    """
    notes = CallNotes()
    answer = ProviderAnswer()
    pieces: list[str] = []
    size, most = 0, (max_bytes * 4 // 3 + _MOST_WORDS) * _MOST_ITEMS
    messages = [{"role": "user", "content": prompt}]
    with private_folder() as written:
        upstream = open_work(candidate, messages, {**wanted, "download_media": False}, notes)
        try:
            while chunks := await upstream.pump.take(None):
                for chunk in chunks:
                    _note_headers(chunk, answer)
                for event in upstream.reader.read(chunks):
                    size += _gather(event, answer, pieces, kind)
                if size > most:
                    message = f"the provider's answer is longer than {most / 1024 / 1024:.0f} MB"
                    raise AttemptFailed(Failure("invalid", message=message))
                if upstream.reader.error is not None:
                    raise upstream.reader.error
        finally:
            await upstream.pump.aclose()
        answer.text = "".join(pieces)
        if kind is not None and not answer.items:
            answer.items = links_in(answer.text)
        for item in answer.items:
            if item.startswith("/media/"):
                data = await asyncio.to_thread(_take, written, item, max_bytes)
                if data is not None:
                    answer.files[item] = data
    answer.dropped = tuple(sorted(set(notes.dropped)))
    return answer


def _gather(event: Event, answer: ProviderAnswer, pieces: list[str], kind: Kind | None) -> int:
    """Keeps what an event brings; tells how many characters that is."""
    if isinstance(event, TextDelta):
        pieces.append(event.text)
        return len(event.text)
    if isinstance(event, Media) and kind in {None, event.kind, "video"}:  # films come as pictures, too
        answer.items += event.items
        answer.transcript = answer.transcript or event.text or None
        return sum(map(len, event.items))
    if isinstance(event, ResponseInfo):
        answer.provider = event.provider or answer.provider
        answer.model = event.model or answer.model
    return 0


def _take(written: Any, item: str, max_bytes: int) -> bytes | None:
    try:
        data: bytes | None = written.take(item, max_bytes)
    except ValueError as error:
        raise AttemptFailed(Failure("invalid", message=str(error))) from None
    return data


def _note_headers(chunk: Any, answer: ProviderAnswer) -> None:
    """Headers and cookies without which a provider's own files cannot be fetched."""
    options = getattr(chunk, "options", None)
    if not isinstance(options, Mapping):
        return
    headers = options.get("headers")
    if isinstance(headers, Mapping):
        answer.headers.update({str(k): str(v) for k, v in headers.items() if str(k).lower() in _SAFE_HEADERS})
    cookies = options.get("cookies")
    if isinstance(cookies, Mapping) and cookies:
        pairs = (f"{name}={value}" for name, value in cookies.items())
        answer.headers["Cookie"] = "; ".join(pair for pair in pairs if not set(pair) & {"\r", "\n", "\0"})


def links_in(text: str) -> list[str]:
    """Addresses of pictures, sound and films that a text shows, in order and once each."""
    found = (match["image"] or match["tag"] for match in _LINKS.finditer(text))
    return list(dict.fromkeys(found))


async def from_provider(
    candidate: Candidate, answer: ProviderAnswer, kind: Kind, limits: DownloadLimits, *, raw: bool = False
) -> Made:
    """The first good file of a provider's answer.

    Raises:
        AttemptFailed: There is none.
    """
    if not answer.items:
        if answer.text.strip():
            raise AttemptFailed(failure_of_text(answer.text, kind))
        raise AttemptFailed(Failure("empty", message=f"the answer holds no {kind}"))
    failed: AttemptFailed | None = None
    for item in answer.items[:_MOST_ITEMS]:
        try:
            made = await made_of(candidate, item, kind, limits, held=answer.files, headers=answer.headers, raw=raw)
        except AttemptFailed as error:
            failed = failed or error
            continue
        # What a provider says of itself names it as g4f does; the route keeps its own name.
        return replace(made, text=answer.transcript, model=answer.model, dropped=answer.dropped)
    assert failed is not None
    raise failed


async def made_of(
    candidate: Candidate,
    item: str,
    kind: Kind,
    limits: DownloadLimits,
    *,
    held: Mapping[str, bytes] | None = None,
    headers: Mapping[str, str] | None = None,
    base_url: str | None = None,
    raw: bool = False,
) -> Made:
    """The file behind an address that a route gave: fetched, or decoded, and checked.

    Args:
        candidate: The route.
        item: An address, a ``data:`` URI, or ``/media/<file>``.
        kind: What it should be.
        limits: What is fetched at the most.
        held: Files that are here already, by address.
        headers: Headers for fetching it.
        base_url: The endpoint, to which addresses may be relative, and whose own host may be private.
        raw: Whether samples without a header are welcome.

    Raises:
        AttemptFailed: It cannot be had, or is something else.
    """
    if held is not None and item in held:
        data = held[item]
        return Made(data, check_media(data, kind, raw=raw))
    if item[:5].lower() == "data:":
        if len(item) > _LARGE:  # decoding would hold up everybody else on this loop
            data, named = await asyncio.to_thread(read_data_uri, item, limits.max_bytes)
        else:
            data, named = read_data_uri(item, limits.max_bytes)
        return Made(data, check_media(data, kind, named, raw=raw))
    if item.startswith("/media/") and base_url is None:
        message = "the provider names a file that it has not written"
        raise AttemptFailed(Failure("invalid", message=message))
    trusted: frozenset[str] = frozenset()
    if base_url is not None:
        item = urljoin(base_url, item)
        trusted = frozenset({origin_of(base_url)})
    try:
        got = await download(
            item,
            limits,
            trusted=trusted,
            headers=headers if base_url is None or origin_of(item) in trusted else None,
            proxy=_proxy(candidate, item),
            accept=f"{kind}/*,*/*;q=0.5",
        )
    except DownloadFailed as error:
        outcome: Outcome = _DOWNLOAD_KINDS.get(error.reason, "invalid")
        if error.status is not None and (error.status == 429 or error.status >= 500):
            outcome = "overloaded"
        raise AttemptFailed(Failure(outcome, message=str(error))) from None
    return Made(got.data, check_media(got.data, kind, got.content_type, raw=raw), url=item)


def _proxy(candidate: Candidate, url: str) -> str | None:
    """The route's proxy, through which its files are fetched, too.

    Raises:
        AttemptFailed: Files cannot be fetched through such a proxy; going around it would show who asks.
    """
    scheme = urlsplit(url).scheme
    proxy = proxy_for(candidate.proxy, scheme) if candidate.proxy is not None else None
    if proxy is not None and proxy.lower().startswith(ENVIRONMENT_PROXY):
        proxy = getproxies().get(scheme) or getproxies().get("all")
    if proxy is not None and not proxy.lower().startswith(("http://", "https://")):
        message = f"files are not fetched through a proxy of the kind {proxy.partition('://')[0][:20]!r}"
        raise AttemptFailed(Failure("invalid", message=message))
    return proxy


def read_data_uri(uri: str, max_bytes: int) -> tuple[bytes, str]:
    """The bytes of a ``data:`` URI, and the media type that it names.

    Raises:
        AttemptFailed: It is broken, or too large.
    """
    head, comma, payload = uri[5:].partition(",")
    named, *flags = [part.strip().lower() for part in head.split(";")]
    if not comma:
        raise AttemptFailed(Failure("invalid", message="a data: URI without data"))
    if len(payload) > max_bytes * 4 // 3 + 8:
        message = f"a data: URI of more than {max_bytes / 1024 / 1024:g} MB"
        raise AttemptFailed(Failure("invalid", message=message))
    if "base64" not in flags:
        return unquote_to_bytes(payload), named
    return decode_base64(payload), named


def decode_base64(text: str) -> bytes:
    """The bytes of base64 text, padding and line breaks forgiven.

    Raises:
        AttemptFailed: It is no base64.
    """
    squeezed = "".join(text.split()).replace("-", "+").replace("_", "/").replace("%3D", "=").rstrip("=")
    try:
        return base64.b64decode(squeezed + "=" * (-len(squeezed) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise AttemptFailed(Failure("invalid", message="what came as base64 is none")) from None


def most_json(limits: DownloadLimits) -> int:
    """Bytes of a JSON answer that holds a file, at the most; base64 takes a third more."""
    return limits.max_bytes * 4 // 3 + 1024 * 1024
