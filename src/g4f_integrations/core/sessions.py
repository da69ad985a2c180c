"""Pooled HTTP sessions: one set per event loop, closed with that loop, forgotten by forked children.

A set of sessions lives on its loop object, so that a loop which is dropped takes it along. Its connections are closed
by an asynchronous generator that was started in the loop: `loop.shutdown_asyncgens()`, which `asyncio.run` and every
runner call, closes it. Loops closed without that are swept when the next set is made.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import select
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable
from http.cookies import BaseCookie, SimpleCookie
from time import monotonic
from typing import Any

import aiohttp
from yarl import URL

from g4f_integrations import __version__

PER_HOST = 100
"""Connections to one host at a time at the most; further calls wait for one."""

LONGEST_HEADER = 65_536
"""Bytes of a header of an answer: some gateways send policies beyond aiohttp's 8 kB, which would fail the call."""

DEFAULT_HEADERS = {
    "user-agent": f"g4f-integrations/{__version__}",
    # aiohttp also offers br and zstd where it finds a codec, but fails with those that are too old for it, and takes a
    # brotli body that broke off for a whole one.
    "accept-encoding": "gzip, deflate",
}
"""The headers of every request that has no others of these names."""

_ATTRIBUTE = "_g4f_integrations_sessions"
_IDLE_SECONDS = 15.0  # for which a connection is kept; aiohttp's own figure


class _Connector(aiohttp.TCPConnector):
    """A connector that is closed when its loop is, and that a forked child leaves alone."""

    def __init__(self) -> None:
        self.home = asyncio.get_running_loop()
        self.process = os.getpid()
        # A second more than ours, so that aiohttp never passes over what was looked at for what was not.
        super().__init__(limit=0, limit_per_host=PER_HOST, keepalive_timeout=_IDLE_SECONDS + 1)

    def _get(self, key: Any, *details: Any) -> Any:
        # aiohttp learns that a server has hung up when its loop comes round, which it may not have done since: then
        # the request would die with the connection. What the socket knows by now can be asked without the loop. What
        # came while the connection lay idle is an answer to nothing; aiohttp would give it to the next request as its.
        kept = self._conns.get(key)
        while kept:
            place = -1 if isinstance(kept, list) else 0  # older versions of aiohttp take the last, newer ones the first
            protocol, since = kept[place]
            is_stale = protocol.should_close or monotonic() - since > _IDLE_SECONDS
            if not (is_stale or _has_hung_up(protocol.transport)):
                break
            del kept[place]
            protocol.close()
        return super()._get(key, *details)

    def lend(self, key: Any) -> Awaitable[Any]:
        """An open connection that nobody uses, as aiohttp's versions since 3.11 give it; ``None`` if there is none."""
        lent: Awaitable[Any] = self._get(key, [])
        return lent

    @property
    def closed(self) -> bool:
        """Also true once the loop is closed, so that aiohttp does not print a complaint about a session left open."""
        return self._closed or self.home.is_closed()

    def __del__(self, *details: Any) -> None:
        # In a child, closing would take the parent's sockets out of the epoll set that both share.
        if self.process != os.getpid():
            return
        if self.home.is_closed():
            _close_sockets(self)
        else:
            super().__del__(*details)


def _has_hung_up(transport: asyncio.Transport | None) -> bool:
    """Whether an idle connection has something to read, which is its end: nobody was asked for anything."""
    number = getattr(transport, "_sock_fd", None)  # asyncio's own keep it at hand; asking for it is five calls
    if number is None:
        sock = None if transport is None else transport.get_extra_info("socket")
        number = -1 if sock is None else sock.fileno()
    if number < 0:
        return True  # the loop has seen it
    if not hasattr(select, "poll"):  # Windows
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


class _NoCookies(aiohttp.DummyCookieJar):
    """Holds no cookies: one caller's are not another's."""

    _none: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:  # noqa: ARG002  aiohttp's signature
        """None, without making a new holder of none for every request."""
        return self._none


