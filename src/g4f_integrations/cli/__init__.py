"""The command line, ``g4f-integrations``: one module for each group of commands.

`main` is the door. What a command needs beyond typer and rich is loaded when that command runs, so ``--help`` is quick.
"""
