"""Log lines that tell which call they belong to.

Every logger of the package lies under ``g4f_integrations``. A record's attribute ``g4f_call`` is the number of its call
in this process, ``None`` for lines that belong to none; the text begins with it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

ROOT = "g4f_integrations"
call_number: ContextVar[int | None] = ContextVar("g4f_integrations_call", default=None)
"""The call on whose behalf code runs, be it on a provider's loop; set where it cannot leak to the consumer."""

logging.getLogger(ROOT).addHandler(logging.NullHandler())  # nothing is printed unless it is asked for

_T = TypeVar("_T")
_P = ParamSpec("_P")


class _Numbered(Protocol):
    @property
    def number(self) -> int: ...


_Self = TypeVar("_Self", bound=_Numbered)


class CallLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger whose lines name their call."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        """Add the call's number to the text and the record."""
        number = call_number.get()
        kwargs["extra"] = {"g4f_call": number, **(kwargs.get("extra") or {})}
        return (msg if number is None else f"call {number}: {msg}"), kwargs


def call_logger(room: str) -> CallLogger:
    """The logger of a room of the package.

    Example:
        >>> call_logger("engine").name
        'g4f_integrations.engine'

    Args:
        room: Its name below the package's.
    """
    return CallLogger(logging.getLogger(f"{ROOT}.{room}"), {})


def in_its_call(
    method: Callable[Concatenate[_Self, _P], Awaitable[_T]],
) -> Callable[Concatenate[_Self, _P], Awaitable[_T]]:
    """Run a coroutine method of something that has a `number` as part of the call of that number.

    Not for async generators: what they set would be seen by whoever reads them.
    """

    @wraps(method)
    async def numbered(self: _Self, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        token = call_number.set(self.number)
        try:
            return await method(self, *args, **kwargs)
        finally:
            call_number.reset(token)

    return numbered
