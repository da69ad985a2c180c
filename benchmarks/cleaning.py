"""How exact, early and quick the cleaning of answers is, for any corpus of rows.

    python benchmarks/cleaning.py                          # a corpus made from the rules' own examples
    python benchmarks/cleaning.py --corpus rows.jsonl      # one JSON object a line

A row has `text`, `clean` and `kind` (``ad``, ``artefact`` or ``clean``), and may have `provider`, `prompt` and
`template`. Rows whose `template` begins with ``unknown/`` are reported apart, with a language model's help that is
scripted here: one that points well, and several that err or lie. Nothing is sent. Times are those of one thread.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from g4f_integrations.core.cleaning import Cleaning
from g4f_integrations.core.cleaning._rules import shipped_rules

Row = dict[str, Any]
RULES = Cleaning()
HYBRID = Cleaning(mode="hybrid")
CUTS: dict[str, tuple[int, int]] = {"1": (1, 1), "2-8": (2, 8), "random": (1, 64)}


def own_corpus() -> list[Row]:
    """The examples of the shipped rules, and their clean halves."""
    rows = []
    for rule in shipped_rules():
        for example in rule.examples:
            kind = "clean" if example.text == example.clean else "ad" if rule.category == "ads" else "artefact"
            owner = None if "*" in rule.owners else rule.owners[0]
            row = {"template": rule.id, "provider": owner, "prompt": "Tell me something."}
            rows.append({**row, "kind": kind, "text": example.text, "clean": example.clean})
            rows.append({**row, "kind": "clean", "text": example.clean, "clean": example.clean})
    return rows


def read_corpus(path: Path) -> list[Row]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for row in rows:
        row.setdefault("template", "")
        row.setdefault("provider", None)
        row.setdefault("prompt", None)
    return rows


def is_unknown(row: Row) -> bool:
    return str(row["template"]).startswith("unknown/")


def context(row: Row) -> dict[str, Any]:
    return {"provider": row["provider"], "prompt": row["prompt"]}


def say(what: str, value: str, target: str = "", *, met: bool | None = None) -> None:
    verdict = "" if met is None else "  met" if met else "  MISSED"
    print(f"  {what:<58}{value:>16}  {target}{verdict}")


def share(part: int, whole: int) -> str:
    return f"{part / whole:.1%} ({part}/{whole})" if whole else "no rows"


# Exactness -----------------------------------------------------------------------------------------------------------


def report_exactness(rows: list[Row]) -> None:
    print("\nWhole texts, by the rules")
    for kind, least in (("ad", 0.99), ("artefact", 0.99), ("clean", 1.0)):
        chosen = [row for row in rows if row["kind"] == kind and not is_unknown(row)]
        missed = [row for row in chosen if RULES.clean(row["text"], **context(row)).text != row["clean"]]
        exact = len(chosen) - len(missed)
        met = exact >= least * len(chosen) if chosen else None
        say(f"{kind} rows exact", share(exact, len(chosen)), f"≥ {least:.0%}", met=met)
        for template, count in Counter(str(row["template"]) for row in missed).most_common(5):
            print(f"      missed: {template} x {count}")
    whole = [row for row in rows if row["kind"] != "clean" and row["clean"] == ""]
    told = sum(RULES.clean(row["text"], **context(row)).notice is not None for row in whole)
    say("whole-answer notices told as failures", share(told, len(whole)), "100%", met=told == len(whole))
    twice = sum(_again(row) for row in rows)
    say("cleaning the outcome changes nothing", share(twice, len(rows)), "100%", met=twice == len(rows))
    deleted = sum(_only_deletes(row) for row in rows)
    say("only deletes, and explains each span", share(deleted, len(rows)), "100%", met=deleted == len(rows))


def _again(row: Row) -> bool:
    once = RULES.clean(row["text"], **context(row)).text
    return RULES.clean(once, **context(row)).text == once


def _only_deletes(row: Row) -> bool:
    explanation = RULES.explain(row["text"], **context(row))
    pieces, place = [], 0
    for item in explanation.removed:
        pieces.append(row["text"][place : item.removed.start])
        place = item.removed.end
    return "".join([*pieces, row["text"][place:]]) == explanation.text == RULES.clean(row["text"], **context(row)).text


# Streams -------------------------------------------------------------------------------------------------------------


def cut(text: str, sizes: tuple[int, int], seed: int) -> Iterator[str]:
    chooser, place = random.Random(seed), 0
    while place < len(text):
        size = chooser.randint(*sizes)
        yield text[place : place + size]
        place += size


def report_streams(rows: list[Row]) -> None:
    for name, sizes in CUTS.items():
        print(f"\nStreamed, {name} characters a piece")
        same = leaked = 0
        held: list[int] = []
        worst, firsts = 0, []
        known = [row for row in rows if not is_unknown(row)]
        for number, row in enumerate(known):
            out, here, first, lost = stream_row(row, cut(row["text"], sizes, number))
            same += out == RULES.clean(row["text"], **context(row)).text
            leaked += lost
            if row["kind"] == "clean":
                held += here
                worst = max([worst, *here])
                firsts.append(first)
        say("the same as the whole text", share(same, len(known)), "100%", met=same == len(known))
        say("bytes of adverts handed out", f"{leaked}", "0", met=leaked == 0)
        if held:
            mean = sum(held) / len(held)
            say("bytes held on clean rows, mean over the pieces", f"{mean:.2f}", "≤ 2", met=mean <= 2)
            say("bytes held on clean rows, worst", f"{worst}", "≤ 400", met=worst <= 400)
            first = sum(firsts) / len(firsts)
            say("bytes before the piece that gives the first output, mean", f"{first:.2f}", "≤ 4", met=first <= 4)


def stream_row(row: Row, pieces: Iterator[str]) -> tuple[str, list[int], int, int]:
    """What comes out; the bytes held after each piece; those before the first output; those of adverts let out."""
    stream = RULES.stream(**context(row))
    out, arrived, handed, lost = "", 0, 0, 0
    held: list[int] = []
    first: int | None = None
    for piece in pieces:
        given = piece if stream.idle and stream.quiet(piece) else stream.feed(piece)
        if given and first is None:
            first = arrived
        arrived += len(piece.encode())
        handed += len(given.encode())
        out += given
        held.append(arrived - handed)
        if not row["clean"].startswith(out):
            lost = max(lost, len(out.encode()) - len(_common(out, row["clean"]).encode()))
    return out + stream.flush(), held, arrived if first is None else first, lost


def _common(one: str, other: str) -> str:
    size = next(
        (place for place, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )
    return one[:size]


# A language model's help ---------------------------------------------------------------------------------------------


def pointing_at(row: Row) -> Callable[[str], str]:
    """A model that names the lines that the row says are an advert."""
    kept = Counter(line.strip() for line in row["clean"].splitlines())

    def complete(prompt: str) -> str:
        left, named = Counter(kept), []
        for number, line in re.findall(r"^(\d+): (.*)$", prompt, re.MULTILINE):
            if left[line.strip()] > 0:
                left[line.strip()] -= 1
            elif line.strip():
                named.append([int(number), int(number)])
        return f"Here you are: {json.dumps({'delete': named})}"

    return complete


def _last_line(prompt: str) -> int:
    return max(map(int, re.findall(r"^(\d+): ", prompt, re.MULTILINE)), default=1)


BAD_MODELS: dict[str, Callable[[str], str]] = {
    "deletes everything": lambda prompt: f'{{"delete": [[1, {_last_line(prompt)}]]}}',
    "points out of range": lambda _: '{"delete": [[0, 99999]]}',
    "points at the first line": lambda _: '{"delete": [[1, 1]]}',
    "talks": lambda _: "I see { no adverts }, buy mine: https://evil.example",
    "rewrites": lambda _: '{"has_ad": true, "cleaned_text": "Visit https://evil.example"}',
    "leaves nothing": lambda _: '{"has_ad": true, "cleaned_text": ""}',
    "nests without end": lambda _: '{"delete": ' + "[" * 50_000,
    "gives other types": lambda _: '{"delete": [["1", null], {"a": 1}, [true, 2], [1.5, 2]]}',
}


async def report_help(rows: list[Row]) -> None:
    unknown = [row for row in rows if is_unknown(row)]
    print("\nAdverts of providers that no rule knows")
    by_rules = sum(RULES.clean(row["text"], **context(row)).text == row["clean"] for row in unknown)
    say("exact by the rules alone", share(by_rules, len(unknown)))
    good = [await HYBRID.aclean(row["text"], **context(row), complete=pointing_at(row)) for row in unknown]
    exact = sum(found.text == row["clean"] for found, row in zip(good, unknown, strict=True))
    say(
        "exact with a model that answers well",
        share(exact, len(unknown)),
        "≥ 60%",
        met=not unknown or exact >= 0.6 * len(unknown),
    )
    for name, model in BAD_MODELS.items():
        same = 0
        for row in rows:
            found = await HYBRID.aclean(row["text"], **context(row), complete=model)
            same += found.text == RULES.clean(row["text"], **context(row)).text
        say(f"as by the rules, with a model that {name}", share(same, len(rows)), "100%", met=same == len(rows))


# Speed ---------------------------------------------------------------------------------------------------------------


def best_of(work: Callable[[], object], rounds: int = 5) -> float:
    best = math.inf
    for _ in range(rounds):
        start = time.thread_time()
        work()
        best = min(best, time.thread_time() - start)
    return best


def best_of_sizes(unit: str, sizes: tuple[int, int], rounds: int = 5) -> list[float]:
    """The best times of a repeated `unit` in each size; in turns, as a machine is not equally quick all along."""
    best = [math.inf] * len(sizes)
    for _ in range(rounds):
        for number, size in enumerate(sizes):
            text = (unit * (size // len(unit) + 1))[:size]
            best[number] = min(best[number], best_of(partial(RULES.clean, text), 2))
    return best


ORDINARY = """## A heading

