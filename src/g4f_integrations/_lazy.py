"""Names of a package that are loaded when they are first used (PEP 562)."""

import sys
from importlib import import_module

TYPE_CHECKING = False  # `typing` itself costs more than all that is done here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazy_names(package: str, homes: "Mapping[str, str]") -> "tuple[Callable[[str], object], Callable[[], list[str]]]":
    """A package's ``__getattr__`` and ``__dir__``.

    Args:
        package: Its ``__name__``.
        homes: The module below the package that defines each name.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        if home is None:
            message = f"module {package!r} has no attribute {name!r}"
            raise AttributeError(message)
        value: object = getattr(import_module(f"{package}.{home}"), name)
        setattr(sys.modules[package], name, value)  # the next one finds it there
        return value

    def names() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return load, names
