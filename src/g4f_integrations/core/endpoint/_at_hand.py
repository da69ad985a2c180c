"""A request over a connection that lies open in the pool: one write, one read.

For every request, the HTTP client makes an object of the request, a task that writes it and an object of the answer,
which takes longer than the rest of a small call. Over a connection that is open already none of these is needed; the
client's parser and its pool are. Everything else stays with the client, and `post` gives ``None`` for it: connecting,
TLS, proxies, large bodies, rare headers, sessions that somebody follows, versions of the client with another pool.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from types import FunctionType
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from multidict import CIMultiDictProxy
from yarl import URL

from g4f_integrations.core.sessions import DEFAULT_HEADERS, LONGEST_HEADER

_MOST_BYTES = 65_536  # of a body: a larger one costs what its bytes cost, and its writer minds how fast they are taken
_RARE_HEADERS = frozenset({"connection", "content-encoding", "cookie", "expect", "host", "te", "trailer", "upgrade"})
_ASKED_FOR = frozenset({"read_until_eof", "max_line_size", "max_field_size"})  # of the parser
_FIRST_OF_ALL, _LAST_INFORMATION, _SWITCHING = 100, 199, 101


def _is_known_client() -> bool:
    """Whether this version lends connections in the way that we know, and its requests are its own."""
    lend = getattr(aiohttp.BaseConnector, "_get", None)  # what it looks like, and whether it is there, is the question
    if not inspect.iscoroutinefunction(lend):
        return False
    asked_with = list(inspect.signature(lend).parameters)
    fields = {"host", "port", "is_ssl", "ssl"}
    # Recorders of requests may have replaced these before we were imported: then theirs would pass for aiohttp's.
    own = all(
        type(request) is FunctionType and request.__globals__ is vars(aiohttp.client)
        for request in (aiohttp.ClientSession._request, aiohttp.ClientSession.request)  # noqa: SLF001  asked, not called
    )
    return (
        own
        and asked_with == ["self", "key", "traces"]
        and fields.issubset(getattr(ConnectionKey, "_fields", ()))
        and _ASKED_FOR.issubset(inspect.signature(ResponseHandler.set_response_params).parameters)
        and hasattr(URL, "host_port_subcomponent")
    )


_is_known = _is_known_client()
# Replaced by those who record or invent answers.
_clients_own, _clients_door = aiohttp.ClientSession._request, aiohttp.ClientSession.request  # noqa: SLF001  compared


class Reply:
    """The head of an answer, and its body as it comes; close it.

    Attributes:
        status: The HTTP status.
        headers: The answer's headers.
        content: The body.
    """

    __slots__ = ("_connection", "content", "headers", "status")

    def __init__(self, connection: Any, head: Any, content: aiohttp.StreamReader) -> None:
        self._connection = connection
        self.status: int = head.code
        self.headers: CIMultiDictProxy[str] = head.headers
        self.content = content

    @property
    def content_length(self) -> int | None:
        """Bytes of the body as the head tells."""
        told = self.headers.get("Content-Length")
        return None if told is None else int(told)

    def close(self) -> None:
        """Gives the connection back, or closes it if the answer is not over; does no harm twice."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if not self.content.is_eof():
            connection.close()
            # Whoever reads on would wait for ever. It also lets go of what waits for the end.
            self.content.set_exception(aiohttp.ClientConnectionError("the answer was closed"))
            return
        transport = connection.protocol.transport
        # Some answer before they have taken the whole request: the next one would be written behind its rest.
        if transport is not None and not transport.get_write_buffer_size():
            connection.release()
        else:
            connection.close()


@lru_cache(maxsize=256)
def _address(url: URL, verify: Any) -> tuple[Any, str]:
    """The key of the pool for `url`, and how a request to it begins."""
    known = {"host": url.raw_host or "", "port": url.port, "is_ssl": url.scheme == "https", "ssl": verify}
    make: Any = ConnectionKey  # of fields that differ from version to version
    key = make(*(known.get(name) for name in make._fields))
    return key, f"POST {url.raw_path_qs} HTTP/1.1\r\nHost: {url.host_port_subcomponent}\r\n"


async def post(
    session: aiohttp.ClientSession, url: URL, verify: Any, headers: dict[str, str], body: bytes
) -> Reply | None:
    """Sends a request over a connection of the pool and gives the head of its answer.

    Args:
        session: The running loop's, of ours, without a proxy.
        url: The address.
        verify: How a certificate is checked, in the client's terms.
        headers: By names in lower case, all such as HTTP allows.
        body: The whole body.

    Returns:
        ``None`` if nothing was sent, because no connection is open or the request is none of the usual ones.

    Raises:
        aiohttp.http.HttpProcessingError: What the server sent is no HTTP.
        aiohttp.ClientError, OSError: The connection failed.
    """
    if (
        not _is_known
        or len(body) > _MOST_BYTES
        or not _RARE_HEADERS.isdisjoint(headers)
        or type(session)._request is not _clients_own  # noqa: SLF001  see its definition
        or type(session).request is not _clients_door
        or session.trace_configs
    ):
        return None
    key, start = _address(url, verify)
    lines = [f"{name}: {value}\r\n" for name, value in {**DEFAULT_HEADERS, **headers}.items()]
    head = f"{start}{''.join(lines)}content-length: {len(body)}\r\n\r\n".encode()
    connector: Any = session.connector
    connection = await connector.lend(key)
    if connection is None:
        return None
    try:
        protocol = connection.protocol
        protocol.set_response_params(read_until_eof=True, max_line_size=LONGEST_HEADER, max_field_size=LONGEST_HEADER)
        protocol.transport.write(head + body)
        while True:
            told, content = await protocol.read()
            if not _FIRST_OF_ALL <= told.code <= _LAST_INFORMATION or told.code == _SWITCHING:
                return Reply(connection, told, content)
    except BaseException:
        connection.close()
        raise
