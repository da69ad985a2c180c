"""Names of a package that are loaded when they are first used (PEP 562)."""

import sys
from importlib import import_module

TYPE_CHECKING = False  # `typing` itself costs more than all that is done here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


# CPython keeps the frames of a thread in pages of 16 kB and hands a page back as soon as its last frame is left. Where
# an import of many calls happens to work across the end of a page, every call there costs an mmap and an munmap: three
# thousand of each, a tenth of the whole time, when LangChain is imported from as deep as here. A frame that asks for
# more than half of 512 kB of stack gets a page of 512 kB, and all that is called from it has room in the rest. That is
# address space for as long as the import takes; only what is used of it becomes memory.
_STACK_SLOTS = 33_000


def _defined(module: str, name: str) -> object:
    """What a module, which is imported first where nobody has yet, calls by that name."""
    value: object = getattr(import_module(module), name)
    return value


_defined.__code__ = _defined.__code__.replace(co_stacksize=_STACK_SLOTS)


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
        value = _defined(f"{package}.{home}", name)
        setattr(sys.modules[package], name, value)  # the next one finds it there
        return value

    def names() -> list[str]:
        return sorted(sys.modules[package].__all__)

    return load, names
