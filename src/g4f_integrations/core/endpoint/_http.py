"""One HTTP request to an endpoint: address, headers, proxy, redirects."""

from __future__ import annotations

import asyncio
import base64
import re
from functools import lru_cache
from typing import Any, TypeAlias
from urllib.parse import unquote

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.credentials import Secret, redact_url
from g4f_integrations.core.endpoint import _at_hand
from g4f_integrations.core.endpoint._terms import ENVIRONMENT_PROXY
from g4f_integrations.core.failures import KEPT_HEADERS, HTTPFailure
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.proxies import proxy_for
from g4f_integrations.core.request import Request
from g4f_integrations.core.routes import Endpoint, freeze_headers
from g4f_integrations.core.sessions import open_session, session_at_hand
from g4f_integrations.core.wire.decoding import plain_text
from g4f_integrations.errors import ConfigurationError

logger = call_logger("endpoint")

_MOST_REDIRECTS = 5
_ERROR_BODY_BYTES = 65_536
_ERROR_BODY_SECONDS = 2.0  # an error whose body stalls is still an error, and its status says most
_AFTER_FINISH_SECONDS = 2.0  # for usage and [DONE], from servers that keep the connection open without a word
_AFTER_DONE_SECONDS = 0.05  # for the end of the body, without which the connection cannot be used again
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_FORBIDDEN = re.compile(r"[\0-\x08\n-\x1f\x7f\ud800-\udfff]")  # and what cannot be written as UTF-8
_PATHS = ("/chat/completions", "/completions", "/embeddings", "/models")
_COMPRESSIONS = frozenset({"gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"})
# What aiohttp decodes, or says that it cannot; everything else it hands on as it came.
_DECODED = {"gzip", "deflate", "br", *(["zstd"] if hasattr(aiohttp.compression_utils, "HAS_ZSTD") else [])}

Answer: TypeAlias = aiohttp.ClientResponse | _at_hand.Reply
"""What a request gives: its head has come, its body is read with `read`, and it is closed with `close`."""


@lru_cache(maxsize=256)
def route_url(candidate: Candidate, path: str) -> URL:
    """The address of `path` at the endpoint that `candidate` stands for; see `endpoint_url`."""
    return endpoint_url(endpoint_of(candidate).base_url, path)


@lru_cache(maxsize=256)
def endpoint_url(base_url: str, path: str) -> URL:
    """`base_url` with `path` (``"/chat/completions"``) appended, before its query; userinfo goes into a header instead.

    Raises:
        ConfigurationError: `base_url` is no URL that can be asked.
    """
    try:
        url = URL(base_url).with_fragment(None)
        if url.raw_user is not None or url.raw_password is not None:
            url = url.with_user(None)
        stem = url.raw_path.rstrip("/")
        for known in _PATHS:
            stem = stem.removesuffix(known)
        return url.with_path(f"{stem}{path}", encoded=True, keep_query=True)
    except (ValueError, TypeError) as error:
        message = f"base_url {redact_url(base_url)!r} is no URL that can be asked"
        raise ConfigurationError(message) from error


def request_headers(candidate: Candidate, request: Request | None = None) -> dict[str, str]:
    """The headers for a request: ours, the endpoint's, and those of the call, the later ones winning.

    Raises:
        ConfigurationError: A header cannot be sent, or a key did not travel with a pickle.
    """
    headers = dict(_route_headers(candidate))
    headers.setdefault("accept", "text/event-stream" if request is not None and request.stream else "application/json")
    if request is not None:
        headers.setdefault("content-type", "application/json")
        if request.headers:
            given = {name.lower(): _shown(value, candidate) for name, value in request.headers.items()}
            _check_headers(given, candidate)
            headers.update(given)
    return headers


