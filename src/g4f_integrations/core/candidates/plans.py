"""Plans once made are kept, as long as what they depend on stays as it was."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any

from g4f_integrations.core.candidates.candidate import Plan
from g4f_integrations.core.candidates.resolution import DEEPEST, Resolution, Resolved, members_of, model_name
from g4f_integrations.core.routes import RouteChoice

_MOST_PLANS = 256


def resolve(choice: RouteChoice) -> Plan:
    """The candidates of `choice`, in order, without duplicates.

    Plans are kept, and made anew when a name was registered for another class or when an environment variable changed
    that g4f's own key lookup reads. The first call imports g4f, which takes about a second: call it from a thread.

    Example:
        >>> plan = resolve(RouteChoice(base_url="http://127.0.0.1:1337/v1", model="gpt-4o"))
        >>> [candidate.label for candidate in plan.candidates]
        ['127.0.0.1:1337:gpt-4o']

    Raises:
        ConfigurationError: The choice contradicts itself, names an unknown provider, or names one that must be allowed
            explicitly; the message names the field and says what to do.
        ModelNotFoundError: Nobody is known to serve the model; the message names close matches.
    """
    key = _cache_key(choice)
    known = _lookup(key)
    if known is not None:
        return known
    made = Resolution(choice).resolve()
    if key is None:
        return made.plan
    with _lock:
        _plans[key] = made
        _plans.move_to_end(key)
        while len(_plans) > _MOST_PLANS:
            _plans.popitem(last=False)
    return made.plan


def resolve_cached(choice: RouteChoice) -> Plan | None:
    """The plan of `choice` if it is known and still holds; costs microseconds and never imports anything."""
    newest = _newest
    try:
        if newest is not None and newest[0] == choice and newest[1].still_holds():
            return newest[1].plan
        return _lookup(choice if _is_plain(choice) else _normal_form(choice))
    except TypeError:  # `resolve` will say what is wrong with it
        return None


_newest: tuple[RouteChoice, Resolved] | None = None  # compared by the objects in it, which spares hashing them all
_plans: OrderedDict[RouteChoice, Resolved] = OrderedDict()
_lock = threading.Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release)


def _lookup(key: RouteChoice | None) -> Plan | None:
    if key is None:
        return None
    global _newest  # noqa: PLW0603  read and replaced as a whole
    with _lock:
        found = _plans.get(key)
        if found is not None:
            _newest = key, found
        if found is not None and len(_plans) > _MOST_PLANS // 2:  # the order matters to those alone that are many
            _plans.move_to_end(key)
    return found.plan if found is not None and found.still_holds() else None


def _cache_key(choice: RouteChoice) -> RouteChoice | None:
    """The choice in a form that compares by what it says; ``None`` if it holds what no choice can hold."""
    key = choice if _is_plain(choice) else _normal_form(choice)
    try:
        hash(key)
    except TypeError:  # `resolve` will say what is wrong with it
        return None
    return key


def _is_plain(choice: RouteChoice) -> bool:
    """Whether the choice names names and classes alone, which makes it its own normal form."""
    if type(choice.model) is not str:
        return False
    provider = choice.provider
    if provider is None or type(provider) is str or isinstance(provider, type):
        return True
    return type(provider) is tuple and all(isinstance(one, str | type) for one in provider)


def _normal_form(choice: RouteChoice) -> RouteChoice:
    return choice._replace(
        model=model_name(choice.model),
        fallback_models=tuple(map(model_name, choice.fallback_models)),
        provider=_frozen(choice.provider),
        routes=tuple(choice.routes),
    )


def _frozen(provider: Any, depth: int = 0) -> Hashable:
    """`provider` as it is now: lists can be changed after they were given."""
    if depth > DEEPEST * 2:  # `resolve` will say that this is too deep
        return id(provider)
    if isinstance(provider, list | tuple):
        return tuple(_frozen(one, depth + 1) for one in provider)
    members = members_of(provider)
    if members is None:
        return provider if isinstance(provider, Hashable) else id(provider)
    settings = (getattr(provider, name, None) for name in ("shuffle", "single_provider_retry", "max_retries"))
    return (type(provider), _frozen(members, depth + 1), *settings)
