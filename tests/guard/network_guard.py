"""Refuses every connection that would leave this machine, and notes the attempt.

An audit hook sees what the socket module is about to do in every thread, cannot be undone by a plugin that patches
and restores ``socket.socket``, and covers name look-ups as well. Imports nothing but `os` and `sys`, because child
processes that measure their own imports load it too.
"""

import os
import sys

LOG_VARIABLE = "NETWORK_GUARD_LOG"

_CONNECTING = {"socket.connect", "socket.sendto", "socket.sendmsg"}
_RESOLVING = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
_LISTEN_ANYWHERE = {None, "", b"", "0.0.0.0", "::"}  # what a server binds to; nothing is sent


class NetworkRefusedError(RuntimeError):
    """Not an `OSError`, so that it is not taken for an ordinary network failure."""


def is_loopback(host):
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return False
    if host.lower() == "localhost" or host in {"::1", "::ffff:127.0.0.1"}:
        return True
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdigit() for part in parts)


def check(event, args):
    if event in _RESOLVING:
        host = args[0]
        allowed = host in _LISTEN_ANYWHERE or is_loopback(host)
    elif event in _CONNECTING:
        address = args[1]
        # Only IP addresses are tuples of a host and a port; unix sockets are paths, and a connected socket needs none.
        is_ip = isinstance(address, tuple) and len(address) in {2, 4}
        host = address[0] if is_ip else None
        allowed = not is_ip or is_loopback(host)
    else:
        return
    if not allowed:
        _note(f"{event} {host!r}")
        raise NetworkRefusedError(f"The tests stay on this machine: {event} to {host!r} refused.")


def _note(line):
    path = os.environ.get(LOG_VARIABLE)
    if path:
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, f"{line}\n".encode())
        finally:
            os.close(handle)


def install():
    if not getattr(sys, "_network_guard", False):
        sys._network_guard = True
        sys.addaudithook(check)
