"""The tests see a machine without keys, proxies, settings or network.

All of it happens while this file is imported, because g4f reads its folders when it is imported first.
"""

import os
import re
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from guard import network_guard

# The same examples in every run, so that a change is judged by itself; FUZZ=1 looks for new ones.
settings.register_profile("steady", derandomize=not os.environ.get("FUZZ"), deadline=None)
settings.load_profile("steady")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as shells start what they run in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)

_TESTS = Path(__file__).resolve().parent
_TELLTALE = re.compile(
    r".*_API_KEY|G4F_.*|API_BASE_URL|(HTTP|HTTPS|ALL|NO|FTP)_PROXY|LANG(CHAIN|SMITH)_.*|TIKTOKEN_CACHE_DIR",
    re.IGNORECASE,
)
_SANDBOX = tempfile.TemporaryDirectory(prefix="g4f-integrations-tests-", ignore_cleanup_errors=True)
_REFUSALS = Path(_SANDBOX.name, "refused")


def _isolate_environment() -> None:
    for name in [name for name in os.environ if _TELLTALE.fullmatch(name)]:
        del os.environ[name]
    folders = {
        "HOME": "home",
        "USERPROFILE": "home",
        "XDG_CONFIG_HOME": "home/.config",
        "XDG_CACHE_HOME": "home/.cache",
        "G4F_CONFIG_DIR": "g4f",
        "G4F_CACHE_DIR": "g4f/cache",
        "DATA_GYM_CACHE_DIR": "tiktoken",  # a download of another day must not decide whether a test passes
    }
    for name, folder in folders.items():
        path = Path(_SANDBOX.name, folder)
        path.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(path)


def _guard_network() -> None:
    _REFUSALS.touch()
    os.environ[network_guard.LOG_VARIABLE] = str(_REFUSALS)
    paths = [str(_TESTS / "guard"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    network_guard.install()


_isolate_environment()
_guard_network()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "reaches_out: the test means to be refused by the network guard")


@pytest.fixture(autouse=True)
def _stays_on_this_machine(request: pytest.FixtureRequest):
    """Fails a test whose code, or whose child process, tried to leave: the refusal itself may have been swallowed."""
    seen = _REFUSALS.stat().st_size
    yield
    refused = _REFUSALS.read_text()[seen:] if _REFUSALS.stat().st_size > seen else ""
    if refused and request.node.get_closest_marker("reaches_out") is None:
        pytest.fail(f"tried to reach the network: {refused.strip()}")


@pytest.fixture(autouse=True)
def _fresh_health():
    """Every test meets routes that nobody has asked before."""
    from g4f_integrations.testing import reset_health  # not before the environment above is in place

    reset_health()
