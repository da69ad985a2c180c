"""A conversation's state and what becomes of each message: a command, or a question with its answer."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from g4f_integrations.cli.asking import tell_retry, who_answered, with_pictures
from g4f_integrations.cli.console import for_terminal, remark, write_text
from g4f_integrations.cli.conversing import Answered, answer_to, model_of
from g4f_integrations.cli.failing import line_of
from g4f_integrations.cli.tools import TOOLS, run_tool, tool_schemas
from g4f_integrations.core.settings import ModelFields
from g4f_integrations.errors import ConfigurationError, IntegrationError

_MOST_TURNS = 6  # of tools, for one question

_HELP = """\
/model NAME          another model
/provider [NAME …]   another provider, or none in particular
/image FILE [TEXT]   show a picture, with the next message or TEXT
/tools [NAME …|off]  let the model use: time, calculator, search
/save FILE           the conversation as JSON, or as text where FILE ends with .md or .txt
/new                 forget the conversation
/quit                leave (also Ctrl-D)"""


class Session:
    """A conversation.

    Args:
        settings: The model's, as its class takes them.
        system: What the model should be or keep to.
        tools: Names of tools that it may use.
    """

    def __init__(self, settings: dict[str, Any], system: str | None, tools: Iterable[str]) -> None:
        self._settings = settings
        self._model: ModelFields = model_of(settings)
        self._system: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        self.history: list[dict[str, Any]] = []
        self._images: list[str] = []
        self._tools = _known_tools(tools)
        self.over = False
        self._commands: dict[str, Callable[[str], None]] = {
            "exit": self._quit,
            "help": self._help,
            "image": self._show_image,
            "model": self._set_model,
            "new": self._forget,
            "provider": self._set_provider,
            "quit": self._quit,
            "save": self._save,
            "tools": self._set_tools,
        }

    def take(self, text: str) -> None:
        """Do what a message says, or have it answered; errors are told, and the conversation goes on."""
        try:
            if text.startswith("/") and not text.startswith("//"):
                name, _, rest = text[1:].partition(" ")
                command = self._commands.get(name.strip().lower())
                if command is None:
                    message = f"there is no command /{for_terminal(name)[:40]}; /help lists them"
                    raise ConfigurationError(message)
                command(rest.strip())
            else:
                self._ask(text.removeprefix("/") if text.startswith("//") else text)
        except (IntegrationError, OSError, ValueError) as error:
            remark(f"error: {for_terminal(line_of(error))}")

    # Questions -------------------------------------------------------------------------------------------------

    def _ask(self, text: str) -> None:
        content = with_pictures(text, self._images)
        self._images = []
        begun = len(self.history)
        self.history.append({"role": "user", "content": content})
        answered = Answered()
        try:
            for _ in range(_MOST_TURNS):
                answered = Answered()
                self._stream(answered)
                self.history.append(answered.message())
                if not answered.calls:
                    break
                for call in answered.calls:
                    remark(for_terminal(f"{call.name}({json.dumps(call.arguments, ensure_ascii=False)})"))
                    result = run_tool(call.name, call.arguments)
                    self.history.append({"role": "tool", "tool_call_id": call.id, "content": result})
        except BaseException:
            self._keep_what_came(answered, begun)
            raise
        if answered.info is not None and (len(answered.info.attempts) > 1 or answered.info.trimmed):
            remark(who_answered(answered.info))

    def _stream(self, answered: Answered) -> None:
        pieces = answer_to(
            self._model,
            [*self._system, *self.history],
            answered,
            tools=tool_schemas(self._tools),
            on_retry=tell_retry,
        )
        try:
            for piece in pieces:
                write_text(piece)
        finally:
            pieces.close()  # an answer that is stopped is stopped at its route, too
            if answered.text and not answered.text.endswith("\n"):
                write_text("\n")

    def _keep_what_came(self, answered: Answered, begun: int) -> None:
        """After an answer that broke off: what was said stays, and a question without any answer is taken back."""
        if answered.info is None and answered.text:
            self.history.append({"role": "assistant", "content": answered.text})
        elif len(self.history) == begun + 1:
            del self.history[begun:]

    # Commands --------------------------------------------------------------------------------------------------

    def _change(self, **changes: Any) -> None:
        settings = {**self._settings, **changes}
        settings = {name: value for name, value in settings.items() if value is not None}
        self._model = model_of(settings)
        self._settings = settings

    def _set_model(self, name: str) -> None:
        if name:
            self._change(model=name)
        remark(f"model: {for_terminal(self._model.model)}")

    def _set_provider(self, names: str) -> None:
        self._change(provider=names or None, routes=None, base_url=None, api_key=None)
        remark(f"provider: {for_terminal(names) or 'whoever serves the model'}")

    def _show_image(self, given: str) -> None:
        words = shlex.split(given)
        if not words:
            message = "/image takes a file or an address, and what to ask about it"
            raise ConfigurationError(message)
        with_pictures("", words[:1])  # says now, not with the next message, that it cannot be read
        self._images.append(words[0])
        if len(words) > 1:
            self._ask(" ".join(words[1:]))
        else:
            remark("it goes along with your next message")

    def _set_tools(self, names: str) -> None:
        if names:
            self._tools = _known_tools([] if names == "off" else names.replace(",", " ").split())
        remark(f"tools: {', '.join(self._tools) or 'none'}")

    def _save(self, name: str) -> None:
        if not name:
            message = "/save takes the name of a file"
            raise ConfigurationError(message)
        path = Path(name).expanduser()
        messages = [*self._system, *self.history]
        if path.suffix.lower() in {".md", ".txt"}:
            text = "".join(f"## {message['role']}\n\n{_plain(message['content'])}\n\n" for message in messages)
        else:
            text = json.dumps(messages, ensure_ascii=False, indent=2) + "\n"
        path.write_text(text, encoding="utf-8")
        remark(f"{len(messages)} messages saved to {path}")

    def _forget(self, _: str) -> None:
        self.history.clear()
        self._images.clear()
        remark("a new conversation")

    def _quit(self, _: str) -> None:
        self.over = True

    def _help(self, _: str) -> None:
        remark(_HELP)


def _known_tools(names: Iterable[str]) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(names))
    unknown = [name for name in found if name not in TOOLS]
    if unknown:
        message = f"there is no tool {', '.join(map(repr, unknown))}; there are {', '.join(TOOLS)}"
        raise ConfigurationError(message)
    return found


def _plain(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "[picture]") for part in content or ())
