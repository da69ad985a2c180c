"""Chat over an OpenAI-compatible HTTP endpoint: one request, one stream of typed events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from importlib import import_module
from types import ModuleType
from typing import Any

from g4f_integrations.core.alarms import Limit
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.endpoint._answers import MAX_ANSWER_BYTES, AnswerReader
from g4f_integrations.core.endpoint._terms import (
    ENVIRONMENT_PROXY,
    LOOSE_ENDS,
    CompletionsRefused,
    ParameterRefused,
    TurnsRefused,
    refused_parameters,
)
from g4f_integrations.core.events import Batch, Finish
from g4f_integrations.core.failures import HTTPFailure
from g4f_integrations.core.pump import Expired
from g4f_integrations.core.request import CallNotes, Request
from g4f_integrations.core.roles import tells_of_tools
from g4f_integrations.core.wire.body import build_body, dump_body
from g4f_integrations.core.wire.decoding import decode_json, plain_text
from g4f_integrations.core.wire.errors import is_error, status_of
from g4f_integrations.core.wire.plain import read_plain_answer
from g4f_integrations.core.wire.refusals import refused_parameters as find_refused
from g4f_integrations.core.wire.refusals import refuses_completions

__all__ = [
    "ENVIRONMENT_PROXY",
    "ParameterRefused",
    "ask_endpoint",
    "call_endpoint",
    "list_models",
    "load_client",
    "load_other",
    "refused_parameters",
]

_loaded_other: ModuleType | None = None
_loaded: ModuleType | None = None  # unlike `sys.modules`, which shows a module while it is still being imported


def load_client() -> ModuleType:
    """Imports the HTTP client, a tenth of a second's work, which only endpoints need."""
    global _loaded  # noqa: PLW0603  asked for by every call, and set once
    _loaded = import_module(f"{__name__}._http")
    return _loaded


async def _client() -> ModuleType:
    return await asyncio.to_thread(load_client)


async def load_other() -> ModuleType:
    """The module for requests that are no chat (`post_to_endpoint`), loaded off the caller's event loop."""
    if _loaded_other is None:
        return await asyncio.to_thread(_load_other)
    return _loaded_other


def _load_other() -> ModuleType:
    global _loaded_other  # noqa: PLW0603  as above
    found = _loaded_other = import_module(f"{__name__}._other")
    return found


async def call_endpoint(candidate: Candidate, request: Request, notes: CallNotes) -> AsyncGenerator[Batch, None]:
    """Makes one completion request and gives its events, one list per read; a blocking call gives one list.

    Order of the events: `ResponseInfo` first, then text, reasoning, tool calls and media as they come, and at the end
    `Usage` and a `Finish` for each choice; a stream tells these as soon as they are known. No clock runs here but the
    grace for servers that do not hang up after their last word: cancel the task, or close the generator, and the
    connection is closed before that returns.

    Args:
        candidate: The endpoint, with model, key and proxies.
        request: What is asked.
        notes: Gets the parameters that were left out because this endpoint has refused them before.

    Raises:
        ParameterRefused: The server refused a parameter by name; the next call leaves it out.
        CompletionsRefused: The server has no completions for this model; the next call is a chat.
        TurnsRefused: The server refused calls and results of tools that do not fit together; the next call tells them
            in text.
        HTTPFailure: A status that is no success, an error in the answer, or an answer that is none.
        StreamCut: The stream ended before the answer did.
        ConfigurationError: The request cannot be sent as it is.
        aiohttp.ClientError, OSError: The connection failed.
    """
    if not request.stream:
        yield await ask_endpoint(candidate, request, notes)
        return
    _http = _loaded or await _client()
    refused = refused_parameters.of(candidate) if refused_parameters.names else ()
    if LOOSE_ENDS in refused:
        request = _with_told_ends(request, notes)
    body = build_body(candidate, request, refused, notes)
    url = _http.route_url(candidate, "/chat/completions" if "messages" in body else "/completions")
    headers = _http.request_headers(candidate, request)
    try:
        response = await _http.send("POST", url, candidate, headers, dump_body(body))
    except HTTPFailure as failure:
        _raise_if_refused(failure, candidate, body)
        raise
    try:
        _http.free_at_end(response)
        reader = _reader(response, request, body, _http.kept_headers(response))
        told: Batch = []
        while not (reader.ended or reader.failure):
            if reader.is_complete and not told:  # said before the wait for usage and the end, which may take long
                told = reader.finishes()
                yield told
            data = await _http.read(response.content, is_complete=reader.is_complete, label=candidate.label)
            batch = reader.feed(data) if data else reader.close()
            if told:
                batch = [event for event in batch if event not in told]
            if batch:
                yield batch
            if not data:
                break
        _raise_failure(reader, candidate, body)
        await _http.drain(response.content)
    finally:
        await _http.close(response)


