"""The tools of ``chat --tool``: small, and without any say over this machine."""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

_LONGEST_EXPRESSION = 200
_LONGEST_RESULT = 4_000  # characters
_MOST_BITS = 4_096  # of a whole number, so that 9**9**9 is refused and not waited for
_OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
_NAMES: Mapping[str, Any] = {
    "pi": math.pi,
    "e": math.e,
    **{name: getattr(math, name) for name in ("sqrt", "sin", "cos", "tan", "log", "log10", "exp", "floor", "ceil")},
    "abs": abs,
    "round": round,
}


def tell_time() -> str:
    """The date and time here."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def calculate(expression: str) -> str:
    """The value of an arithmetic expression.

    Raises:
        ValueError: It is none, or its value is too large.

    Example:
        >>> calculate("2 * (3 + 4) ** 2")
        '98'
    """
    if len(expression) > _LONGEST_EXPRESSION:
        message = f"an expression has at most {_LONGEST_EXPRESSION} characters"
        raise ValueError(message)
    try:
        return str(_value(ast.parse(expression.strip(), mode="eval").body))
    except (SyntaxError, TypeError, ArithmeticError, RecursionError, MemoryError) as error:
        message = f"that cannot be calculated: {error}"
        raise ValueError(message) from error


def _value(node: ast.AST) -> Any:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return node.value
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _value(node.left), _value(node.right)
        is_power = isinstance(node.op, ast.Pow)
        if is_power and (abs(right) > _MOST_BITS or (left and abs(right) * math.log2(max(2, abs(left))) > _MOST_BITS)):
            message = "that number is too large"
            raise ValueError(message)
        return _OPERATORS[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.keywords:
        return _value(node.func)(*map(_value, node.args))
    message = "only numbers, + - * / // % **, brackets and the usual functions can be calculated"
    raise ValueError(message)


def search(query: str) -> str:
    """What a web search finds, with the text of the pages, as text that a model can read.

    Raises:
        IntegrationError: The search failed, or needs the extra ``search``.
    """
    from g4f_integrations.core.search import WebSearch, quoted  # few ask for it

    return quoted(WebSearch().search(query))


def _schema(name: str, description: str, **parameters: str) -> dict[str, Any]:
    properties = {key: {"type": "string", "description": text} for key, text in parameters.items()}
    return {
        "type": "function",
        "function": {
            "name": name,
            "description": description,
            "parameters": {"type": "object", "properties": properties, "required": list(properties)},
        },
    }


TOOLS: Mapping[str, tuple[Callable[..., str], dict[str, Any]]] = {
    "time": (tell_time, _schema("time", "The date and time where the user is.")),
    "calculator": (
        calculate,
        _schema("calculator", "Calculate an arithmetic expression.", expression="Such as '2 * (3 + 4) ** 2'."),
    ),
    "search": (search, _schema("search", "Search the web.", query="What to look for.")),
}


def tool_schemas(names: Iterable[str]) -> list[dict[str, Any]]:
    """The tools in OpenAI's form."""
    return [TOOLS[name][1] for name in names]


def run_tool(name: str, arguments: Mapping[str, Any]) -> str:
    """What a tool says; an error is told to the model, and not raised."""
    if name not in TOOLS:
        return f"error: there is no tool {name!r}"
    try:
        return TOOLS[name][0](**arguments)[:_LONGEST_RESULT]
    except Exception as error:  # whatever a model put into the arguments
        return f"error: {error}"[:_LONGEST_RESULT]
