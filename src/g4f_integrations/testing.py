"""Scripted providers: real g4f provider classes that do as they are told, for tests and demonstrations.

Nothing here reaches the network. The package's own tests, its demo and its users' tests share these parts.
"""

from __future__ import annotations

import asyncio
import copyreg
import itertools
import sys
import time
import uuid
import weakref
from abc import ABCMeta
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from g4f_integrations.core import health
from g4f_integrations.core.announced import forget as forget_announced
from g4f_integrations.core.capacity import forget_gates
from g4f_integrations.core.catalog.listed import forget_lists
from g4f_integrations.core.endpoint import refused_parameters
from g4f_integrations.core.hedging import HEDGING

__all__ = ["Block", "Cut", "ReceivedCall", "ScriptedProvider", "Stall", "block", "cut", "reset_health", "stall"]


@dataclass(frozen=True, slots=True)
class Stall:
    """A pause of the upstream, in seconds, during which its event loop keeps running."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Block:
    """A pause that blocks the event loop the provider runs on, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection dies here."""


def reset_health() -> None:
    """Forget what this process has learned about routes: failures, latencies, refused parameters, lists of models.

    What has been used of their allowances is forgotten, too.
    """
    health.reset_health()
    HEDGING.forget()
    forget_gates()
    refused_parameters.clear()
    forget_lists()
    forget_announced()
    embeddings = sys.modules.get("g4f_integrations.core.embeddings")
    if embeddings is not None:
        embeddings.forget()


def stall(seconds: float) -> Stall:
    """A script item: say nothing for `seconds`."""
    return Stall(seconds)


def block(seconds: float) -> Block:
    """A script item: block the provider's event loop for `seconds`, as providers with synchronous HTTP do."""
    return Block(seconds)


def cut() -> Cut:
    """A script item: drop the connection in the middle of the answer."""
    return Cut()


class ReceivedCall(dict[str, Any]):
    """One request as the provider received it: ``model``, ``messages``, ``stream`` and every other parameter.

    Values can be read as items and as attributes.
    """

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


class _ScriptedMeta(ABCMeta):
    """Makes the classes picklable: by their recipe, or as themselves in the process that made them."""

    def __repr__(cls) -> str:
        return f"<scripted provider {cls.__name__!r}>"


_made: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()
_numbers = itertools.count(1)


def _remake(token: str, recipe: dict[str, Any]) -> type:
    known = _made.get(token)
    return known if known is not None else _make(token, **recipe)


def _reduce(cls: Any) -> str | tuple[Any, ...]:
    if "recipe" not in vars(cls):  # a class written by somebody on top of a scripted one travels by its own name
        return str(cls.__qualname__)
    return _remake, (cls.token, cls.recipe)


# `pickle` asks this table for a class's metaclass before it falls back to the class's import path.
copyreg.pickle(_ScriptedMeta, _reduce)


def ScriptedProvider(  # noqa: N802  it returns a class, and is used like one
    *script: Any,
    name: str | None = None,
    per_call: Sequence[Sequence[Any]] | None = None,
    native_tools: bool = False,
    **attributes: Any,
) -> Any:
    """A g4f provider class that follows a script.

    Example:
        >>> Hello = ScriptedProvider("Hello", " world", name="Hello")
        >>> Hello.calls
        []

    Args:
        *script: What every call yields: text, a chunk of ``g4f.providers.response``, an exception (raised), or one of
            `stall`, `block` and `cut`.
        name: The class's name; also makes it known to g4f under that name, unless a provider of g4f's own has it. By
            default ``"Scripted1"`` and so on.
        per_call: A script for each call in turn; the last one repeats. Instead of `script`.
        native_tools: Whether the provider claims to take tools by itself.
        **attributes: Further class attributes, such as ``supports_system_message=False`` or ``default_model="m"``.

    Returns:
        The class; its ``calls`` lists the requests it received as `ReceivedCall`. It is run in the caller's event
        loop, unless a script blocks.

    Raises:
        TypeError: Both `script` and `per_call` were given.
    """
    if script and per_call is not None:
        message = "ScriptedProvider takes a script or per_call, not both"
        raise TypeError(message)
    scripts = tuple(tuple(one) for one in per_call) if per_call is not None else (script,)
    return _make(
        uuid.uuid4().hex,
        name=name or f"Scripted{next(_numbers)}",
        scripts=scripts or ((),),
        register=name is not None,
        attributes={"supports_native_tools": native_tools, **attributes},
    )


def _make(token: str, *, name: str, scripts: tuple[Any, ...], register: bool, attributes: dict[str, Any]) -> Any:
    from g4f_integrations.core.catalog import load_g4f  # g4f is loaded on first use

    load_g4f()
    from g4f.providers.base_provider import AsyncGeneratorProvider

    calls: list[ReceivedCall] = []
    counter = itertools.count()

    async def create_async_generator(
        _cls: Any, /, model: str, messages: list[dict[str, Any]], stream: bool = True, **params: Any
    ) -> AsyncGenerator[Any, None]:
        calls.append(ReceivedCall(model=model, messages=messages, stream=stream, **params))
        for item in scripts[min(next(counter), len(scripts) - 1)]:
            if isinstance(item, Stall):
                await asyncio.sleep(item.seconds)
            elif isinstance(item, Block):
                time.sleep(item.seconds)  # noqa: ASYNC251  blocking is what it is for
            elif isinstance(item, Cut):
                raise _dropped()
            elif isinstance(item, BaseException):
                raise _fresh(item)
            elif isinstance(item, type) and issubclass(item, BaseException):
                raise item
            else:
                yield item

    blocks = any(isinstance(item, Block) for one in scripts for item in one)
    namespace = {
        "__module__": __name__,
        "__doc__": "A provider that follows a script.",
        "working": True,
        "needs_auth": False,
        "url": "http://127.0.0.1",
        "supports_stream": True,
        "supports_message_history": True,
        "supports_system_message": True,
        "runs_inline": not blocks,
        "create_async_generator": classmethod(create_async_generator),
        "calls": calls,
        "token": token,
        "recipe": {"name": name, "scripts": scripts, "register": register, "attributes": attributes},
        **attributes,
    }
    made = _ScriptedMeta(name, (AsyncGeneratorProvider,), namespace)
    _made[token] = made
    if register:
        _register(name, made)
    return made


def _register(name: str, made: type) -> None:
    """Make the class known to g4f by its name, unless a real provider has that name."""
    from g4f.Provider import ProviderLoader

    if name.lower() in {real.lower() for real in (*ProviderLoader.names, *ProviderLoader.extra)}:
        return
    for key in (name, name.lower()):
        known = ProviderLoader.loaded.get(key)
        if known is None or isinstance(known, _ScriptedMeta):
            ProviderLoader.loaded[key] = made


def _dropped() -> Exception:
    from aiohttp import ClientPayloadError

    return ClientPayloadError("Response payload is not completed")


def _fresh(error: BaseException) -> BaseException:
    """The scripted error without the traceback that an earlier call left on it."""
    return error.with_traceback(None)
