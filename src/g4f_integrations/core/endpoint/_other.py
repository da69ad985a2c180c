"""Requests to an endpoint that are no chat: JSON or a form goes up, a body of whatever sort comes down."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import quote

from yarl import URL

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.endpoint import _http
from g4f_integrations.core.endpoint._terms import ParameterRefused, refused_parameters
from g4f_integrations.core.failures import AttemptFailed, Failure, HTTPFailure
from g4f_integrations.core.wire.decoding import decode_json
from g4f_integrations.core.wire.errors import is_error, status_of
from g4f_integrations.core.wire.refusals import refused_parameters as find_refused

_MISSING = frozenset({404, 405, 501})
# g4f's own server fails to draw for a provider in the body and tells no cause; for one in the path it draws.
_HIDES_CAUSE = "Request execution failed"
_PROVIDER = "provider in the body"
_UNSAFE_IN_NAME = re.compile(r"[^A-Za-z0-9._-]+")


class FormFile(NamedTuple):
    """A file of a form.

    Attributes:
        data: Its bytes.
        name: Its name, which is made harmless before it is sent; its ending tells some servers the type.
        mime_type: Its media type.
    """

    data: bytes
    name: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class EndpointAnswer:
    """What came back.

    Attributes:
        data: The body.
        content_type: Its media type as the server names it, lower-cased and without parameters.
        payload: The body read as JSON; ``None`` if it is none.
        dropped: Parameters that were left out because this endpoint has refused them before.
    """

    data: bytes = field(repr=False)
    content_type: str
    payload: Any = field(repr=False)
    dropped: tuple[str, ...] = ()


async def post_to_endpoint(
    candidate: Candidate,
    path: str,
    fields: Mapping[str, Any],
    *,
    files: Sequence[tuple[str, FormFile]] = (),
    needed: frozenset[str] = frozenset(),
    accept: str = "application/json",
    max_bytes: int = 64 * 1024 * 1024,
) -> EndpointAnswer:
    """One POST request; a form if there are files, else JSON.

    Args:
        candidate: The endpoint.
        path: Below its base URL (``"/images/generations"``).
        fields: Members of the body; those of ``None`` are left out.
        files: Files of a form, by the names of their fields.
        needed: Fields without which the request would make no sense, so that they are never left out.
        accept: Media types that are welcome.
        max_bytes: Size of the answer at the most.

    Raises:
        ParameterRefused: The server refused a field by name; the next request leaves it out.
        HTTPFailure: A status that is no success, or an error in the answer.
        AttemptFailed: The endpoint does not have `path`, or its answer is too long.
        ConfigurationError: The request cannot be sent as it is.
        aiohttp.ClientError, OSError: The connection failed.
    """
    refused = [name for name in refused_parameters.of(candidate) if name in fields and name not in needed]
    sent = {name: value for name, value in fields.items() if value is not None and name not in refused}
    url = _http.endpoint_url(_http.endpoint_of(candidate).base_url, path)
    by_path = _url_of_provider(url, candidate, path)
    if by_path is not None and _PROVIDER in refused_parameters.of(candidate):
        url, by_path = by_path, None
    elif candidate.body_provider is not None:
        sent["provider"] = candidate.body_provider
    body, content_type = _form(sent, files) if files else (json.dumps(sent).encode(), "application/json")
    headers = {**_http.request_headers(candidate), "accept": accept, "content-type": content_type}
    try:
        response = await _http.send("POST", url, candidate, headers, body)
    except HTTPFailure as failure:
        names = tuple(name for name in find_refused(failure.status, failure.body, sent) if name not in needed)
        if names:
            refused_parameters.add(candidate, names)
            raise ParameterRefused(names, failure.status, failure.body, failure.headers) from None
        if by_path is not None and _HIDES_CAUSE in failure.body:
            refused_parameters.add(candidate, (_PROVIDER,))
            raise ParameterRefused((_PROVIDER,), failure.status, failure.body, failure.headers) from None
        if failure.status in _MISSING and not re.search(r"(?i)model|provider", failure.body):
            message = f"the endpoint has no {path} (HTTP {failure.status})"
            raise AttemptFailed(Failure("bad_request", message=message, status=failure.status)) from None
        raise
    try:
        data = await _read(response, max_bytes)
    finally:
        await _http.close(response)
    named = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    payload = _payload(data, named)
    if isinstance(payload, dict) and is_error(payload):
        raise HTTPFailure(status_of(payload), data[:65_536].decode("utf-8", "replace"), dict(response.headers))
    return EndpointAnswer(data, named, payload, tuple(refused))


def _url_of_provider(url: URL, candidate: Candidate, path: str) -> URL | None:
    """g4f's other address for a provider that is named in the body; ``None`` if there is no telling it."""
    stem = url.raw_path.removesuffix(path)
    if candidate.body_provider is None or not stem.endswith("/v1"):
        return None
    place = f"{stem.removesuffix('/v1')}/api/{quote(candidate.body_provider, safe='')}{path}"
    return url.with_path(place, encoded=True, keep_query=True)


def headers_of(candidate: Candidate) -> dict[str, str]:
    """The headers that this endpoint gets, its key among them: for files of its own."""
    headers: dict[str, str] = _http.request_headers(candidate)
    return headers


async def _read(response: Any, max_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    if (response.content_length or 0) > max_bytes:
        raise _too_long(max_bytes)
    while data := await _http.read(response.content, is_complete=False):
        size += len(data)
        if size > max_bytes:
            raise _too_long(max_bytes)
        pieces.append(data)
    return b"".join(pieces)


def _too_long(max_bytes: int) -> AttemptFailed:
    return AttemptFailed(Failure("invalid", message=f"the answer is longer than {max_bytes / 1024 / 1024:g} MB"))


def _payload(data: bytes, content_type: str) -> Any:
    if "json" not in content_type and data.lstrip()[:1] not in {b"{", b"["}:
        return None
    try:
        return decode_json(data)
    except ValueError:
        return None


def _form(fields: Mapping[str, Any], files: Sequence[tuple[str, FormFile]]) -> tuple[bytes, str]:
    """A ``multipart/form-data`` body and its content type. Lists give a field for each member."""
    boundary = f"----g4f-integrations-{secrets.token_hex(16)}"
    parts: list[bytes] = []
    for name, value in fields.items():
        for item in value if isinstance(value, list | tuple) else [value]:
            text = item if isinstance(item, str) else json.dumps(item)
            head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_harmless(name)}"\r\n\r\n'
            parts += [head.encode(), text.encode("utf-8", "replace"), b"\r\n"]
    for name, file in files:
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{_harmless(name)}"; '
            f'filename="{_harmless(file.name)}"\r\nContent-Type: {file.mime_type}\r\n\r\n'
        )
        parts += [head.encode(), file.data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _harmless(name: str) -> str:
    """A name that cannot end its header; square brackets are part of field names such as ``image[]``."""
    brackets = "[]" if name.endswith("[]") else ""
    stem = _UNSAFE_IN_NAME.sub("_", name.removesuffix("[]").replace("\\", "/").rpartition("/")[2])
    return (stem.lstrip(".") or "file")[-100:] + brackets