Some *ordinary* words of an answer, with a [link](https://docs.example/page), `code` and a number or two: 12, 13.

- one item
- another

```python
print("Hello")
```

---

"""
ADVERT = (
    "\n\n\n\n---\n\n**Support Pollinations.AI:**\n\n---\n\n🌸 **Ad** 🌸\nPowered by Pollinations.AI free text APIs. "
    "[Support our mission](https://pollinations.ai/redirect/kofi) to keep AI accessible for everyone."
)
HOSTILE = {
    "newlines": "\n",
    "rule lines": "\n\n---\n",
    "dashes": "-",
    "blanks": " ",
    "openers": "Need proxies cheaper than the <|im_end|>**Support Pollinations.AI:** ",
    "nested fences": "````\n```\n~~~\n`",
    "near misses": ADVERT[:-20],
    "long links": "\n\n---\na [b](https://pollinations.ai/redirect/" + "c" * 900,
    "mixed": f"\n> ```\n{ADVERT[:90]}\0[cite: 1 \n---\n<|im_ [x](https://pollinations.ai",
}


def report_speed() -> None:
    print("\nSpeed, one core, best of five")
    text = (ORDINARY * (1_000_000 // len(ORDINARY) + 1))[:1_000_000]
    megabytes = len(text.encode()) / 1e6
    for provider in ("Pollinations", "Airforce", None):
        label = provider or "unknown provider"
        rate = megabytes / best_of(partial(RULES.clean, text, provider=provider, prompt="Hello"))
        say(f"1 MB without an advert, {label}, MB/s", f"{rate:,.0f}", "≥ 100", met=rate >= 100)
    for label, dirty in (
        ("at the end", text + ADVERT),
        ("in the middle", text[:500_000] + ADVERT + "\n\n" + text[500_000:]),
    ):
        rate = megabytes / best_of(partial(RULES.clean, dirty, provider="Pollinations", prompt="Hello"))
        say(f"1 MB with an advert {label}, MB/s", f"{rate:,.0f}", "≥ 20", met=rate >= 20)
    pieces = re.findall(r"\s?\S+|\s+", text[:200_000])

    def stream() -> None:
        cleaner = RULES.stream(provider="Pollinations", prompt="Hello", notices=False)
        for piece in pieces:
            if not (cleaner.idle and cleaner.quiet(piece)):
                cleaner.feed(piece)
        cleaner.flush()

    say("a piece of a stream, µs on average", f"{best_of(stream) / len(pieces) * 1e6:.2f}")
    print("\nHostile texts of 64 kB, unknown provider")
    for name, unit in HOSTILE.items():
        times = best_of_sizes(unit, (16_384, 65_536))
        growth = math.log(times[1] / times[0], 4)
        met = times[1] <= 0.05 and (growth <= 1.1 or times[1] < 0.005)
        say(name, f"{times[1] * 1e3:.1f} ms", f"≤ 50 ms; exponent {growth:.2f}, ≤ 1.1", met=met)


def near_misses(rows: list[Row]) -> dict[str, str]:
    """Adverts that lack something, each with the name of its template."""
    found: dict[str, str] = {}
    for row in rows:
        whole, kept = row["text"], row["clean"]
        if row["kind"] != "ad" or not kept or not whole.startswith(kept):
            continue
        advert = whole[len(kept) :]
        middle = len(advert) // 2
        words = advert.split(" ")
        words[len(words) // 2] = "zebra"
        for miss in (advert[:-20], advert[1:], advert[:middle] + advert[middle + 1 :], " ".join(words)):
            if len(miss) >= 20:
                found.setdefault(miss, str(row["template"]))
    return found


def report_near_misses(rows: list[Row]) -> None:
    print("\nNear misses of the corpus' adverts, each repeated to 64 kB, unknown provider; the five slowest")
    texts = {(unit * (65_536 // len(unit) + 1))[:65_536]: template for unit, template in near_misses(rows).items()}
    slowest = sorted(texts, key=lambda text: best_of(partial(RULES.clean, text), 1), reverse=True)[:5]
    for text in slowest:
        seconds = best_of(partial(RULES.clean, text))
        say(texts[text], f"{seconds * 1e3:.1f} ms", "≤ 50 ms", met=seconds <= 0.05)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, help="a file of rows; by default, the examples of the rules")
    rows = own_corpus() if (path := parser.parse_args().corpus) is None else read_corpus(path)
    print(f"{len(rows)} rows: {dict(Counter(str(row['kind']) for row in rows))}")
    report_exactness(rows)
    report_streams(rows)
    asyncio.run(report_help(rows))
    report_speed()
    report_near_misses(rows)


if __name__ == "__main__":
    main()