@lru_cache(maxsize=256)
def _route_headers(candidate: Candidate) -> dict[str, str]:
    """The headers that every request of a route has; they are the same for as long as its candidate lives."""
    endpoint = endpoint_of(candidate)
    headers: dict[str, str] = {}
    if candidate.api_key is not None:
        headers["authorization"] = f"Bearer {candidate.api_key.reveal(candidate.label).strip()}"
    elif "@" in endpoint.base_url:
        _add_userinfo(headers, endpoint.base_url)
    for name, value in freeze_headers(endpoint.headers):
        headers[name.lower()] = _shown(value, candidate)
    _check_headers(headers, candidate)
    return headers


def _shown(value: Any, candidate: Candidate) -> str:
    return value.reveal(candidate.label) if isinstance(value, Secret) else str(value)


def _check_headers(headers: dict[str, str], candidate: Candidate) -> None:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name) or _FORBIDDEN.search(value):
            message = f"The header {name!r} for {candidate.label} holds a character that HTTP does not allow."
            raise ConfigurationError(message)
        if name in _FRAMING:
            message = f"The header {name!r} for {candidate.label} is not yours to set: it says where the request ends."
            raise ConfigurationError(message)


def _add_userinfo(headers: dict[str, str], base_url: str) -> None:
    userinfo = URL(base_url).raw_authority.rpartition("@")[0]
    if userinfo:
        user, _, password = userinfo.partition(":")
        encoded = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode("utf-8", "replace"))
        headers["authorization"] = f"Basic {encoded.decode()}"


def _proxy(candidate: Candidate, scheme: str) -> str | None:
    proxy = proxy_for(candidate.proxy, scheme)
    if proxy is not None and not proxy.lower().startswith(("http://", "https://", ENVIRONMENT_PROXY)):
        message = f"The proxy {redact_url(proxy)!r} for {candidate.label} is no http:// or https:// proxy."
        raise ConfigurationError(message)
    return proxy


async def send(
    method: str, url: URL, candidate: Candidate, headers: dict[str, str], body: bytes | None = None
) -> Answer:
    """Sends one request and gives the answer's head; the caller closes the answer.

    Redirects are followed at most five times and only within the origin, so that a key never leaves for another host.

    Raises:
        HTTPFailure: The status is no success.
        aiohttp.ClientError, OSError: The connection failed.
    """
    route = candidate.route
    endpoint = route if type(route) is Endpoint else endpoint_of(candidate)
    proxy = None if candidate.proxy is None else _proxy(candidate, url.scheme)
    by_environment = proxy is not None and proxy.lower().startswith(ENVIRONMENT_PROXY)
    session = session_at_hand(trust_env=by_environment) or await open_session(trust_env=by_environment)
    for _ in range(_MOST_REDIRECTS + 1):
        reply: _at_hand.Reply | None = None
        try:
            if proxy is None and body is not None and method == "POST":
                reply = await _at_hand.post(session, url, endpoint.verify, headers, body)
            response: Answer = reply or await session.request(
                method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                proxy=None if by_environment else proxy,
                ssl=endpoint.verify,
            )
        except aiohttp.ClientHttpProxyError:
            raise
        except (aiohttp.ClientResponseError, HttpProcessingError) as error:
            # We ask for no exception on a status, so this is aiohttp's own verdict on what it could not parse.
            is_compression = "content-encoding" in str(error).lower()
            what = "is compressed and cannot be decompressed" if is_compression else "is no proper HTTP"
            message = f"what the server sent {what}"
            raise ConnectionError(message) from None
        if 200 <= response.status < 300:
            if "Content-Encoding" in response.headers:
                _check_compression(response)
            return response
        try:
            target = _redirect(response, url, is_repeatable=body is None)
            if target is None:
                raise await _failure(response)
        finally:
            response.close()
        url = target
    message = f"More than {_MOST_REDIRECTS} redirects, the last one to {redact_url(str(url))}"
    raise HTTPFailure(response.status, message, dict(response.headers))


def _check_compression(response: Answer) -> None:
    encoding = response.headers["Content-Encoding"].strip().lower()
    if encoding in _DECODED or _COMPRESSIONS.isdisjoint(name.strip() for name in encoding.split(",")):
        return
    response.close()
    message = f"the answer is compressed as {encoding[:60]!r}, which was not asked for and cannot be decompressed"
    raise ConnectionError(message)