async def ask_endpoint(candidate: Candidate, request: Request, notes: CallNotes, expires: float | None = None) -> Batch:
    """Makes one completion request and gives all events of its answer; see `call_endpoint` for order and errors.

    Args:
        candidate: The endpoint, with model, key and proxies.
        request: What is asked.
        notes: Gets the parameters that were left out because this endpoint has refused them before.
        expires: Time of the running loop at which to give up, if any. An answer that is complete by then, and whose
            server has only not hung up, is given, and so is one that lies in the socket then.

    Raises:
        Expired: The time ran out.
    """
    _http = _loaded or await _client()
    refused = refused_parameters.of(candidate) if refused_parameters.names else ()
    if LOOSE_ENDS in refused:
        request = _with_told_ends(request, notes)
    body = build_body(candidate, request, refused, notes)
    url = _http.route_url(candidate, "/chat/completions" if "messages" in body else "/completions")
    headers = _http.request_headers(candidate, request)
    collected: Batch = []
    try:
        async with Limit(expires) as limit:
            try:
                response = await _http.send("POST", url, candidate, headers, dump_body(body))
            except HTTPFailure as failure:
                _raise_if_refused(failure, candidate, body)
                raise
            try:
                kept = _http.kept_headers(response)
                ahead = await _http.read(response.content, is_complete=False)
                if response.content.at_eof() and (plain := read_plain_answer(ahead, kept)) is not None:
                    return plain
                reader = _reader(response, request, body, kept)
                await _collect(reader, response.content, ahead, collected, candidate.label)
                _raise_failure(reader, candidate, body)
            finally:
                await _http.close(response)
    except TimeoutError:
        if not limit.expired:
            raise
        if not any(type(event) is Finish for event in collected):
            raise Expired from None
    return collected


async def _collect(reader: AnswerReader, content: Any, data: bytes, collected: Batch, label: str) -> None:
    """Reads an answer to its end, which is what the usual one is already read to."""
    _http = _loaded or load_client()
    while True:
        collected += reader.feed(data) if data else reader.close()
        if reader.ended or reader.failure or not data:
            break
        try:
            data = await _http.read(content, is_complete=reader.is_complete, label=label)
        except asyncio.CancelledError:
            if reader.is_complete:  # all is there but the server's hanging up; a clock that runs out takes nothing
                collected += reader.close()
            raise
    if reader.failure is None:
        await _http.drain(content)


def _reader(response: Any, request: Request, body: dict[str, Any], kept: dict[str, str]) -> AnswerReader:
    return AnswerReader(
        content_type=response.headers.get("Content-Type", ""),
        streamed=request.stream,
        headers=response.headers,
        kept=kept,
        sound_format=_sound_format(body),
    )


def _raise_failure(reader: AnswerReader, candidate: Candidate, body: dict[str, Any]) -> None:
    if isinstance(reader.failure, HTTPFailure):
        _raise_if_refused(reader.failure, candidate, body)
    if reader.failure is not None:
        raise reader.failure


async def list_models(candidate: Candidate) -> list[dict[str, Any]]:
    """The models that the endpoint names at ``GET /models``, as it describes them; each has an ``id``.

    Raises:
        HTTPFailure: A status that is no success, or an answer that is no list of models.
        aiohttp.ClientError, OSError: The connection failed.
    """
    _http = _loaded or await _client()
    endpoint = _http.endpoint_of(candidate)
    url = _http.endpoint_url(endpoint.base_url, "/models")
    response = await _http.send("GET", url, candidate, _http.request_headers(candidate))
    try:
        pieces: list[bytes] = []
        size = 0
        while data := await _http.read(response.content, is_complete=False):
            pieces.append(data)
            size += len(data)
            if size > MAX_ANSWER_BYTES:
                raise HTTPFailure(200, "The list of models is too long.", dict(response.headers))
        body = b"".join(pieces)
        try:
            payload = decode_json(body)
        except ValueError:
            raise HTTPFailure(200, plain_text(body), dict(response.headers)) from None
        rows = payload
        if isinstance(payload, dict) and not is_error(payload):
            rows = payload.get("data", payload.get("models"))
            if rows is None and payload.get("object") == "list":  # Ollama's way to say that there are none
                rows = []
        if not isinstance(rows, list):
            raise HTTPFailure(status_of(payload), plain_text(body), dict(response.headers))
    finally:
        await _http.close(response)
    named = ({"id": row} if isinstance(row, str) else row for row in rows)
    models = [dict(row) for row in named if isinstance(row, dict)]
    return [{"id": row["name"], **row} if "id" not in row and "name" in row else row for row in models]


def _raise_if_refused(failure: HTTPFailure, candidate: Candidate, sent: dict[str, Any]) -> None:
    if "messages" not in sent and refuses_completions(failure.status, failure.body):
        refused_parameters.add(candidate, ("completions",))
        if isinstance(sent["prompt"], list):
            raise failure  # several prompts are no chat
        raise CompletionsRefused(failure.status, failure.body, failure.headers) from None
    names = find_refused(failure.status, failure.body, sent)
    if names:
        refused_parameters.add(candidate, names)
        raise ParameterRefused(names, failure.status, failure.body, failure.headers) from None
    turns = sent.get("messages")
    if turns and tells_of_tools(turns):
        from g4f_integrations.core.toolcalls.loose_ends import refuses_loose_ends  # few histories have them

        if refuses_loose_ends(failure.status, failure.body, turns):
            refused_parameters.add(candidate, (LOOSE_ENDS,))
            raise TurnsRefused(failure.status, failure.body, failure.headers) from None


def _with_told_ends(request: Request, notes: CallNotes) -> Request:
    """`request` with the calls and results in text that do not fit together."""
    from g4f_integrations.core.toolcalls.loose_ends import has_loose_ends, tell_loose_ends  # as above

    if not has_loose_ends(request.messages):
        return request
    notes.flattened = True
    return request.replacing(messages=tell_loose_ends(request.messages))


def _sound_format(body: dict[str, Any]) -> str:
    audio = body.get("audio")
    wanted = audio.get("format") if isinstance(audio, dict) else None
    return wanted if isinstance(wanted, str) and wanted.isalnum() else "wav"
