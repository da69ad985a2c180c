"""LlamaIndex's observation of a model's methods: spans, events and callbacks, without credentials.

Spans and events show a call's arguments. So an argument that can hold a credential is put under a veil before they
look, and taken from under it by the method itself.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Mapping
from contextvars import ContextVar
from types import FunctionType
from typing import Any

from llama_index.core.llms.callbacks import llm_chat_callback, llm_completion_callback
from llama_index_instrumentation import get_dispatcher
from llama_index_instrumentation.dispatcher import DISPATCHER_SPAN_DECORATED_ATTR

from g4f_integrations.core.settings import ALIASES, shown_arguments
from g4f_integrations.core.signatures import Inspected

_dispatcher = get_dispatcher(__name__)
_TOUCHY = frozenset(
    {"api_key", "base_url", "default_headers", "headers", "extra_headers", "proxy", "routes", "extra_body"}
)
_TOUCHY_NAMES = _TOUCHY | {name for name, field in ALIASES.items() if field in _TOUCHY}
_VEIL = "veiled"
_opened: ContextVar[AsyncGenerator[Any, None] | None] = ContextVar("g4f_integrations_opened", default=None)


class _Veiled(str):
    """Stands among a call's arguments for those that are not shown; a text, so that events can be written down."""

    __slots__ = ("arguments",)

    arguments: Mapping[str, Any]


def veil(arguments: dict[str, Any]) -> dict[str, Any]:
    """`arguments` as others may see them, with the real ones inside."""
    if not arguments:
        return arguments
    if _VEIL in arguments or _TOUCHY_NAMES.isdisjoint(arguments):
        return arguments
    veiled = _Veiled("arguments that may hold credentials")
    veiled.arguments = {name: value for name, value in arguments.items() if name in _TOUCHY_NAMES}
    return {**shown_arguments(arguments), _VEIL: veiled}


def unveil(arguments: dict[str, Any]) -> dict[str, Any]:
    """The real arguments again."""
    veiled = arguments.get(_VEIL)
    if not isinstance(veiled, _Veiled):
        return arguments
    return {**{name: value for name, value in arguments.items() if name != _VEIL}, **veiled.arguments}


def observed_chat(method: Any) -> Any:
    """Observe a chat endpoint, blocking or streamed, sync or async, as LlamaIndex's own classes do."""
    return _observed(method, llm_chat_callback())


def observed_completion(method: Any) -> Any:
    """Observe a completion endpoint."""
    return _observed(method, llm_completion_callback())


def veiled_span(method: Any) -> Any:
    """Observe a method whose further arguments are those of a call, as a span."""
    return _behind_veil(_dispatcher.span(method), method)


def span_with_veiled_llm_kwargs(method: Any) -> Any:
    """Observe a method of structured prediction, which hands the arguments of a call on as `llm_kwargs`, as a span."""
    bind = _dispatcher.span(method).__get__  # a span wants to know whose method it is

    async def opening(self: Any, output_cls: Any, prompt: Any, llm_kwargs: Any = None, **prompt_args: Any) -> Any:
        return await bind(self, type(self))(output_cls, prompt, llm_kwargs and veil(llm_kwargs), **prompt_args)

    def calling(self: Any, output_cls: Any, prompt: Any, llm_kwargs: Any = None, **prompt_args: Any) -> Any:
        return bind(self, type(self))(output_cls, prompt, llm_kwargs and veil(llm_kwargs), **prompt_args)

    return _veiling(opening if inspect.iscoroutinefunction(method) else calling, method)


def _observed(method: Any, callback: Callable[[Any], Any]) -> Any:
    if not method.__name__.startswith("astream"):
        return _behind_veil(_span(callback(method)), method)
    return _behind_veil(_span(callback(_remembering(method))), method, _closing)


def _span(function: Any) -> Any:
    """A span around `function`, which asks `inspect` for its signature on every call."""
    span: Any = _dispatcher.span(function)
    if type(span) is not FunctionType:  # a proxy, as it has always been, which passes itself off as the function
        span.__wrapped__ = Inspected(function)
    return span


def _behind_veil(inner: Any, method: Any, finish: Callable[[Any], Any] | None = None) -> Any:
    bind = inner.__get__  # a span wants to know whose method it is

    async def opening(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = await bind(self, type(self))(*args, **(veil(kwargs) if kwargs else kwargs))
        return result if finish is None else finish(result)

    def calling(self: Any, *args: Any, **kwargs: Any) -> Any:
        return bind(self, type(self))(*args, **veil(kwargs))

    return _veiling(opening if inspect.iscoroutinefunction(method) else calling, method)


def _veiling(function: Any, method: Any) -> Any:
    veiling = _named_like(function, method)
    # LlamaIndex would open a second span around this, which would see what is under the veil.
    setattr(veiling, DISPATCHER_SPAN_DECORATED_ATTR, True)
    return veiling


def _named_like(function: Any, method: Any) -> Any:
    for name in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        setattr(function, name, getattr(method, name))
    # Not by `functools.wraps`: LlamaIndex uses the `__wrapped__` that it sets for a sign of its own.
    function.__signature__ = inspect.signature(method, follow_wrapped=False)
    return function


def _remembering(method: Any) -> Any:
    async def remembering(self: Any, *args: Any, **kwargs: Any) -> Any:
        stream = await method(self, *args, **kwargs)
        _opened.set(stream)
        return stream

    return _named_like(remembering, method)


def _closing(observed: AsyncGenerator[Any, None]) -> AsyncGenerator[Any, None]:
    """LlamaIndex reads a stream through a generator of its own, which leaves it open when it is closed itself."""
    source = _opened.get()
    _opened.set(None)
    return _closed_together(observed, source)


async def _closed_together(
    observed: AsyncGenerator[Any, None], source: AsyncGenerator[Any, None] | None
) -> AsyncGenerator[Any, None]:
    try:
        async for chunk in observed:
            yield chunk
    finally:
        await observed.aclose()
        if source is not None:
            await source.aclose()
