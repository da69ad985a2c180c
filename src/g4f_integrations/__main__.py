"""``python -m g4f_integrations`` is ``g4f-integrations``."""

from g4f_integrations.cli.main import run

run()
