"""A model without a mind: it does by rule what a request asks for, read from OpenAI's parameters or from our own words.

What is asked comes in as a `Wish`, read by `wish_of_parameters` from a request's ``tools``, ``tool_choice`` and
``response_format``, by `wish_of_words` from the text that models without them are given, or by `wish_of` from both.
`say` answers it:

- after a tool's result, in words, unless a call is demanded;
- a tool is called if that is demanded (that one; else the first, after a result the last), or if the prompt speaks of
  its topic;
- arguments and objects follow their schema: numbers and quoted texts are taken from the prompt;
- everything else is repeated word by word.
"""

import itertools
import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

TOOLS = re.compile(r'JSON schema of its arguments \("parameters"\):\n\n(\[\n.*?\n\])\n\nTo call a tool', re.DOTALL)
SCHEMA = re.compile(r"valid against this JSON schema:\n\n(\{.*?\})\n\nWrite the bare JSON", re.DOTALL)
ANY_OBJECT = "Your final answer must be one JSON object"
NAMED = re.compile(r"You must call the tool (\S+) in this answer")
REQUIRED = "You must call at least one tool in this answer"
RESULT = re.compile(r"<tool_result[^>]*>\n(.*?)\n?</tool_result>", re.DOTALL)
REMINDER = re.compile(r"\n*\((?:Reminder, not part of what is said above|No tool can be called now).*\Z", re.DOTALL)
CALL_FORM = '```json\n[{"id": "...", "name": "...", "arguments": {...}}]\n```'
numbers = itertools.count(1)


@dataclass
class Wish:
    """What a request asks for."""

    prompt: str = ""
    tools: list[dict[str, Any]] = field(default_factory=list)  # functions: name, description, parameters
    forced: str | None = None  # a name, or "" for any
    schema: dict[str, Any] | None = None
    any_object: bool = False
    results: list[str] = field(default_factory=list)  # of the newest turn, if that is a tool's
    all_results: list[str] = field(default_factory=list)  # of the whole conversation


@dataclass
class Said:
    """What the model says: pieces of text, or calls."""

    texts: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)  # id, name, arguments


def text_of(content):
    if isinstance(content, list):
        return "\n".join(part.get("text", "") for part in content)
    return content or ""


def wish_of_parameters(request):
    """What a request asks for that has parameters for it."""
    messages = request["messages"]
    turn = list(itertools.takewhile(lambda message: message["role"] == "tool", reversed(messages)))
    prompts = [text_of(message["content"]) for message in messages if message["role"] == "user"]
    choice, form = request.get("tool_choice"), request.get("response_format") or {}
    offered = request.get("tools") or [] if choice != "none" else []
    forced = {"required": ""}.get(choice) if not isinstance(choice, dict) else choice["function"]["name"]
    return Wish(
        prompt=prompts[-1] if prompts else "",
        tools=[tool["function"] for tool in offered],
        forced=forced,
        schema=form["json_schema"]["schema"] if form.get("type") == "json_schema" else None,
        any_object=form.get("type") == "json_object",
        results=[text_of(message["content"]) for message in reversed(turn)],
        all_results=[text_of(message["content"]) for message in messages if message["role"] == "tool"],
    )


def wish_of(request):
    """What a request asks for in either way; a route may have parameters for tools and none for formats."""
    told, words = wish_of_parameters(request), wish_of_words(request)
    if told.schema is None and not told.any_object:
        told.schema, told.any_object = words.schema, words.any_object
    return told if told.tools else replace(words, schema=told.schema, any_object=told.any_object)


def wish_of_words(request):
    """What a request asks for that has nothing but messages."""
    system = "\n".join(text_of(message["content"]) for message in request["messages"] if message["role"] == "system")
    users = [text_of(message["content"]) for message in request["messages"] if message["role"] == "user"]
    newest = users[-1] if users else ""
    results = RESULT.findall(newest)
    prompts = [text for text in users if not RESULT.search(text)]
    tools, schema = TOOLS.search(system), SCHEMA.search(system)
    offered = json.loads(tools[1]) if tools and CALL_FORM in newest else []  # it forgets what nobody reminds it of
    named = NAMED.search(newest)
    return Wish(
        prompt=REMINDER.sub("", prompts[-1]) if prompts else "",
        tools=offered,
        forced=named[1] if named else "" if REQUIRED in newest else None,
        schema=json.loads(schema[1]) if schema and "the final answer is the bare JSON" in newest else None,
        any_object=ANY_OBJECT in system,
        results=results,
        all_results=[result for text in users for result in RESULT.findall(text)],
    )


def say(wish, reply):
    """The answer to a wish; `reply` are the words if nothing else is wanted."""
    tool = _tool_to_call(wish)
    if tool is not None:
        arguments = _value(tool.get("parameters") or {}, wish.prompt, tool.get("parameters") or {})
        return Said(calls=[{"id": f"call{next(numbers)}", "name": tool["name"], "arguments": arguments}])
    if wish.schema is not None:
        return Said(texts=_pieces(_value(wish.schema, wish.prompt, wish.schema)))
    if wish.any_object:
        keys = re.findall(r"'(\w+)'", wish.prompt) or ["answer"]
        return Said(texts=_pieces({key: f"the {key}" for key in keys}))
    return Said(texts=reply)


def in_words(said):
    """What the model says, for a route that has only text: calls in the form that we ask for."""
    return said.texts if not said.calls else ["```json\n", json.dumps(said.calls, ensure_ascii=False), "\n```"]


def _tool_to_call(wish):
    if wish.forced:
        return next(tool for tool in wish.tools if tool["name"] == wish.forced)
    if wish.forced == "":
        return wish.tools[-1] if wish.results else wish.tools[0]
    if wish.results:
        return None
    for tool in wish.tools:
        topics = [word for word in re.split(r"[\W_]+", tool["name"].lower()) if len(word) > 3]
        if any(topic in wish.prompt.lower() for topic in topics):
            return tool
    return None


def _pieces(value):
    return re.findall(r".{1,7}", json.dumps(value, ensure_ascii=False), re.DOTALL)


def _value(schema, prompt, root):
    """A value that meets the schema."""
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return _value(target, prompt, root)
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if choices:
        return _value(choices[0], prompt, root)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _MAKERS[kind[0] if isinstance(kind, list) else kind](schema, prompt, root)


def _object(schema, prompt, root):
    return {key: _value(part, prompt, root) for key, part in schema.get("properties", {}).items()}


def _array(schema, prompt, root):
    return [_value(schema.get("items") or {}, prompt, root)]


def _number(schema, prompt, root):
    found = re.search(r"-?\d+", prompt)
    return int(found[0]) if found else 0


def _string(schema, prompt, root):
    quoted = re.search(r"'([^']+)'", prompt)
    return quoted[1] if quoted else "something"


_MAKERS = {
    "object": _object,
    "array": _array,
    "integer": _number,
    "number": _number,
    "string": _string,
    "boolean": lambda *_: True,
    "null": lambda *_: None,
}
