import pytest

from g4f_integrations.testing import reset_health
from loopback import LoopbackServer


@pytest.fixture(autouse=True)
def fresh_health():
    reset_health()


@pytest.fixture
def files():
    """A second server, which keeps files."""
    with LoopbackServer() as server:
        yield server


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working directory."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
