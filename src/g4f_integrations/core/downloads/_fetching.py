"""One download: look, connect, follow, read."""

from __future__ import annotations

import asyncio
import socket
import zlib
from collections.abc import Mapping
from typing import Any, Protocol

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from g4f_integrations import __version__
from g4f_integrations.core.credentials import redact_url
from g4f_integrations.core.downloads import Downloaded, DownloadFailed, DownloadLimits
from g4f_integrations.core.downloads._addresses import is_public, origin_of, refusal_of_host

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PIECE = 65_536
_SHOWN_URL = 200


class _PrivateAddressError(OSError):
    """A name leads into a private network."""


class _LookingResolver(AbstractResolver):
    """Looks names up and gives the connector addresses that have been looked at, and no others.

    Args:
        allows_private: Whether the name that is asked for may lead into a private network.
    """

    def __init__(self) -> None:
        self.allows_private = False

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[Any]:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        results: list[Any] = []
        for kind, _, proto, _, address in found:
            ip = str(address[0])
            # One private address among public ones is enough: which of them is connected to is not ours to choose.
            if not self.allows_private and not is_public(ip):
                message = "leads into a private network"
                raise _PrivateAddressError(message)
            results.append(
                {
                    "hostname": host,
                    "host": ip,
                    "port": port,
                    "family": kind,
                    "proto": proto,
                    "flags": socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                }
            )
        return results

    async def close(self) -> None:
        """Nothing is held."""


async def fetch(
    url: str,
    limits: DownloadLimits,
    trusted: frozenset[str],
    *,
    headers: Mapping[str, str],
    proxy: str | None,
    accept: str,
) -> Downloaded:
    """See `download`."""
    shown = _shown(url)
    try:
        async with asyncio.timeout(limits.timeout):
            return await _fetch(url, limits, trusted, headers=headers, proxy=proxy, accept=accept)
    except DownloadFailed:
        raise
    except TimeoutError:
        message = f"{shown} did not arrive within {limits.timeout:g} s"
        raise DownloadFailed(message, "timeout") from None
    except (aiohttp.ClientError, OSError, ValueError, zlib.error) as error:
        if any(isinstance(cause, _PrivateAddressError) for cause in _causes(error)):
            message = f"{shown} leads into a private network, which is not fetched unless it is allowed"
            raise DownloadFailed(message, "refused") from None
        message = f"{shown} could not be fetched ({type(error).__name__})"
        raise DownloadFailed(message, "network") from None


async def _fetch(
    url: str,
    limits: DownloadLimits,
    trusted: frozenset[str],
    *,
    headers: Mapping[str, str],
    proxy: str | None,
    accept: str,
) -> Downloaded:
    resolver = _LookingResolver()
    connector = aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, limit=1, force_close=True)
    async with aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),
        auto_decompress=False,  # a few kilobytes can unpack to gigabytes, so we do it with an eye on the limit
        headers={
            "User-Agent": f"g4f-integrations/{__version__}",
            "Accept": accept,
            "Accept-Encoding": "identity",
        },
    ) as session:
        sent = dict(headers)
        for _ in range(limits.max_redirects + 1):
            target = _checked(url, limits, trusted)
            # With a proxy its own host is all that is looked up here.
            resolver.allows_private = limits.allow_private or origin_of(url) in trusted or proxy is not None
            async with session.get(target, allow_redirects=False, headers=sent, proxy=proxy) as response:
                if response.status not in _REDIRECTS:
                    return await _read(response, limits, url)
                following = str(target.join(URL(response.headers.get("Location", ""))))
            if origin_of(following) != origin_of(url):
                sent = {}
            url = following
    message = f"{_shown(url)} redirects more than {limits.max_redirects} times"
    raise DownloadFailed(message, "refused")


def _checked(url: str, limits: DownloadLimits, trusted: frozenset[str]) -> URL:
    """`url`, if it may be asked.

    Raises:
        DownloadFailed: It may not.
    """
    try:
        target = URL(url).with_fragment(None)
        host = target.host or ""
        _ = target.port
    except (ValueError, TypeError):
        message = f"{_shown(url)} is no address that can be fetched"
        raise DownloadFailed(message, "refused") from None
    if target.scheme not in {"http", "https"} or not host:
        message = f"only http:// and https:// addresses are fetched, not {_shown(url)}"
        raise DownloadFailed(message, "refused")
    if not limits.allow_private and origin_of(url) not in trusted:
        refusal = refusal_of_host(host)
        if refusal is not None:
            message = f"{_shown(url)} is {refusal}, which is not fetched unless it is allowed"
            raise DownloadFailed(message, "refused")
    return target


async def _read(response: aiohttp.ClientResponse, limits: DownloadLimits, url: str) -> Downloaded:
    shown = _shown(url)
    if not 200 <= response.status < 300:
        message = f"{shown} answered with status {response.status}"
        raise DownloadFailed(message, "status", response.status)
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > limits.max_bytes:
        raise _too_large(shown, limits)
    unpacker = _unpacker(response.headers.get("Content-Encoding", ""), shown)
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_chunked(_PIECE):
        unpacked = piece if unpacker is None else unpacker.decompress(piece, limits.max_bytes + 1 - size)
        size += len(unpacked)
        if size > limits.max_bytes:
            raise _too_large(shown, limits)
        pieces.append(unpacked)
    if unpacker is not None and pieces and not unpacker.eof:
        message = f"{shown} was cut off"
        raise DownloadFailed(message, "network")
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Downloaded(b"".join(pieces), content_type, url, response.charset)


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes: ...


def _unpacker(encoding: str, shown: str) -> _Unpacker | None:
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return None
    if name in {"gzip", "x-gzip", "deflate"}:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    message = f"{shown} is compressed as {name[:40]!r}, which was not asked for"
    raise DownloadFailed(message, "network")


def _too_large(shown: str, limits: DownloadLimits) -> DownloadFailed:
    return DownloadFailed(f"{shown} is larger than {limits.max_bytes / 1024 / 1024:g} MB", "too_large")


def _shown(url: str) -> str:
    return redact_url(str(url))[:_SHOWN_URL]


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and len(found) < 8:
        found.append(current)
        current = current.__cause__ or current.__context__ or getattr(current, "os_error", None)
    return found
