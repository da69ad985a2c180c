"""What models are told beside what the user says, as files that the user can replace.

Each prompt is a plain text file here, ``<name>.txt`` in UTF-8. A file of the same name in the user's own folder takes
its place. ``{{word}}`` is a placeholder; all other braces are text, so that JSON can stand in a prompt and in what is
filled in. A prompt is read when it is first needed, and then kept: a file that is changed later counts from the next
start of the program.

| file | when it is used | placeholders (a replacement must have all of them) |
|---|---|---|
| `tools` | in the system message of a model that gets its tools as text | `tools` their schemas, `rule`, `several` |
| `tools_reminder` | at the end of the newest user message or tool result, each turn | `names` of the tools, `rule` |
| `tools_auto` | rule: a call or an answer in text | |
| `tools_auto_json` | rule: a call or an answer in JSON | |
| `tools_required` | rule: some tool must be called | |
| `tools_named` | rule: one tool must be called | `name` of the tool |
| `tools_finish` | more of `tools_required`, when results of tools are there already | `last` tool of the list |
| `tools_one_call`, `tools_many_calls` | whether an answer may hold several calls | |
| `tools_none` | at the end, when calls stand in the history but none can be made now | |
| `json_schema` | in the system message, when the answer must fit a schema | `schema` |
| `json_object` | in the system message, when the answer must be any JSON object | |
| `json_reminder` | at the end of the newest user message, when the answer must be JSON | |
| `probe` | instead of the conversation, to see whether a route that was taken out is well again | |
| `reask` | as a user message after an answer that could not be used | `problems`, one per line |
| `resume` | as a user message after an answer that broke off | `partial`, what came; `tail`, its end; `done`, a word |
| `web_search` | before the newest user message, when the web was searched for it | `results`, `date` |
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from pathlib import Path

from g4f_integrations.core.prompts.placing import add_before, add_reminder, add_to_system, readable_json
from g4f_integrations.errors import ConfigurationError

PROMPTS: dict[str, tuple[str, ...]] = {
    "tools": ("tools", "rule", "several"),
    "tools_reminder": ("names", "rule"),
    "tools_auto": (),
    "tools_auto_json": (),
    "tools_required": (),
    "tools_named": ("name",),
    "tools_finish": ("last",),
    "tools_one_call": (),
    "tools_many_calls": (),
    "tools_none": (),
    "json_schema": ("schema",),
    "json_object": (),
    "json_reminder": (),
    "probe": (),
    "reask": ("problems",),
    "resume": ("partial", "tail", "done"),
    "web_search": ("results", "date"),
}
"""The prompts' names, and the placeholders that each must have."""

_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


@lru_cache(maxsize=256)
def load_prompt(name: str, folder: str | None = None) -> str:
    """The prompt `name`: the file in the user's `folder` if it is there, else our own.

    Args:
        name: One of `PROMPTS`.
        folder: The user's folder; relative ones count from the current directory, ``~`` is the home directory.

    Raises:
        ConfigurationError: No such prompt or folder, or the file cannot be read, is empty, or lacks a placeholder.
    """
    if name not in PROMPTS:
        problem = f"there is no prompt {name!r}; known are {', '.join(PROMPTS)}"
        raise ConfigurationError(problem)
    file = resources.files(__name__).joinpath(f"{name}.txt") if folder is None else _own_file(name, folder)
    if file is None:
        return load_prompt(name)
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").strip()  # editors add marks and line ends
    except (OSError, UnicodeDecodeError) as error:
        problem = f"the prompt file {file} cannot be read: {error}"
        raise ConfigurationError(problem) from error
    if not text:
        problem = f"the prompt file {file} is empty"
        raise ConfigurationError(problem)
    there = {*_PLACEHOLDER.findall(text)}
    lacking = [f"{{{{{word}}}}}" for word in PROMPTS[name] if word not in there]
    if lacking:
        problem = f"the prompt file {file} lacks {' and '.join(lacking)}"
        raise ConfigurationError(problem)
    return text


def _own_file(name: str, folder: str) -> Path | None:
    try:
        place = Path(folder).expanduser()
        if not place.is_dir():
            problem = f"the folder of prompts {folder} is no directory"
            raise ConfigurationError(problem)
        file = place / f"{name}.txt"
        return file if file.exists() else None
    except (OSError, RuntimeError) as error:  # RuntimeError: no home directory is known
        problem = f"the folder of prompts {folder} cannot be read: {error}"
        raise ConfigurationError(problem) from error


def fill(prompt: str, **values: str) -> str:
    """`prompt` with the `values` in the place of their placeholders; placeholders without a value stay.

    What is filled in is not looked at again.

    Example:
        >>> fill("Call {{name}} with {}.", name="{{x}}")
        'Call {{x}} with {}.'
    """
    return _PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), prompt)


__all__ = ["PROMPTS", "add_before", "add_reminder", "add_to_system", "fill", "load_prompt", "readable_json"]
