"""One JSON body to an endpoint, one JSON value back: for everything that is no chat."""

from __future__ import annotations

import asyncio
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.endpoint._answers import MAX_ANSWER_BYTES
from g4f_integrations.core.failures import HTTPFailure
from g4f_integrations.core.request import Request
from g4f_integrations.core.wire.body import dump_body
from g4f_integrations.core.wire.decoding import decode_json, plain_text
from g4f_integrations.core.wire.errors import is_error, status_of

_LARGE = 262_144  # bytes; decoding more than this would hold the event loop up


async def exchange_json(client: Any, method: str, candidate: Candidate, path: str, body: Any = None) -> Any:
    """Sends one request and gives the JSON value of its answer.

    Args:
        client: The loaded HTTP client.
        method: ``"GET"`` or ``"POST"``.
        candidate: The endpoint.
        path: What is appended to its base URL, such as ``"/embeddings"``.
        body: A JSON value; ``None`` sends no body.

    Raises:
        HTTPFailure: A status that is no success, an error in the answer, or an answer that is no JSON.
        ConfigurationError: The request cannot be sent as it is.
        aiohttp.ClientError, OSError: The connection failed.
    """
    endpoint = client.endpoint_of(candidate)
    url = client.endpoint_url(endpoint.base_url, path)
    headers = client.request_headers(candidate, None if body is None else Request(()))
    response = await client.send(method, url, candidate, headers, None if body is None else dump_body(body))
    try:
        pieces: list[bytes] = []
        size = 0
        while data := await client.read(response.content, is_complete=False):
            pieces.append(data)
            size += len(data)
            if size > MAX_ANSWER_BYTES:
                raise HTTPFailure(200, "The answer is too long and was not read further.", dict(response.headers))
        whole = b"".join(pieces)
        try:
            value = await asyncio.to_thread(decode_json, whole) if size > _LARGE else decode_json(whole)
        except ValueError:
            raise HTTPFailure(200, plain_text(whole), dict(response.headers)) from None
        if isinstance(value, dict) and is_error(value):
            raise HTTPFailure(status_of(value), plain_text(whole), dict(response.headers))
    finally:
        await client.close(response)
    return value
