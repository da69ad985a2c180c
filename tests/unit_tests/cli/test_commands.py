"""The commands, in this process: what they write, where, and with which status they end."""

import io
import json
import sys

import pytest

from g4f_integrations import __version__
from g4f_integrations.cli.main import main
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply

ADVERT = "\n\n---\n\n**Support Pollinations.AI:**\n\n---\n\n🌸 **Ad** 🌸\nPowered by Pollinations.AI free text APIs. [Support our mission](https://pollinations.ai/redirect/kofi) to keep AI accessible for everyone."
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
WAV = (
    b"RIFF$\x08\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\x08\x00data\x00\x08\x00\x00"
    + b"\x80" * 2048
)
COMMANDS = (
    "chat",
    "ask",
    "models",
    "providers",
    "doctor",
    "image",
    "speak",
    "transcribe",
    "clean",
    "trim",
    "demo",
    "config",
)


@pytest.fixture
def run(capsys, monkeypatch, tmp_path):
    """Runs a command line; gives its status, standard output and standard error."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def run(*arguments, stdin=None):
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin or ""))
        status = main(arguments)
        out, err = capsys.readouterr()
        return status, out, err

    return run


# The whole.


def test_help_lists_every_command_with_what_it_is_for(run):
    status, out, _ = run("--help")

    assert status == 0
    assert all(f"  {command}  " in out or f"  {command} " in out for command in COMMANDS)
    assert "Examples:\n    g4f-integrations ask" in out


def test_without_a_command_the_help_is_shown(run):
    assert run() == run("--help")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_commands_help_has_an_example_and_fits_sixty_columns(command, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")

    status, out, _ = run(command, "--help")

    assert status == 0
    assert f"  g4f-integrations {command}" in out.partition("Examples:")[2]
    prose = [line for line in out.splitlines() if "g4f-integrations" not in line]
    assert max(map(len, prose)) <= 60


def test_the_version_is_told(run):
    assert run("--version")[:2] == (0, f"g4f-integrations {__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nonsense"], "No such command"),
        (["ask", "x", "--nonsense"], "g4f-integrations ask --help"),
        (["ask"], "there is no question"),
        (["ask", "x", "-p", "Nobody"], "`g4f-integrations providers` lists"),
        (["ask", "x", "-p", "Polinations"], "did you mean 'Pollinations'"),
        (["ask", "x", "-r", "A:m", "-p", "B"], "routes names every route itself"),
        (["ask", "x", "-i", "no-such-file.png"], "no-such-file.png"),
        (["models", "--min-window", "large"], "'large' is no number of tokens"),
        (["models", "--ability", "telepathy"], "unknown 'telepathy'"),
        (["models", "gpt-4oo"], "did you mean"),
        (["providers", "Polinations"], "did you mean"),
        (["trim", "no-such-file.json"], "no-such-file.json"),
        (["image", "x", "-n", "3", "-o", "one.png"], "name a folder"),
        (["speak"], "there is nothing to say"),
        (["chat", "--tool", "shell"], "there is no tool 'shell'"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments, said, run):
    status, out, err = run(*arguments)

    assert status in {1, 2}
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err


def test_without_the_extra_one_line_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setattr("g4f_integrations.cli.main.find_spec", lambda name: None)

    status = main(["models"])

    assert status == 2
    assert capsys.readouterr().err == (
        "error: the command line needs typer and rich: pip install 'g4f-integrations[cli]'\n"
    )


# ask.


def test_ask_writes_the_answer_and_nothing_else(run, loopback):
    loopback.replies(Reply.chat("Hello ", "there."))

    assert run("ask", "Hi", "--base-url", loopback.base_url, "-m", "m") == (0, "Hello there.\n", "")
    assert loopback.requests[0].body["messages"] == [{"role": "user", "content": "Hi"}]


def test_ask_takes_its_question_from_a_pipe(run, loopback):
    run("ask", "-", "--base-url", loopback.base_url, "-m", "m", stdin="from the pipe")
    run("ask", "--base-url", loopback.base_url, "-m", "m", "-s", "Be short", stdin="from the pipe")

    assert [request.body["messages"][-1]["content"] for request in loopback.requests] == ["from the pipe"] * 2
    assert loopback.requests[1].body["messages"][0] == {"role": "system", "content": "Be short"}


def test_ask_as_json_tells_how_the_answer_came_to_be(run):
    ScriptedProvider(RuntimeError("Error 429: too many requests"), name="CliBusy")
    ScriptedProvider("Hello.", name="CliGood")

    status, out, err = run("ask", "Hi", "-p", "CliBusy", "-p", "CliGood", "--json")

    told = json.loads(out)
    assert (status, told["text"], err) == (0, "Hello.", "")
    assert [attempt["outcome"] for attempt in told["g4f"]["attempts"]] == ["rate_limit", "ok"]
    assert told["usage"]["total_tokens"] > 0


def test_ask_tells_on_request_who_was_asked(run):
    ScriptedProvider(RuntimeError("Error 429: too many requests"), name="CliBusy")
    ScriptedProvider("Hello.", name="CliGood")

    _, out, err = run("ask", "Hi", "-p", "CliBusy", "-p", "CliGood", "--verbose")

    assert out == "Hello.\n"
    assert err.startswith("CliBusy: ")
    assert err.splitlines()[-1] == "CliGood, after 2 attempts"


def test_adverts_are_taken_out_unless_the_raw_answer_is_wanted(run):
    ScriptedProvider(f"Yes.{ADVERT}", name="MyPollinations")

    assert run("ask", "Hi", "-p", "MyPollinations")[1] == "Yes.\n"
    assert "kofi" in run("ask", "Hi", "-p", "MyPollinations", "--raw")[1]


def test_when_everything_fails_one_line_says_who_failed_how_and_what_to_do(run):
    ScriptedProvider(ConnectionError("reset"), name="CliCut")
    ScriptedProvider("", name="CliEmpty")

    status, out, err = run("ask", "Hi", "-p", "CliCut", "-p", "CliEmpty", "--timeout", "5")

    assert (status, out, err.count("\n")) == (1, "", 1)
    assert "CliCut network" in err
    assert "CliEmpty empty" in err
    assert "g4f-integrations doctor" in err


def test_a_picture_goes_along(run, loopback, tmp_path):
    import base64

    (tmp_path / "dot.png").write_bytes(base64.b64decode(PNG))

    run("ask", "What?", "-i", str(tmp_path / "dot.png"), "-i", "https://host/x.png", "--base-url", loopback.base_url)

    content = loopback.requests[0].body["messages"][0]["content"]
    assert content[1]["image_url"]["url"].startswith("data:image/png;base64,")
    assert content[2]["image_url"]["url"] == "https://host/x.png"


# chat.


def test_a_conversation_from_a_pipe_remembers_what_was_said(run, loopback):
    script = 'One\\\nmore\n"""\nblock\n"""\n\n/quit\nnever\n'

    status, _, err = run("chat", "--base-url", loopback.base_url, "-m", "m", "-s", "S", stdin=script)

    assert (status, err) == (0, "")
    first, second = (request.body["messages"] for request in loopback.requests)
    assert [message["content"] for message in first] == ["S", "One\nmore"]
    assert [message["role"] for message in second] == ["system", "user", "assistant", "user"]
    assert second[-1]["content"] == "block"


def test_commands_change_the_model_save_and_forget(run, loopback, tmp_path):
    script = f"Hi\n/model other\n/save {tmp_path}/talk.json\n/save {tmp_path}/talk.md\n/new\nHo\n/nonsense\n"

    _, _, err = run("chat", "--base-url", loopback.base_url, "-m", "m", stdin=script)

    assert [request.body["model"] for request in loopback.requests] == ["m", "other"]
    assert len(loopback.requests[1].body["messages"]) == 1
    assert [message["role"] for message in json.loads((tmp_path / "talk.json").read_text())] == ["user", "assistant"]
    assert (tmp_path / "talk.md").read_text().startswith("## user\n\nHi\n")
    assert "there is no command /nonsense; /help lists them" in err


def test_another_provider_takes_no_key_along(run, loopback):
    ScriptedProvider("Mine.", name="CliMine")

    _, out, _ = run("chat", "--base-url", loopback.base_url, "--api-key", "key-1", stdin="/provider CliMine\nHi\n")

    assert out == "Mine.\n"
    assert loopback.requests == []


def test_an_error_ends_the_answer_and_not_the_conversation(run):
    ScriptedProvider(per_call=[[ValueError("Error 400: no")], ["Fine."]], name="CliMoody")

    status, out, err = run("chat", "-p", "CliMoody", "--timeout", "5", stdin="First\nSecond\n")

    assert (status, out) == (0, "Fine.\n")
    assert err.startswith("error: ")


def test_tools_are_called_and_their_results_go_back(run):
    call = '```json\n[{"name": "calculator", "arguments": {"expression": "6 * 7"}}]\n```'
    provider = ScriptedProvider(per_call=[[call], ["It is 42."]], name="CliCounts")

    _, out, err = run("chat", "-p", "CliCounts", "--tool", "calculator", stdin="What is 6 * 7?\n")

    assert out.endswith("It is 42.\n")
    assert 'calculator({"expression": "6 * 7"})' in err
    assert "42" in str(provider.calls[1].messages)


@pytest.mark.parametrize(
    "expression", ["9**9**9", "__import__('os')", "(1).real", "1/0", "x" * 300, "(" * 150, "'a'*9"]
)
def test_a_tool_calculates_numbers_and_nothing_else(expression):
    from g4f_integrations.cli.tools import run_tool

    assert run_tool("calculator", {"expression": expression}).startswith("error: ")


# models, providers.


def test_models_are_a_table_or_json(run):
    _, table, remark = run("models", "--ability", "vision", "--safe", "gemini-2.5")
    status, out, _ = run("models", "gpt-4o", "--json")

    assert "gemini-2.5-pro" in table
    assert "GeminiPro" in table
    assert remark == "2 models\n"
    assert (status, "gpt-4o" in [row["id"] for row in json.loads(out)]) == (0, True)


def test_tables_fold_at_sixty_columns(run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")

    for command in (("models", "gpt-4"), ("providers", "--safe"), ("config",)):
        _, out, _ = run(*command)
        assert max(map(len, out.splitlines())) <= 60


def test_an_endpoints_models_are_listed(run, loopback):
    loopback.replies(Reply.json({"data": [{"id": "house-model", "context_length": 32768}]}))

    _, out, _ = run("models", "house", "--endpoint", loopback.base_url)

    assert "house-model" in out
    assert "33k" in out


def test_a_source_that_fails_is_told_beside_the_table(run, loopback):
    loopback.replies(Reply.status(503, "busy"))

    status, out, err = run("models", "gpt-4o", "--endpoint", loopback.base_url)

    assert (status, "gpt-4o" in out) == (0, True)
    assert err.count(loopback.base_url.split("/")[2]) == 1


def test_providers_say_what_hinders_them(run):
    _, out, _ = run("providers", "Copilot", "--json")

    rows = {row["name"]: row["hindrances"] for row in json.loads(out)}
    assert rows["Copilot"] == ["needs a key or a login", "drives a browser"]
    assert rows["CopilotApp"] == []


# doctor.


def test_the_doctor_tells_what_works_and_how(run):
    ScriptedProvider(f"ready{ADVERT}", name="CliWell")
    ScriptedProvider(RuntimeError("Error 401: Invalid API key"), name="CliIll")

    status, out, err = run("doctor", "-p", "CliWell", "-p", "CliIll")
    strict, _, _ = run("doctor", "-p", "CliWell", "-p", "CliIll", "--strict", "--no-tools")

    well, ill = (next(line for line in out.splitlines() if line.startswith(name)) for name in ("CliWell", "CliIll"))
    assert well.split()[1] == "yes"
    assert ill.split()[1] == "no"
    assert "CliIll: auth:" in err
    assert (status, strict) == (0, 1)


def test_the_doctor_tries_tools_and_counts_adverts(run):
    call = '```json\n[{"name": "report", "arguments": {"word": "ready"}}]\n```'
    ScriptedProvider(per_call=[[f"ready{ADVERT}"], [call]], name="PollinationsToo")

    _, out, _ = run("doctor", "-r", "PollinationsToo:gpt-4o", "--json")

    [finding] = json.loads(out)
    assert (finding["route"], finding["works"], finding["tools"]) == ("PollinationsToo:gpt-4o", True, "prompt")
    assert finding["adverts"] >= 1
    assert finding["window"] == 128_000


def test_the_doctor_asks_each_route_by_itself(run, loopback):
    good = ScriptedProvider("ready", name="CliAlone")

    run("doctor", "-r", "CliAlone:m", "-r", loopback.base_url, "-m", "house", "--no-tools")

    assert len(good.calls) == 1
    assert [request.body["model"] for request in loopback.requests] == ["house"]


# image, speak, transcribe.


def test_a_picture_is_saved_and_its_place_told(run, loopback, tmp_path):
    loopback.replies(Reply.json({"data": [{"b64_json": PNG}]}))

    status, out, err = run(
        "image", "A dot", "-o", str(tmp_path / "dot.png"), "--base-url", loopback.base_url, "-m", "m"
    )

    assert (status, out) == (0, f"{tmp_path}/dot.png\n")
    assert (tmp_path / "dot.png").read_bytes().startswith(b"\x89PNG")
    assert err.startswith("by 127.0.0.1")


def test_several_pictures_go_into_a_folder(run, loopback, tmp_path):
    loopback.replies(Reply.json({"data": [{"b64_json": PNG}]}))

    _, out, _ = run("image", "A dot", "-n", "2", "-o", str(tmp_path / "new"), "--base-url", loopback.base_url, "--json")

    assert len(json.loads(out)) == 2
    assert list((tmp_path / "new").iterdir())


def test_what_a_pipe_says_is_spoken(run, loopback, tmp_path):
    loopback.replies(Reply.status(200, WAV, content_type="audio/wav"))

    status, out, _ = run(
        "speak", "-o", str(tmp_path / "a.wav"), "--base-url", loopback.base_url, stdin="Good morning\n"
    )

    assert (status, out) == (0, f"{tmp_path}/a.wav\n")
    assert (loopback.requests[0].body["input"], loopback.requests[0].body["response_format"]) == ("Good morning", "wav")


@pytest.mark.parametrize(
    ("form", "expected"), [("text", "Hello.\n"), ("srt", "00:00:00,000 --> 00:00:01,500\nHello.\n")]
)
def test_a_recording_is_written_down(form, expected, run, loopback, tmp_path):
    loopback.replies(Reply.json({"text": "Hello.", "segments": [{"start": 0.0, "end": 1.5, "text": "Hello."}]}))
    (tmp_path / "a.wav").write_bytes(WAV)

    status, out, _ = run("transcribe", str(tmp_path / "a.wav"), "-f", form, "--base-url", loopback.base_url)

    assert (status, out.endswith(expected)) == (0, True)


# clean, trim, config.


def test_clean_is_a_filter(run, tmp_path):
    (tmp_path / "answer.txt").write_text(f"Yes.{ADVERT}")

    assert run("clean", stdin=f"Yes.{ADVERT}") == (0, "Yes.", "")
    assert run("clean", str(tmp_path / "answer.txt"))[1] == "Yes."
    assert json.loads(run("clean", "--json", stdin=f"Yes.{ADVERT}")[1])["removed"][0]["rule"]
    assert "Pollinations" in run("clean", "--explain", stdin=f"Yes.{ADVERT}")[1]


def test_clean_says_when_the_whole_is_a_notice(run):
    status, _, err = run("clean", stdin="Ratelimit Exceeded!")

    assert status == 0
    assert "no answer but a notice (rate_limit)" in err


def test_trim_is_a_filter(run):
    history = [{"role": "user", "content": f"Message {number}"} for number in range(500)]

    _, out, err = run("trim", "-n", "200", stdin=json.dumps(history))
    _, told, _ = run("trim", "-n", "200", "--json", stdin=json.dumps({"messages": history}))

    assert json.loads(out)[-1] == history[-1]
    assert "of 500 messages left out" in err
    assert json.loads(told)["report"]["limit"] == 200


def test_what_cannot_be_made_to_fit_is_said_with_the_way_out(run):
    status, out, err = run("trim", "-n", "1", stdin='[{"role": "user", "content": "Hi there"}]')

    assert (status, out) == (1, "")
    assert err.endswith("; allow more with --max-tokens\n")


@pytest.mark.parametrize("text", ["", "{", "[1]", '"x"', "[" * 100_000])
def test_what_is_no_conversation_is_refused(text, run):
    status, _, err = run("trim", stdin=text)

    assert status == 2
    assert err.startswith("error: the conversation must be")


def test_config_masks_keys_and_says_where_they_come_from(run, monkeypatch):
    monkeypatch.setenv("G4F_API_KEY", "sk-secret")
    monkeypatch.setenv("GROQ_API_KEY", "gsk-secret")
    monkeypatch.setenv("G4F_BASE_URL", "http://user:pass-word@host/v1?key=abcdef")

    _, out, _ = run("config", "--json")

    rows = {row["source"]: (row["setting"], row["value"]) for row in json.loads(out)}
    assert rows["environment: G4F_BASE_URL"][0] == "base_url"
    assert rows["environment: GROQ_API_KEY"] == ("key of Groq", "**********")
    assert not [word for word in ("sk-secret", "gsk-secret", "pass-word", "abcdef") if word in out]


def test_answers_cannot_control_the_terminal():
    from g4f_integrations.cli.console import for_terminal

    hostile = "a\x1b[31mb\x1b]0;title\x07c\x1b]8;;http://x\x1b\\d\x9b2Je\x00\rf\ng\t\x1b"

    assert for_terminal(hostile) == "abcd2Jef\ng\t"
