"""What the README shows, the examples and the demo, run as a user runs them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(<!-- runs -->\n)?```python\n(.*?)```", README, flags=re.DOTALL)


def run(*arguments):
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, cwd=ROOT, check=False
    )


def shown_by(*arguments):
    """What a program prints that ends well and complains of nothing."""
    done = run(*arguments)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    return done.stdout


@pytest.mark.parametrize("code", [code for _, code in BLOCKS], ids=range(len(BLOCKS)))
def test_the_readmes_python_is_python(code):
    assert compile(code, "README.md", "exec").co_names


@pytest.mark.parametrize("code", [code for runs, code in BLOCKS if runs])
def test_the_readmes_offline_programs_run(code, capsys):
    assert "\nassert " in code  # the program itself checks what it shows

    exec(compile(code, "README.md", "exec"), {})

    assert capsys.readouterr().err == ""


def test_the_demo_comes_to_a_right_answer_and_shows_the_way():
    shown = shown_by("-m", "g4f_integrations", "demo")

    for word in ("rate_limit", "empty", "timeout", "network", "ok", "Served by Steady", "The answer is complete."):
        assert word in shown
    assert "find_lighthouse(flashes=2, seconds=15) → Roundstone" in shown
    assert "distance_to(lighthouse='Roundstone', degrees=12) → 245 metres" in shown
    assert "\x1b[" not in shown  # no colours in a pipe


def test_the_demo_shows_colours_where_they_are_wanted(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")

    assert "\x1b[" in run("-m", "g4f_integrations", "demo").stdout


def test_an_unknown_command_is_one_clear_line():
    done = run("-m", "g4f_integrations", "nonsense")

    assert done.returncode == 2
    assert "'nonsense'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_quickstart_answers_offline():
    done = run("examples/quickstart.py", "What is a monad?")

    assert done.returncode == 0, done.stderr
    assert "A monad is a way to chain steps that carry something along." in done.stdout
    assert "Answered by Good" in done.stdout


def test_failover_and_resume_are_shown_offline():
    shown = shown_by("examples/failover.py")

    for line in (
        "Down network → Busy overloaded → Other ok; carried on 0 times",
        "flashes twice\n    [Breaks broke off",
        "every fifteen seconds.",
        "Breaks interrupted → Repeats ok; carried on 1 times",
        "Silent cancelled → Repeats ok",
        "kept 'The lighthouse of Roun'",
    ):
        assert line in shown, shown


def test_the_agent_over_three_files_answers_offline():
    done = run("examples/llama_index_rag.py")

    assert done.returncode == 0, done.stderr
    assert "Ingrid Vik keeps the lighthouse; it was built in 1884." in done.stdout
    assert "search_files" in done.stdout
    assert "Answered by Good" in done.stdout


def test_the_agent_runs_offline():
    pytest.importorskip("langchain", reason="the `langchain` package is not installed")

    done = run("examples/agent.py")

    assert done.returncode == 0, done.stderr
    assert "40 days are left." in done.stdout
    assert "(Down network, Good ok; tools: prompt)" in done.stdout


def test_the_second_process_knows_what_the_first_found_out():
    shown = shown_by("examples/shared_health.py")

    assert "first process: Hung timeout, Good ok" in shown
    assert "second process: Good ok" in shown


def test_the_structured_answer_comes_offline():
    assert shown_by("examples/structured_output.py") == "Pancakes, 20 minutes: flour, milk, eggs\n"


def test_the_mcp_servers_tool_is_called_offline():
    pytest.importorskip("langchain_mcp_adapters", reason="the `langchain-mcp-adapters` package is not installed")

    done = run("examples/mcp_tools.py")

    assert done.returncode == 0, done.stderr
    assert "Fastnet: one flash every 5 seconds" in done.stdout
    assert "Fastnet flashes once every five seconds." in done.stdout


def test_the_agent_remembers_offline():
    pytest.importorskip("langchain", reason="the `langchain` package is not installed")

    shown = shown_by("examples/langgraph_memory.py")

    assert "> What did I want to buy?\nYou wanted to buy lamp oil.\n(6 messages are kept, 1 note)\n" in shown


def test_two_agents_hand_over_offline():
    shown = shown_by("examples/agent_workflow.py")

    assert "look_up: 54 m high" in shown
    assert "Fastnet stands 54 metres high and flashes every five seconds.\n(writer answered)\n" in shown


def test_the_service_streams_and_notices_a_client_that_leaves():
    shown = shown_by("examples/fastapi_service.py")

    assert "It is a signature: each has its own rhythm.\n" in shown
    assert "A client left; the provider's stream is closed." in shown


def test_the_gateway_answers_as_an_openai_server_does():
    shown = shown_by("examples/gateway.py")

    assert shown == "Lighthouses flash to be told apart. (good-1)\nLighthouses flash| to be told apart.||\n"


def test_the_agent_draws_and_speaks_offline(tmp_path):
    pytest.importorskip("langchain", reason="the `langchain` package is not installed")

    shown = shown_by("examples/image_agent.py", "--folder", str(tmp_path))

    assert "> The sky fades from blue to red." in shown
    assert "(Down network, Lying blocked, Painter ok)" in shown
    assert "The sunset is drawn, and I have said so." in shown
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".png", ".wav"]


def test_passages_are_found_by_their_vectors_offline():
    shown = shown_by("examples/rag_embeddings.py")

    assert shown.count("Ingrid Vik trims it.\n  found: Ingrid Vik trims the lamp of the lighthouse") == 2
    assert "hashing/lexical-1/1024" in shown


def test_a_batch_over_several_processes_is_answered_offline():
    pytest.importorskip("dask.bag", reason="the `dask` package is not installed")

    done = run("examples/batch_dask.py")

    assert done.returncode == 0, done.stderr
    assert "40 answers by Good: Look at its last digit." in done.stdout
    assert "this process made none: True" in done.stdout


def test_g4fs_own_server_is_one_route_of_many():
    for needed in ("fastapi", "uvicorn", "multipart"):
        pytest.importorskip(needed, reason="the extra `api` of g4f is not installed")

    done = run("examples/g4f_api_server.py")

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr  # g4f may warn of what its own server uses
    assert done.stdout == (
        "2 models: keeper-1, keeper-2\nTo be told apart, each by its rhythm.\nI stand in for it. (network, ok)\n"
    )


def test_every_example_is_listed_and_run_here():
    files = {path.name for path in (ROOT / "examples").glob("*.py")}
    table = (ROOT / "examples/README.md").read_text("utf-8")
    listed = re.findall(r"^\| \[(\w+\.py)\]\(\1\) \|", table, flags=re.MULTILINE)
    tests = Path(__file__).read_text("utf-8")

    assert sorted(listed) == sorted(files)
    assert {name for name in files if f'"examples/{name}"' not in tests} == set()