def endpoint_of(candidate: Candidate) -> Endpoint:
    """The endpoint that `candidate` stands for."""
    if isinstance(candidate.route, Endpoint):
        return candidate.route
    message = f"{candidate.label} is no endpoint"
    raise ConfigurationError(message)


def kept_headers(response: Answer) -> dict[str, str]:
    """The answer's headers that are worth showing: request ids and rate limits, nothing secret."""
    kept: dict[str, str] = {}
    for name, value in response.headers.items():  # no comprehension: every function counts after a wait for the network
        lowered = name.lower()
        if lowered.startswith(KEPT_HEADERS):
            kept[lowered] = value
    return kept


def _redirect(response: Answer, url: URL, *, is_repeatable: bool) -> URL | None:
    if response.status not in {301, 302, 303, 307, 308}:
        return None
    location = response.headers.get("Location", "")
    is_followed = is_repeatable or response.status in {307, 308}  # the others would make a GET of it
    try:
        target = url.join(URL(location))
        if location and is_followed and target.origin() == url.origin():
            return target.with_user(None).with_fragment(None)
    except ValueError:
        pass
    shown = redact_url(location) if location else "nowhere"
    message = f"Redirected to {shown}, which was not followed; use that as base_url if you trust it."
    raise HTTPFailure(response.status, message, dict(response.headers))


async def read(content: aiohttp.StreamReader, *, is_complete: bool, label: str = "an endpoint") -> bytes:
    """The next bytes, ``b""`` at the end; once the answer is complete, nothing that goes wrong matters any more.

    Args:
        content: The answer's body.
        is_complete: Whether every finish reason was told, so that usage and the end are all that is waited for.
        label: The route, for the log.
    """
    if not is_complete:
        try:
            return await content.readany()
        except aiohttp.ClientPayloadError as error:
            # Its text often names a status of aiohttp's own making, which says nothing of the server's mind.
            name = type(error.__cause__ or error).__name__
            what = "could not be decompressed" if name == "ContentEncodingError" else "broke off"
            message = f"the answer {what} ({name})"
            raise ConnectionResetError(message) from None
    try:
        async with asyncio.timeout(_AFTER_FINISH_SECONDS):
            return await content.readany()
    except TimeoutError:
        logger.info(
            "%s told a finish reason, and then neither ended its answer nor sent more for %g s; what follows is lost",
            label,
            _AFTER_FINISH_SECONDS,
        )
    except (aiohttp.ClientError, OSError):
        pass
    return b""


async def drain(content: aiohttp.StreamReader) -> None:
    """Reads to the end of a body that has no more to say, so that its connection can be used again."""
    if content.at_eof():
        return
    try:
        async with asyncio.timeout(_AFTER_DONE_SECONDS):
            while await content.readany():
                pass
    except (aiohttp.ClientError, OSError):
        pass


def free_at_end(response: Answer) -> None:
    """Lets others have an answer's connection once all of it has come, though its consumer may be slow to read it.

    A host has a bounded number of them: consumers that wait for each other would wait for ever.
    """
    if type(response) is _at_hand.Reply:  # aiohttp sees to its own
        response.content.on_eof(response.close)


async def close(response: Answer) -> None:
    """Closes an answer; returns only when its socket is closed, which takes a turn of the loop if it was not over."""
    is_over = response.content.at_eof()
    response.close()
    if not is_over:
        await asyncio.sleep(0)


async def _failure(response: Answer) -> HTTPFailure:
    """The failure that a bad status means, with as much of its body as comes readily."""
    pieces: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(_ERROR_BODY_SECONDS):
            while size < _ERROR_BODY_BYTES and (data := await response.content.readany()):
                pieces.append(data)
                size += len(data)
    except (aiohttp.ClientError, OSError):  # a timeout is an OSError
        pass
    return HTTPFailure(response.status, plain_text(b"".join(pieces), _ERROR_BODY_BYTES), dict(response.headers))