class _Sessions:
    """The sessions of one loop; they share their connections."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.connector = _Connector()
        self.plain = self._session(trust_env=False)
        self.by_environment = self._session(trust_env=True)
        self.keeper = self._keep()

    @property
    def is_usable(self) -> bool:
        return not self.connector.closed and self.process == os.getpid()

    def _session(self, *, trust_env: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self.connector,
            connector_owner=False,
            cookie_jar=_NoCookies(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),  # the clocks are the engine's
            trust_env=trust_env,
            headers=DEFAULT_HEADERS,
            max_line_size=LONGEST_HEADER,
            max_field_size=LONGEST_HEADER,
        )

    async def _keep(self) -> AsyncGenerator[None, None]:
        try:
            yield
        finally:
            await self.close()

    async def close(self) -> None:
        if not self.connector.closed and self.process == os.getpid():
            await self.connector.close()


class _Registry:
    """All live sets of sessions of this process, weakly held."""

    def __init__(self) -> None:
        self.reset()
        self.abandoned: list[_Sessions] = []  # a child's inheritance, kept for ever so that nothing closes it

    def reset(self) -> None:
        self.lock = threading.Lock()
        self.live: weakref.WeakSet[_Sessions] = weakref.WeakSet()

    def all(self) -> list[_Sessions]:
        with self.lock:
            return list(self.live)

    def add(self, sessions: _Sessions) -> None:
        self.sweep()
        with self.lock:
            self.live.add(sessions)

    def sweep(self) -> None:
        for sessions in self.all():
            if sessions.connector.home.is_closed():
                _close_sockets(sessions.connector)
                with self.lock:
                    self.live.discard(sessions)

    def forget_after_fork(self) -> None:
        self.abandoned += list(self.live)
        self.reset()


_registry = _Registry()
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(after_in_child=_registry.forget_after_fork)


def session_at_hand(*, trust_env: bool = False) -> aiohttp.ClientSession | None:
    """The running loop's pooled session, if there is one already; see `open_session`."""
    sessions: _Sessions | None = getattr(asyncio.get_running_loop(), _ATTRIBUTE, None)
    # Not `connector.closed`, which asks for the loop as well: that is running.
    if sessions is None or sessions.connector._closed or sessions.process != os.getpid():  # noqa: SLF001  see above
        return None
    return sessions.by_environment if trust_env else sessions.plain


async def open_session(*, trust_env: bool = False) -> aiohttp.ClientSession:
    """The running loop's pooled session, made when it is first asked for.

    Args:
        trust_env: Whether proxies and ``.netrc`` of the environment count.
    """
    found = session_at_hand(trust_env=trust_env)
    if found is not None:
        return found
    sessions = _Sessions()
    await anext(sessions.keeper)  # started here, so that the loop knows it and closes it
    _registry.add(sessions)
    setattr(asyncio.get_running_loop(), _ATTRIBUTE, sessions)
    return sessions.by_environment if trust_env else sessions.plain


async def close_sessions() -> None:
    """Closes the pooled connections of the running loop; the next call opens new ones."""
    loop = asyncio.get_running_loop()
    sessions: _Sessions | None = getattr(loop, _ATTRIBUTE, None)
    if sessions is not None:
        delattr(loop, _ATTRIBUTE)
        await sessions.keeper.aclose()


def _close_sockets(connector: _Connector) -> None:
    """Closes the idle connections of a loop that was closed without them.

    Their transports cannot do it: they would need the loop.
    """
    for connections in getattr(connector, "_conns", {}).values():
        for protocol, _ in connections:
            sock = getattr(protocol.transport, "_sock", None)
            if sock is not None:
                sock.close()
                protocol.transport._sock = None  # noqa: SLF001  or its finaliser would warn of an unclosed transport


def _close_at_exit() -> None:
    for sessions in _registry.all():
        loop = sessions.connector.home
        if sessions.is_usable and not loop.is_running():
            loop.run_until_complete(sessions.keeper.aclose())
    _registry.sweep()


atexit.register(_close_at_exit)
