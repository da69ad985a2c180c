"""Health shared by a fleet, in Redis. Needs the extra ``g4f-integrations[redis]``."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from g4f_integrations.core.credentials import MASK, Secret, leave_credentials, redact_url
from g4f_integrations.core.health import MOST_ROUTES
from g4f_integrations.errors import ConfigurationError
from g4f_integrations.stores._facts import FACTS, VERSION
from g4f_integrations.stores._links import Row
from g4f_integrations.stores._registry import store_of
from g4f_integrations.stores._shared import SharedHealth

if TYPE_CHECKING:
    from redis.asyncio import Redis

_SOCKET_SECONDS = 1.0
_KEPT_SECONDS = 7 * 86_400  # after the last write
_AT_A_TIME = 300  # routes in one question

# Keeps each fact unless a newer one is there; one of a time to come was written by a clock that is wrong.
_KEEP = """
for i = 2, #ARGV, 3 do
  local old = redis.call('HGET', KEYS[1], ARGV[i])
  local at = old and tonumber(string.match(old, '"at":([%d%.]+)'))
  if not at or at <= tonumber(ARGV[i + 1]) or at > tonumber(ARGV[i + 1]) + 60 then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  end
end
redis.call('EXPIRE', KEYS[1], ARGV[1])
"""


class RedisHealth(SharedHealth):
    """What a fleet knows of routes: which are dead, what they asked for, their windows; found out once, known to all.

    One object and one connection for each URL, namespace and process, however many models name it. All of it is one
    hash, ``g4f-integrations:health:1:<namespace>``, which Redis forgets a week after the last write. It holds names of
    routes and no keys; processes with different keys for the same routes should not share a namespace, for a rate limit
    concerns a key.

    Example:
        >>> RedisHealth("redis://:secret@cache.internal/0", namespace="team-a")
        RedisHealth('redis://cache.internal/0', namespace='team-a')

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``, as redis-py takes it; or ``env:NAME`` for the URL in that
            environment variable, which is what travels with a pickle. A literal password does not.
        namespace: Who shares with whom.
        refresh: Seconds after which what others have told is known here, while calls are made.
    """

    def __init__(self, url: str, *, namespace: str = "default", refresh: float = 1.0) -> None:
        self._origin = url if url.startswith("env:") else None
        self._url = Secret(os.environ.get(url[4:], "").strip() if self._origin else url)
        self.namespace = namespace
        shown = redact_url(self._url.get_secret_value()) or url
        super().__init__(("redis", url, namespace), f"{shown} ({namespace})", refresh=refresh)
        self._shown = shown
        self._hash = f"g4f-integrations:health:{VERSION}:{namespace}"
        self._redis: Redis | None = None

    async def _open(self) -> None:
        if self._redis is not None:
            return
        try:
            from redis.asyncio import Redis  # an extra, loaded with the first call
        except ImportError as error:
            message = "health in Redis needs redis-py: pip install 'g4f-integrations[redis]'"
            raise ConfigurationError(message) from error
        url = self._url.get_secret_value()
        if MASK in url:
            message = "the password in the store's URL did not travel with the pickle; name the store as 'env:NAME'"
            raise ConfigurationError(message)
        if not url:
            message = f"the environment variable {(self._origin or '')[4:]} holds no URL"
            raise ConfigurationError(message)
        self._redis = Redis.from_url(
            url,
            socket_timeout=_SOCKET_SECONDS,
            socket_connect_timeout=_SOCKET_SECONDS,
            max_connections=1,
        )

    async def _read(self, names: Sequence[str]) -> Mapping[Row, str | bytes]:
        assert self._redis is not None
        found: dict[Row, str | bytes] = {}
        for first in range(0, len(names), _AT_A_TIME):
            rows: list[Row] = [(name, fact) for name in names[first : first + _AT_A_TIME] for fact in FACTS]
            answer: Any = self._redis.hmget(self._hash, [_field(row) for row in rows])
            texts = zip(rows, await answer, strict=True)
            found.update({row: text for row, text in texts if text is not None})
        return found

    async def _kept(self) -> Sequence[str]:
        assert self._redis is not None
        answer: Any = self._redis.hkeys(self._hash)
        fields = (field.decode("utf-8", "replace") for field in await answer)
        names = dict.fromkeys(name for fact, _, name in (field.partition(" ") for field in fields) if fact in FACTS)
        return list(names)[-MOST_ROUTES:]

    async def _write(self, rows: Mapping[Row, tuple[float, str]]) -> None:
        assert self._redis is not None
        arguments: list[str] = [str(_KEPT_SECONDS)]
        for row, (at, says) in rows.items():
            arguments += [_field(row), repr(at), says]
        answer: Any = self._redis.eval(_KEEP, 1, self._hash, *arguments)
        await answer

    async def _shut(self) -> None:
        redis, self._redis = self._redis, None
        if redis is not None:
            await redis.aclose()

    def _disown(self) -> None:
        self._redis = None

    def __repr__(self) -> str:
        return f"RedisHealth({self._shown!r}, namespace={self.namespace!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        url = self._origin or self._url.get_secret_value()
        # In the process that wrote the pickle, the object itself is found by what is left of the URL.
        left = leave_credentials(url)
        if left != url:
            _by_what_is_left[left, self.namespace] = self
        return redis_at, (left, self.namespace, self._refresh)


_by_what_is_left: weakref.WeakValueDictionary[tuple[str, str], RedisHealth] = weakref.WeakValueDictionary()


def redis_at(url: str, namespace: str = "default", refresh: float = 1.0) -> SharedHealth:
    """This process's store in the Redis at `url` (or ``env:NAME``)."""
    known = _by_what_is_left.get((url, namespace))
    if known is not None:
        return known
    return store_of(("redis", url, namespace), lambda: RedisHealth(url, namespace=namespace, refresh=refresh))


def _field(row: Row) -> str:
    return f"{row[1]} {row[0]}"
