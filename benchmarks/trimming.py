"""Compare `trim` with the trimmers of LangChain and LlamaIndex: ``python benchmarks/trimming.py [--quick]``.

Everybody counts with the same vocabulary (cl100k_base, from a file on this machine) and trims the same conversations to
8,000 tokens: turns of about 95 tokens a message, a third of them with tool calls, a tenth of the results long. Every
measurement is made in a process of its own, which is stopped after a minute. "Cold" is a conversation nobody has seen;
"next" the same one with one message more. Then all trim small random conversations to small budgets, and what each
breaks is counted. Nothing passes or fails: a figure that misses its target says so, and the exit code is 0.
"""

from __future__ import annotations

import argparse
import asyncio
import copy
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measuring import Report, at_least, at_most

BUDGET = 8_000
SIZES = (100, 1_000, 10_000)
PATIENCE = 60.0  # seconds, for one measurement
BROKEN_OVER = 200  # random conversations
OURS = "g4f_integrations trim"
LANGCHAIN = "LangChain trim_messages, start_on"
Wire = dict[str, Any]
Trimmer = Callable[[list[Wire], int], list[Wire]]

WORDS = (
    "light",
    "tower",
    "storm",
    "keeper",
    "lamp",
    "harbour",
    "signal",
    "fog",
    "rock",
    "wave",
    "the",
    "of",
    "and",
    "was",
)


# Conversations -------------------------------------------------------------------------------------------------------


def _text(dice: random.Random, least: int, most: int) -> str:
    return " ".join(dice.choices(WORDS, k=dice.randint(least, most)))


