"""The command lines that docs/cli.md shows are ones that the program takes."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from g4f_integrations.cli.app import app

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cli.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
LINES = re.findall(r"^(?:.* \| )?g4f-integrations (.+)$", "\n".join(BLOCKS), flags=re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_a_command_line_of_the_page_is_understood(line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = shlex.split(re.split(r" [<>|] ", line)[0])
    for word in words:
        if re.fullmatch(r"[\w-]+\.\w{2,4}", word):  # the files that it names
            Path(word).touch()
    group = typer.main.get_command(app)

    if words == ["--help"]:
        return
    with group.make_context("g4f-integrations", words) as context:
        name, command, rest = group.resolve_command(context, words)
        with command.make_context(name, list(rest), parent=context) as of_command:
            assert of_command.args == []


def test_the_page_shows_every_command():
    told = PAGE.read_text(encoding="utf-8")

    assert [name for name in typer.main.get_command(app).commands if f"g4f-integrations {name}" not in told] == []
