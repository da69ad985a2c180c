"""The command line as processes and terminals see it."""

import contextlib
import io
import os
import select
import signal
import subprocess
import sys
import time

import pytest

from g4f_integrations.cli.main import main
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply, Stall, chunk

PROGRAM = [sys.executable, "-m", "g4f_integrations"]


def test_help_loads_neither_g4f_nor_a_framework_nor_the_engine():
    code = (
        "import sys; from g4f_integrations.cli.main import main; status = main(['ask', '--help'])\n"
        "heavy = {'g4f', 'aiohttp', 'langchain_core', 'llama_index', 'tiktoken', 'numpy', 'tenacity'}\n"
        "print(status, heavy & set(sys.modules), file=sys.stderr)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert child.stderr.splitlines()[-1] == "0 set()"


def test_a_pipe_brings_the_matter_beside_the_question(loopback):
    loopback.replies(Reply.chat("A short text."))
    arguments = ["ask", "Summarise:", "--base-url", loopback.base_url, "-m", "m"]

    child = subprocess.run([*PROGRAM, *arguments], input="a long text\n", capture_output=True, text=True, timeout=60)

    assert (child.returncode, child.stdout, child.stderr) == (0, "A short text.\n", "")
    assert loopback.requests[0].body["messages"][0]["content"] == "Summarise:\n\na long text"


def test_a_reader_that_leaves_is_no_error():
    child = subprocess.Popen([*PROGRAM, "config"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    child.stdout.close()

    said = child.stderr.read()
    child.stderr.close()

    assert (child.wait(60), said) == (0, b"")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such shell")
@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        ("ask <&-", 2, "error: there is no question; write it behind `ask`, or pipe it in\n"),
        ("clean <&- >&-", 0, ""),
        ("chat -p Groq <&-", 0, ""),
        ("trim no-such-file >&- 2>&-", 1, ""),
    ],
)
def test_closed_streams_are_empty_ones(command, status, said):
    child = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m g4f_integrations {command}"], capture_output=True, text=True, timeout=60
    )

    assert (child.returncode, child.stderr) == (status, said)


class Terminal:
    """A program on a pseudo-terminal."""

    def __init__(self, *arguments, columns=60):
        import pty

        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.environ.update(TERM="xterm", COLUMNS=str(columns))
            os.execv(PROGRAM[0], [*PROGRAM, *arguments])
        self._seen = b""

    def type(self, text):
        os.write(self._fd, text.encode())

    def until(self, text, typing="", seconds=30):
        """What came up to `text`. `typing` is typed, again every second: input() can miss a Ctrl-C as it begins."""
        wanted, end = text.encode(), time.monotonic() + seconds
        self.type(typing)
        while wanted not in self._seen:
            assert time.monotonic() < end, f"{text!r} did not come, but {self._seen!r}"
            if select.select([self._fd], [], [], 1.0)[0]:
                self._read()
            else:
                self.type(typing)
        found, _, self._seen = self._seen.partition(wanted)
        return found.decode()

    def _read(self):
        with contextlib.suppress(OSError):  # on Linux, the end of a terminal
            data = os.read(self._fd, 65536)
            self._seen += data
            return bool(data)
        return False

    def leave(self):
        """Presses Ctrl-C until the program has left; its status."""
        for _ in range(30):
            self.type("\x03")
            while select.select([self._fd], [], [], 1.0)[0]:
                if not self._read():
                    return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        os.kill(self._pid, signal.SIGKILL)
        pytest.fail(f"it did not leave, but {self._seen!r}")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_ctrl_c_ends_the_answer_and_twice_the_conversation(loopback):
    loopback.replies(
        Reply.sse(chunk("This will take "), Stall()), Reply.chat("\x1b[31mred\x1b[0m and fine."), Reply.chat("Bye.")
    )
    terminal = Terminal("chat", "--base-url", loopback.base_url, "-m", "m")

    terminal.until("> ")
    terminal.type("A long question\n")
    terminal.until("This will take")
    terminal.until("stopped", typing="\x03")
    assert loopback.requests[0].client_left()

    terminal.until("> ")
    terminal.type('"""\nAnother\nquestion\n"""\n')
    terminal.until("red and fine.")  # without the colour that the answer asked for
    asked = [message["content"] for message in loopback.requests[1].body["messages"]]
    assert asked == ["A long question", "This will take", "Another\nquestion"]

    terminal.until("> ")
    terminal.until("once more", typing="\x03")
    terminal.until("> ")
    assert terminal.leave() in {130, -signal.SIGINT}  # which is 130, too, to a shell


class Screen(io.StringIO):
    """Standard output that says it is a terminal."""

    def isatty(self):
        return True


def test_the_doctor_draws_on_a_terminal_while_it_asks(monkeypatch):
    ScriptedProvider("ready", name="CliDrawn")
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")

    status = main(["doctor", "-p", "CliDrawn", "--no-tools"])

    assert status == 0
    assert screen.getvalue().count("CliDrawn") >= 2  # as it was asked, and at the end
    assert "\x1b[" in screen.getvalue()
