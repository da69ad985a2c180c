"""Fetching what an address leads to that somebody else has named: a model, a provider, a search engine.

Such an address is not to be trusted. Only http(s) is fetched, at most so many bytes and for so long; addresses inside
private networks are refused, each redirect is looked at anew, and the connection goes to the very address that was
looked at, so that a name which changes its mind in between (DNS rebinding) gains nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from g4f_integrations.core.downloads._addresses import is_public, origin_of

__all__ = ["DownloadFailed", "DownloadLimits", "Downloaded", "download", "is_public", "origin_of"]

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class DownloadLimits:
    """What is fetched at the most.

    Attributes:
        max_bytes: Size of the body, decompressed.
        timeout: Seconds for the whole download, redirects included.
        allow_private: Whether addresses of this machine and of private networks may be fetched.
        max_redirects: Redirects followed.

    Raises:
        ValueError: A limit is not positive.
    """

    max_bytes: int = 64 * MEGABYTE
    timeout: float = 60.0
    allow_private: bool = False
    max_redirects: int = 5

    def __post_init__(self) -> None:
        if self.max_bytes < 1 or not self.timeout > 0 or self.max_redirects < 0:
            message = "DownloadLimits: max_bytes and timeout must be positive, max_redirects not negative"
            raise ValueError(message)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What an address led to.

    Attributes:
        data: The body, decompressed.
        content_type: Its media type as the server names it, in lower case and without parameters.
        url: Where it was in the end.
        charset: The encoding of text that the server names, if it does.
    """

    data: bytes = field(repr=False)
    content_type: str
    url: str = field(repr=False)
    charset: str | None = None


Reason = Literal["refused", "status", "too_large", "timeout", "network"]


class DownloadFailed(Exception):  # noqa: N818  told to users in the words of those who asked for the download
    """An address could not, or must not, be fetched; the message holds no credentials.

    Attributes:
        reason: ``"refused"`` (we do not fetch such an address), ``"status"``, ``"too_large"``, ``"timeout"`` or
            ``"network"``.
        status: The HTTP status, where there was one.
    """

    def __init__(self, message: str, reason: Reason, status: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = status


async def download(
    url: str,
    limits: DownloadLimits | None = None,
    *,
    trusted: frozenset[str] = frozenset(),
    headers: Mapping[str, str] | None = None,
    proxy: str | None = None,
    accept: str = "*/*",
) -> Downloaded:
    """Fetches `url`.

    Args:
        url: An http:// or https:// address.
        limits: What is fetched at the most; `DownloadLimits()` by default.
        trusted: Origins (``"http://127.0.0.1:1337"``) that the user has named and that may be private.
        headers: Further headers, cookies among them; a redirect to another origin does not get them.
        proxy: Proxy URL. The proxy looks names up then, so only addresses in numbers can be judged.
        accept: Media types that are welcome.

    Raises:
        DownloadFailed: It is refused, or it failed; see `DownloadFailed.reason`.
    """
    fetching: Any = import_module(f"{__name__}._fetching")  # the HTTP client loads with the first download
    fetched: Downloaded = await fetching.fetch(
        url, limits or DownloadLimits(), trusted, headers=headers or {}, proxy=proxy, accept=accept
    )
    return fetched
