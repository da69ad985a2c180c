"""The suite's own promise: nothing leaves this machine, from this process or from a child."""

import asyncio
import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from guard.network_guard import NetworkRefusedError

ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1 (RFC 5737): an unguarded connection there would hang, not be refused


def connect(address):
    with socket.socket() as client:
        client.connect(address)
        return client.getpeername()


@pytest.mark.reaches_out
def test_a_connection_to_another_machine_is_refused():
    with pytest.raises(NetworkRefusedError):
        connect(ELSEWHERE)


@pytest.mark.reaches_out
def test_connect_ex_and_datagrams_to_another_machine_are_refused():
    with socket.socket() as client, pytest.raises(NetworkRefusedError):
        client.connect_ex(ELSEWHERE)
    with socket.socket(type=socket.SOCK_DGRAM) as client, pytest.raises(NetworkRefusedError):
        client.sendto(b"", ELSEWHERE)


@pytest.mark.reaches_out
@pytest.mark.parametrize("host", ["example.com", "127.example.com", "localhost.example.com"])
def test_a_name_of_another_machine_is_not_looked_up(host):
    with pytest.raises(NetworkRefusedError):
        socket.getaddrinfo(host, 80)


@pytest.mark.reaches_out
async def test_asyncio_is_guarded_in_its_threads_too():
    with pytest.raises(NetworkRefusedError):
        await asyncio.open_connection("example.com", 80)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_works(host):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        assert connect((host, port)) == ("127.0.0.1", port)


def test_unix_sockets_work(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a unix socket may hold about 100 characters only
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind("s")
        server.listen()
        client.connect("s")

        assert client.getpeername() == "s"


def in_child(code):
    return subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=30)


@pytest.mark.reaches_out
def test_a_child_process_is_refused_another_machine():
    child = in_child(f"import socket; socket.socket().connect({ELSEWHERE!r})")

    assert "NetworkRefusedError" in child.stderr
    assert child.returncode == 1


def test_a_child_process_reaches_loopback():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        child = in_child(f"import socket; socket.create_connection(('127.0.0.1', {port})).close()")

    assert child.returncode == 0, child.stderr


def test_a_swallowed_refusal_fails_the_test_that_caused_it(pytester_run):
    outcome = pytester_run(
        """
        import contextlib, socket

        def test_swallows():
            with contextlib.suppress(Exception):
                socket.getaddrinfo("example.com", 80)
        """
    )
    assert "tried to reach the network: socket.getaddrinfo 'example.com'" in outcome.stdout
    assert outcome.returncode == 1


@pytest.fixture
def pytester_run(tmp_path):
    """Runs one test file in a pytest of its own, under this project's conftest."""
    tests = Path(__file__).parents[1]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # other people's plugins cost seconds

    def run(code):
        (tmp_path / "pytest.ini").write_text(f"[pytest]\npythonpath = {tests}\n")
        (tmp_path / "conftest.py").write_text((tests / "conftest.py").read_text())
        (tmp_path / "test_it.py").write_text(textwrap.dedent(code))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path, env=environment)

    return run


def test_no_key_proxy_or_setting_of_this_machine_is_visible():
    telltale = [name for name in os.environ if name.upper().endswith(("_API_KEY", "_PROXY")) or name == "API_BASE_URL"]

    assert telltale == []
    assert {name for name in os.environ if name.startswith("G4F_")} == {"G4F_CONFIG_DIR", "G4F_CACHE_DIR"}
