"""The command line: ``python -m g4f_integrations demo``."""
