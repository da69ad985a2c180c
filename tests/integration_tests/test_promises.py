"""What the pages promise of the whole, and no part could keep alone."""

import ast
import logging
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

from g4f_integrations import ChatG4F, Resilience, Trimming
from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.embeddings import EmbeddingFields
from g4f_integrations.errors import RateLimitError
from g4f_integrations.stores import store_at
from g4f_integrations.testing import ScriptedProvider, cut
from loopback import Reply, loopback

ROOT = Path(__file__).resolve().parents[2]
__all__ = ["loopback"]  # a fixture

KEY = "sk-proj-0123456789abcdefghij"
SECRET = "kingfisher-mangrove"


def talk():
    """A conversation with a word in every place that a route gets to see."""
    call = {"name": "look", "args": {"at": SECRET}, "id": "call00001"}
    return [
        *[HumanMessage(f"{SECRET} {number}") for number in range(60)],
        AIMessage("", tool_calls=[call]),
        ToolMessage(f"found {SECRET}", tool_call_id="call00001"),
        HumanMessage(f"Tell of {SECRET}."),
    ]


async def test_neither_prompts_nor_answers_are_logged(caplog):
    caplog.set_level(logging.DEBUG, "g4f_integrations")
    down = ScriptedProvider(ConnectionError("no route to host"), name="Down")
    breaks = ScriptedProvider(f"The {SECRET} is ", cut(), name="Breaks")
    good = ScriptedProvider(f"The {SECRET} is blue.", name="Good")
    model = ChatG4F(
        provider=[down, breaks, good],
        context_window=800,
        trimming=Trimming(summarize=lambda _: SECRET),
        resilience=Resilience(backoff_initial=0),
    )

    await model.ainvoke(talk())
    [_ async for _ in model.astream(talk())]
    look = {"type": "function", "function": {"name": "look"}}
    [_ async for _ in model.astream(talk(), tools=[look], provider=[down, good])]

    logged = [record.getMessage() for record in caplog.records if record.name.startswith("g4f_integrations")]
    assert [line for line in logged if "Down" in line]
    assert [line for line in logged if SECRET in line] == []


def test_a_call_writes_nothing_to_disk(tmp_path):
    code = """
        import os, sys
        from g4f_integrations import ChatG4F, Resilience
        from g4f_integrations.testing import ScriptedProvider

        written = []

        def watch(event, arguments):
            flags = arguments[2] if event == "open" and len(arguments) > 2 else 0
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                written.append(str(arguments[0]))
            elif event in {"os.mkdir", "os.rename", "tempfile.mkstemp", "tempfile.mkdtemp", "sqlite3.connect"}:
                written.append(f"{event} {arguments[0]}")

        sys.addaudithook(watch)
        providers = [ScriptedProvider(ConnectionError("down")), ScriptedProvider("Because each has its own rhythm.")]
        model = ChatG4F(provider=providers, resilience=Resilience(backoff_initial=0))
        model.invoke("Why do lighthouses flash?")
        list(model.stream("Why?"))
        model.health()
        print([name for name in written if not name.endswith((".pyc", os.devnull)) and ".pyc." not in name])
    """
    child = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, cwd=tmp_path
    )

    assert (child.stdout, child.stderr) == ("[]\n", "")
    assert list(tmp_path.iterdir()) == []


def test_the_first_page_names_every_extra_for_users_and_no_other():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    [told] = re.findall(
        r"^Parts that need more: .*?\.\n\n", (ROOT / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )

    assert set(re.findall(r"\[([a-z0-9]+)\]", told)) == extras.keys() - {"test", "lint", "docs", "bench"}


@pytest.mark.parametrize(("page", "settings"), [("resilience.md", Resilience), ("embeddings.md", EmbeddingFields)])
def test_the_defaults_that_a_page_tells_are_those_of_the_program(page, settings):
    text = (ROOT / "docs" / page).read_text("utf-8")
    told = re.findall(r"`(\w+)`(?: texts| tokens)?(?: tokens)? \(([\d,.]+)(?: s)?\)", text)

    assert told
    assert {name: float(number.replace(",", "")) for name, number in told} == {
        name: settings.model_fields[name].default for name, _ in told
    }


def test_the_table_of_trimmings_settings_names_each_with_its_default():
    text = (ROOT / "docs/context.md").read_text("utf-8")
    [table] = re.findall(r"^\| field \| default \| meaning \|\n\|-.*\n((?:\|.*\n)+)", text, flags=re.MULTILINE)
    rows = [[cell.strip(" `") for cell in row.split("|")[1:3]] for row in table.splitlines()]

    assert {name: ast.literal_eval(told) for name, told in rows} == {
        name: field.default for name, field in Trimming.model_fields.items() if name in dict(rows)
    }
    assert Trimming.model_fields.keys() - dict(rows).keys() == set()


def test_a_shared_store_holds_neither_keys_nor_words(tmp_path, loopback):
    loopback.replies(Reply.json({"error": {"message": f"{KEY} may not ask of {SECRET}"}}, 429))
    store = store_at(f"sqlite:///{tmp_path / 'health.db'}")
    model = ChatG4F(
        base_url=loopback.base_url, model="m", api_key=KEY, resilience=Resilience(store=store), max_retries=0
    )

    with pytest.raises(RateLimitError):
        model.invoke(talk())
    store.close()

    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"until" in kept
    assert KEY.encode() not in kept
    assert SECRET.encode() not in kept


def test_the_environments_key_reaches_the_endpoint_and_no_provider(monkeypatch, loopback):
    monkeypatch.setenv("G4F_API_KEY", KEY)
    loopback.replies(Reply.json({"choices": [{"message": {"content": "Hello"}, "finish_reason": "stop"}]}))
    provider = ScriptedProvider("Hello", needs_auth=True)

    ChatG4F(base_url=loopback.base_url, model="m").invoke("Hi")
    ChatG4F(provider=provider).invoke("Hi")

    assert loopback.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in str(dict(provider.calls[0]))


def test_the_limits_of_downloads_are_as_told():
    page, limits = (ROOT / "docs/media.md").read_text("utf-8"), DownloadLimits()

    assert f"| size | {limits.max_bytes // 2**20} MB (" in page
    assert f"| time | {limits.timeout:.0f} s (" in page
    assert f"| redirects | {['no', 'one', 'two', 'three', 'four', 'five'][limits.max_redirects]};" in page
