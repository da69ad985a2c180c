"""What reading answers for tool calls costs: ``python benchmarks/toolcalls.py``.

Prose in one piece, prose in chunks of a word, calls in chunks, and hostile answers of growing size, whose time must
grow no faster than they do. Nothing passes or fails; figures stand beside their targets.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from typing import Any

from g4f_integrations.core.toolcalls import CallSplitter, parse_tool_calls

SIZES = (64 << 10, 256 << 10, 1 << 20)
CHUNK = 4  # characters, about a token

PARAGRAPH = (
    "The fox lives where the forest meets the fields. It hunts at dusk, mostly mice & voles, and it knows each hole in "
    "the hedge.\n\n- It is *shy*.\n- It eats `almost` anything; see [the page](https://example.org).\n\n"
    "Its den has two exits: one to the brook, one to the bramble. If a < b, the shorter one is used.\n"
)
CODE = "```python\nfor mouse in field:\n    if mouse.is_near(fox) and not mouse['hidden']:\n        eat(mouse)\n```\n\n"


def tools(count: int) -> list[dict[str, Any]]:
    """So many tools, each with three arguments."""
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}, "metric": {"type": "boolean"}},
        "required": ["city"],
    }
    names = ["get_weather", *(f"tool_number_{number}" for number in range(1, count))]
    return [{"type": "function", "function": {"name": name, "parameters": schema}} for name in names]


CALL = '{"name": "get_weather", "arguments": {"city": "Paris", "days": 3}}'
HOSTILE = {
    "braces": "{",
    "brackets": "[",
    "lines of braces": "{\n",
    "objects that begin a call": '{"name": "get_weather", "arguments": {"a": ',
    "lines that begin a call": '{"name": "get_weather", "arguments": {"a": \n',
    "unknown names": '{"name": "tool_%d", "arguments": {}}\n',
    "lists of calls that never end": "[get_weather(city=\n",
    "nested python calls": "<tool>get_weather(",
    "fences": "```\n",
    "JSON fences": '```json\n{"name": "get_weather"\n',
    "backticks": "`",
    "openers": "<tool_call>",
    "openers with a brace": "<tool_call>{",
    "openers with a call": '<tool_call>{"name": "get_weather", ',
    "ends in a string": '<tool_call>{"a": "</tool_call>',
    "near misses": "<tool_cal>",
    "less-than signs": "<",
    "parameters": "<function=get_weather><parameter=city>",
    "invokes": '<invoke name="get_weather"><parameter name="city">',
    "GLM's pairs": "<tool_call>get_weather<arg_key>city</arg_key><arg_value>",
    "tags of a tool": "<get_weather><city>",
    "DeepSeek's tokens": "<|tool_call_begin|>get_weather<|tool_sep|>{",
    "Mistral's tokens": "[TOOL_CALLS]get_weather[ARGS]{",
    "channels": "<|channel|>commentary to=functions.get_weather<|message|>{",
    "actions": "Action: get_weather\nAction Input: ",
    "actions without input": "Action: get_weather\n",
    "Gemma's quotes": 'call:get_weather{city:<|"|>',
    "quotes": '{"name": "get_weather", "x": \'"\'"',
    "blanks": "{" + " " * 50,
    "line breaks": "\n",
    "calls": CALL + "\n",
    "calls in tags": f"<tool_call>{CALL}</tool_call>\n",
    "names of a tool": "get_weather\n",
}


def seconds(run: Callable[[], Any], rounds: int) -> float:
    """The best of several runs."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - began)
    return best


def pieces(text: str, size: int) -> Iterator[str]:
    """The text in pieces of `size` characters."""
    return (text[at : at + size] for at in range(0, len(text), size))


def words(text: str) -> list[str]:
    """The text in words that begin with their blank, as models stream them."""
    return [word if place == 0 else " " + word for place, word in enumerate(text.split(" "))]


def stream(chunks: list[str], offered: list[dict[str, Any]]) -> None:
    """Feed and close."""
    splitter = CallSplitter(offered)
    for chunk in chunks:
        splitter.feed(chunk)
    splitter.close()


def hostile(unit: str, size: int) -> str:
    """`unit` repeated to `size` characters, numbered where it wants to be."""
    if "%d" in unit:
        return "".join(unit % number for number in range(size // len(unit)))
    return (unit * (size // len(unit) + 1))[:size]


def prose(rounds: int) -> None:
    """Answers without a call."""
    for title, unit in (("prose", PARAGRAPH), ("prose and code", PARAGRAPH + CODE)):
        text = unit * ((2 << 20) // len(unit))
        for count in (1, 20):
            offered = tools(count)
            assert parse_tool_calls(text, offered).text == text
            speed = (
                len(text) / seconds(lambda text=text, offered=offered: parse_tool_calls(text, offered), rounds) / 1e6
            )
            print(f"  {title}, {count} tools, whole: {speed:8.0f} MB/s   (target: 20)")
            chunks = words(text)[:100_000]
            took = seconds(lambda chunks=chunks, offered=offered: stream(chunks, offered), rounds) / len(chunks) * 1e6
            print(f"  {title}, {count} tools, in words: {took:6.2f} µs per chunk   (target: 5)")


def calls(rounds: int) -> None:
    """Answers that are calls."""
    offered = tools(20)
    for title, text in (
        ("a fenced call", f"I look it up.\n\n```json\n[{CALL}]\n```"),
        ("a call in a tag", f"<tool_call>\n{CALL}\n</tool_call>"),
        ("a call of 64 kB", '{"name": "get_weather", "arguments": {"city": "' + "x\\n" * 21_000 + '"}}'),
    ):
        whole = seconds(lambda text=text: parse_tool_calls(text, offered), rounds * 5) * 1e6
        chunks = list(pieces(text, CHUNK))
        streamed = seconds(lambda chunks=chunks: stream(chunks, offered), rounds * 5) * 1e6
        each = streamed / len(chunks)
        print(f"  {title}: whole {whole:9.0f} µs, in {len(chunks)} chunks {streamed:9.0f} µs ({each:.2f} µs each)")


def attacks() -> None:
    """Answers that are made to be slow: milliseconds at each size, whole and in chunks, and how they grow."""
    offered = tools(5)
    head = "  ".join(f"{size >> 10:>5} k" for size in SIZES)
    print(f"  {'':32}  whole: {head}   x    in chunks: {head}   x")
    for title, unit in HOSTILE.items():
        line = []
        for feed in (False, True):
            took = []
            for size in SIZES:
                text = hostile(unit, size)
                chunks = list(pieces(text, CHUNK)) if feed else [text]
                took.append(seconds(lambda chunks=chunks: stream(chunks, offered), 1) * 1e3)
            growth = took[-1] / took[0] if took[0] > 1 else 0.0
            line.append("  ".join(f"{value:7.0f}" for value in took) + f"  {growth:5.1f}")
        print(f"  {title:32}  " + "  ".join(line))


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("Answers without a call")
    prose(options.rounds)
    print("Answers with calls")
    calls(options.rounds)
    print(f"Hostile answers, ms; x is the growth over a factor of {SIZES[-1] // SIZES[0]}")
    attacks()


if __name__ == "__main__":
    main()
