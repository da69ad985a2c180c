"""For mkdocstrings: our docstrings' ``Example:`` is what griffe calls ``Examples:``, a section of programs.

Under the singular name it would be an ordinary paragraph, in which ``>>>`` is a quotation and ``['a']`` a broken link.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_TITLE = re.compile(r"^( *)Example:[ ]*$", flags=re.MULTILINE)


class DocstringExamples(griffe.Extension):
    """Renames the section before it is read."""

    def on_instance(self, *, obj: griffe.Object, **_kwargs: Any) -> None:
        """Called for every module, class, function and attribute as it is loaded."""
        if obj.docstring is not None:
            obj.docstring.value = _TITLE.sub(r"\1Examples:", obj.docstring.value)
