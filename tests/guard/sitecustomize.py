"""Guards the child processes of the tests: Python imports this by itself from ``PYTHONPATH``."""

import network_guard

network_guard.install()
