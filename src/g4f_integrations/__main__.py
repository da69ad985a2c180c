"""``python -m g4f_integrations demo``."""

import sys

from g4f_integrations.cli.main import main

sys.exit(main(sys.argv[1:]))