def turns(dice: random.Random, *, small: bool = False) -> Iterator[list[Wire]]:
    """Turn after turn of an agent's conversation."""
    scale = 8 if small else 1
    number = 0
    while True:
        number += 1
        turn: list[Wire] = [{"role": "user", "content": _text(dice, 20 // scale + 1, 120 // scale)}]
        if dice.random() < 0.33:
            ids = [f"call_{number}_{part}" for part in range(dice.randint(1, 3))]
            calls = [
                {
                    "id": name,
                    "type": "function",
                    "function": {"name": "look_up", "arguments": json.dumps({"q": _text(dice, 2, 6)})},
                }
                for name in ids
            ]
            turn.append({"role": "assistant", "content": "", "tool_calls": calls})
            for name in ids:
                long = dice.random() < 0.1
                text = _text(dice, 300 // scale, 500 // scale) if long else _text(dice, 5, 100 // scale)
                turn.append({"role": "tool", "tool_call_id": name, "content": text})
        turn.append({"role": "assistant", "content": _text(dice, 20 // scale + 1, 150 // scale)})
        yield turn


def conversation(messages: int, seed: int, *, small: bool = False) -> list[Wire]:
    """A conversation of that many messages; the same for the same seed."""
    dice = random.Random(seed)
    history: list[Wire] = [{"role": "system", "content": "You look after a lighthouse."}]
    for turn in turns(dice, small=small):
        history += turn
        if len(history) >= messages:
            return history if small else history[:messages]
    return history


# Everybody's trimmer, as documented ----------------------------------------------------------------------------------


def _encoding() -> Any:
    import tiktoken  # the folder must be set before

    return tiktoken.get_encoding("cl100k_base")


def _set_cache() -> None:
    spec = find_spec("llama_index")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        folder = Path(place, "core", "_static", "tiktoken_cache")
        if folder.is_dir():
            os.environ["TIKTOKEN_CACHE_DIR"] = str(folder)


def ours() -> Trimmer:
    from g4f_integrations.core.tokens import load_vocabulary  # each process loads its own subject only
    from g4f_integrations.core.trimming import trim

    load_vocabulary("gpt-4")
    return lambda messages, budget: trim(messages, budget, model="gpt-4").messages  # type: ignore[return-value]


def _langchain(**options: Any) -> Trimmer:
    from langchain_core.messages import convert_to_messages, trim_messages

    encode = _encoding().encode_ordinary

    def count(messages: list[Any]) -> int:
        total = 0
        for message in messages:
            total += 4 + len(encode(message.content))
            for call in getattr(message, "tool_calls", ()):
                total += 12 + len(encode(call["name"])) + len(encode(json.dumps(call["args"])))
        return total

    options = {"token_counter": count, "strategy": "last", "include_system": True, **options}

    def run(messages: list[Wire], budget: int) -> list[Wire]:
        history = convert_to_messages(messages)  # a program has its messages in this form already
        for at, message in enumerate(history):
            message.id = str(at)
        began = time.perf_counter()
        kept = trim_messages(history, max_tokens=budget, **options)
        run.took = time.perf_counter() - began  # type: ignore[attr-defined]
        return [messages[int(message.id)] for message in kept]

    return run


def _as_chat_messages(messages: list[Wire]) -> list[Any]:
    from llama_index.core.llms import ChatMessage

    return [
        ChatMessage(
            role=message["role"],
            content=message["content"],
            additional_kwargs={
                "at": at,
                **{name: message[name] for name in ("tool_calls", "tool_call_id") if name in message},
            },
        )
        for at, message in enumerate(messages)
    ]


def _chat_memory_buffer() -> Trimmer:
    from llama_index.core.memory import ChatMemoryBuffer

    encode = _encoding().encode_ordinary

    def run(messages: list[Wire], budget: int) -> list[Wire]:
        memory = ChatMemoryBuffer.from_defaults(
            chat_history=_as_chat_messages(messages), token_limit=budget, tokenizer_fn=encode
        )
        began = time.perf_counter()
        kept = memory.get()
        run.took = time.perf_counter() - began  # type: ignore[attr-defined]
        return [messages[message.additional_kwargs["at"]] for message in kept]

    return run


def _memory() -> Trimmer:
    from llama_index.core.memory import Memory

    encode = _encoding().encode_ordinary

    def run(messages: list[Wire], budget: int) -> list[Wire]:
        async def put_and_get() -> list[Any]:
            memory = Memory.from_defaults(session_id="one", token_limit=budget, tokenizer_fn=encode)
            await memory.aput_messages(_as_chat_messages(messages))
            return await memory.aget()

        began = time.perf_counter()
        kept = asyncio.run(put_and_get())
        run.took = time.perf_counter() - began  # type: ignore[attr-defined]
        return [messages[message.additional_kwargs["at"]] for message in kept]

    return run


SUBJECTS: dict[str, Callable[[], Trimmer]] = {
    OURS: ours,
    LANGCHAIN: lambda: _langchain(start_on="human"),
    "LangChain trim_messages": _langchain,
    "LangChain trim_messages, approximate": lambda: _langchain(start_on="human", token_counter="approximate"),
    "LlamaIndex ChatMemoryBuffer": _chat_memory_buffer,
    "LlamaIndex Memory": _memory,
}


# Measuring, in a process of its own ----------------------------------------------------------------------------------


def _seconds(trimmer: Trimmer, messages: list[Wire], budget: int) -> float:
    began = time.perf_counter()
    trimmer(messages, budget)
    took = time.perf_counter() - began
    return float(getattr(trimmer, "took", took))


def measure(name: str, size: int, rounds: int) -> None:
    """Print the medians of a cold and of a next call, in seconds; as many rounds as half a minute allows."""
    trimmer = SUBJECTS[name]()
    trimmer(conversation(20, seed=0), BUDGET)  # what is loaded once is no part of it
    cold, following = [], []
    end = time.perf_counter() + PATIENCE / 2
    for number in range(1, rounds + 1):
        history = conversation(size, seed=number)
        cold.append(_seconds(trimmer, history, BUDGET))
        for new in range(5):
            history = [*history, {"role": "user", "content": f"And the next thing, number {number}.{new}?"}]
            following.append(_seconds(trimmer, history, BUDGET))
        print(json.dumps([statistics.median(cold), statistics.median(following)]), flush=True)
        if time.perf_counter() > end:
            break


def _nothing_more(_: random.Random) -> list[Wire]:
    return []


def _long_turn(dice: random.Random) -> list[Wire]:
    """An agent in the middle of a long piece of work."""
    turn: list[Wire] = [{"role": "user", "content": f"Do it all: {_text(dice, 3, 20)}"}]
    for number in range(dice.randint(3, 30)):
        call = {"id": f"step_{number}", "type": "function", "function": {"name": "step", "arguments": "{}"}}
        turn.append({"role": "assistant", "content": "", "tool_calls": [call]})
        turn.append({"role": "tool", "tool_call_id": f"step_{number}", "content": _text(dice, 3, 40)})
    return turn


def _long_result(dice: random.Random) -> list[Wire]:
    """A page that a tool has read."""
    call = {"id": "page", "type": "function", "function": {"name": "read_page", "arguments": "{}"}}
    return [
        {"role": "user", "content": f"What does it say? {_text(dice, 3, 20)}"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "page", "content": _text(dice, 100, 2_000)},
    ]


def _long_question(dice: random.Random) -> list[Wire]:
    """A text that the user has pasted."""
    return [{"role": "user", "content": f"What is this? {_text(dice, 100, 2_000)}"}]


def broken(name: str) -> None:
    """Print how many of the random conversations come back broken, by what is broken."""
    trimmer = SUBJECTS[name]()
    count = dict.fromkeys(INVARIANTS, 0)
    encode = _encoding().encode_ordinary
    for seed in range(BROKEN_OVER):
        dice = random.Random(seed)
        history = conversation(dice.randint(4, 40), seed, small=True)
        history += dice.choice((_nothing_more, _long_turn, _long_result, _long_question))(dice)
        budget = dice.randint(160, 600)
        before = copy.deepcopy(history)
        try:
            kept = trimmer(history, budget)
            again = trimmer(kept, budget) if kept else kept
        except Exception:
            count["raises"] += 1
            continue
        count["changes again"] += again != kept
        count["input changed"] += history != before
        for invariant in _violations(before, kept, budget, encode):
            count[invariant] += 1
    print(json.dumps(count))


INVARIANTS = (
    "call without its results",
    "begins without a user",
    "instructions lost",
    "last user lost",
    "order changed",
    "over budget",
    "nothing left",
    "changes again",
    "input changed",
    "raises",
)


def _violations(before: list[Wire], kept: list[Wire], budget: int, encode: Callable[[str], list[int]]) -> Iterator[str]:
    texts = [str(message["content"]) for message in kept]
    calls = {call["id"] for message in kept for call in message.get("tool_calls") or ()}
    results = {message["tool_call_id"] for message in kept if message["role"] == "tool"}
    answered = {message["tool_call_id"] for message in before if message["role"] == "tool"}
    if calls & answered != results:
        yield "call without its results"
    rest = [message for message in kept if message["role"] != "system"]
    if rest and rest[0]["role"] != "user":
        yield "begins without a user"
    if before[0] not in kept:
        yield "instructions lost"
    users = [message for message in before if message["role"] == "user"]
    head = users[-1]["content"][:20]
    if not any(message["role"] == "user" and message["content"].startswith(head[:8]) for message in kept):
        yield "last user lost"
    places = [before.index(message) for message in kept if message in before]
    if places != sorted(places):
        yield "order changed"
    arguments = (call["function"] for message in kept for call in message.get("tool_calls") or ())
    total = sum(len(encode(text)) for text in texts) + sum(len(encode(f["name"] + f["arguments"])) for f in arguments)
    if total > budget:
        yield "over budget"
    if not rest:
        yield "nothing left"


# The report ----------------------------------------------------------------------------------------------------------


def _child(*arguments: str) -> list[str]:
    command = [sys.executable, __file__, *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            print(f"    {' '.join(arguments)} could not be measured: {done.stderr.strip().splitlines()[-1:]}")
        out = done.stdout
    except subprocess.TimeoutExpired as expired:
        out = expired.stdout.decode() if isinstance(expired.stdout, bytes) else expired.stdout or ""
    return out.splitlines()


def _compare(report: Report, rounds: int) -> None:
    cold: dict[str, dict[int, float]] = {name: {} for name in SUBJECTS}
    following: dict[str, dict[int, float]] = {name: {} for name in SUBJECTS}
    sizes = {name: (*SIZES, 100_000) if name == OURS else SIZES for name in SUBJECTS}
    for name in SUBJECTS:
        for size in sizes[name]:
            lines = _child("--measure", name, str(size), str(rounds))
            if not lines:
                break  # longer ones would take longer still
            cold[name][size], following[name][size] = json.loads(lines[-1])
    for title, figures in (("cold", cold), ("one message more", following)):
        print(f"\n{title}, to {BUDGET:,} tokens, ms")
        print("    " + f"{'messages':<38}" + "".join(f"{size:>12,}" for size in (*SIZES, 100_000)))
        for name, row in figures.items():
            cells = (
                f"{row[size] * 1e3:>12,.2f}" if size in row else f"{'> 60 s' if size in SIZES else '':>12}"
                for size in (*SIZES, 100_000)
            )
            print(f"    {name:<38}" + "".join(cells))
        report.cells[title] = {f"{name}, {size}": value for name, row in figures.items() for size, value in row.items()}
    largest = SIZES[-1]
    if largest in cold[LANGCHAIN]:
        report.judge(
            "cold, 10,000 messages: trim_messages / ours", cold[LANGCHAIN][largest] / cold[OURS][largest], at_least(40)
        )
    report.judge("one message more, 1,000 messages", following[OURS][1_000] * 1e3, at_most(0.2), "ms")
    report.judge("one message more, 10,000 messages", following[OURS][10_000] * 1e3, at_most(1.0), "ms")
    growth = cold[OURS][100_000] / cold[OURS][10_000]
    report.judge("cold, 100,000 messages / 10,000 messages", growth, at_most(12))


def _break(report: Report) -> None:
    print(f"\nbroken in {BROKEN_OVER} random conversations")
    found = {name: json.loads(lines[-1]) for name in SUBJECTS if (lines := _child("--broken", name))}
    print(f"    {'':<26}" + "".join(f"{number:>6}" for number in range(1, len(found) + 1)))
    for invariant in INVARIANTS:
        print(f"    {invariant:<26}" + "".join(f"{row[invariant]:>6}" for row in found.values()))
    for number, name in enumerate(found, 1):
        print(f"    {number}: {name}")
    report.cells["broken"] = {f"{name}, {what}": count for name, row in found.items() for what, count in row.items()}
    if OURS in found:
        report.judge("invariants that trim breaks", sum(found[OURS].values()), at_most(0), "")


def main() -> None:
    """Run all and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 15")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures down as well")
    parser.add_argument("--measure", nargs=3, metavar=("NAME", "SIZE", "ROUNDS"), help=argparse.SUPPRESS)
    parser.add_argument("--broken", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    _set_cache()
    if options.measure:
        measure(options.measure[0], int(options.measure[1]), int(options.measure[2]))
    elif options.broken:
        broken(options.broken)
    else:
        report = Report()
        _compare(report, 3 if options.quick else 15)
        _break(report)
        report.summary()
        if options.json is not None:
            options.json.write_text(json.dumps(report.as_data(), indent=1))


if __name__ == "__main__":
    main()
