"""Whether an exception tells of a mistake in this package, which no other route can make good."""

from __future__ import annotations

import sys

_PACKAGE = "g4f_integrations"
_MISTAKES = (AttributeError, ImportError, NameError, TypeError, AssertionError)
# Where a provider is called and its chunks are read: what is raised right there, a provider of odd form has caused.
_DOORS = frozenset({"testing", *(f"core.{room}" for room in ("blocking", "chunks", "pump", "remote", "transport"))})


def is_own_fault(error: BaseException) -> bool:
    """Whether `error` was raised in our own code, by a mistake there.

    Mistakes of that kind inside a provider, or in a function of the user's, are theirs, and are classified. The
    standard library counts as whoever called it.
    """
    if not isinstance(error, _MISTAKES):
        return False
    trace, place = error.__traceback__, ""
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__")
        if isinstance(module, str) and module.partition(".")[0] not in sys.stdlib_module_names:
            place = module
        trace = trace.tb_next
    package, _, room = place.partition(".")
    return package == _PACKAGE and not any(room == door or room.startswith(f"{door}.") for door in _DOORS)
