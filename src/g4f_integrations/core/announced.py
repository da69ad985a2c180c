"""What endpoints tell of their models' windows: their lists of models, each read once, when a length matters."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.catalog.listed import listed_model
from g4f_integrations.core.endpoint import list_models
from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.trimming import KnownLimits, limits_by_model

logger = call_logger("trimming")

_PATIENCE = 2.0  # seconds for a list; without it the conversation goes as it is, and a refusal teaches
_MOST = 64  # endpoints that are remembered

Limits: TypeAlias = Mapping[str, KnownLimits]
_Place: TypeAlias = tuple[str, str]
_told: OrderedDict[_Place, concurrent.futures.Future[Limits]] = OrderedDict()
_lock = threading.Lock()


def _forget_after_fork() -> None:
    global _lock  # noqa: PLW0603  another thread may have held it while this process was forked
    _lock = threading.Lock()
    _told.clear()  # somebody may have been reading


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


def _place(candidate: Candidate) -> _Place:
    return candidate.key.base_url, candidate.key.key_hash


def announced(candidate: Candidate) -> KnownLimits | None:
    """What lists of models tell of the candidate's, ``None`` where they were not read or tell nothing."""
    told = _told.get(_place(candidate)) if candidate.provider is None else None
    found = told.result().get(candidate.model) if told is not None and told.done() else None
    if found is not None:
        return found
    listed = listed_model(candidate.name, candidate.model)  # the user has had the catalogue refreshed
    if listed is None or (listed.window is None and listed.max_output is None):
        return None
    return KnownLimits(listed.window, listed.max_output, source="endpoint")


async def listen(candidates: Iterable[Candidate]) -> None:
    """Read the lists of the endpoints among `candidates` that have not been read in this process; never raises."""
    places = {_place(one): one for one in candidates if one.provider is None and announced(one) is None}
    unread = [candidate for place, candidate in places.items() if not _is_read(place)]
    if unread:
        await asyncio.gather(*map(_read, unread))


def _is_read(place: _Place) -> bool:
    told = _told.get(place)
    return told is not None and told.done()


async def _read(candidate: Candidate) -> None:
    """Read one list, or wait for whoever is reading it."""
    place = _place(candidate)
    with _lock:
        told = _told.get(place)
        mine = told is None
        if told is None:
            told = _told[place] = concurrent.futures.Future()
            while len(_told) > _MOST:
                _told.popitem(last=False)
    if not mine:
        await asyncio.wait([asyncio.wrap_future(told)], timeout=_PATIENCE)
        return
    limits: Limits = {}
    try:
        async with asyncio.timeout(_PATIENCE):
            limits = limits_by_model(await list_models(candidate))
    except asyncio.CancelledError:
        with _lock:
            _told.pop(place, None)  # whoever comes next may read it
        raise
    except Exception as error:
        # Many endpoints have no list, and a call does not depend on it.
        logger.debug("%s tells nothing of its windows: %s", candidate.name, type(error).__name__)
    finally:
        told.set_result(limits)
    if limits:
        logger.info("%s tells the windows of %d models", candidate.name, len(limits))


def forget() -> None:
    """Forget all lists."""
    with _lock:
        _told.clear()
