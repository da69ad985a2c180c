"""The pages under docs/, as a reader who types them in would meet them.

The Python blocks of a page run in order and share one namespace. A block of plain text right below one is what it
prints; an ellipsis in it stands for anything, and seconds are compared as if none had passed. `BASE_URL`, an endpoint's
address, is all that a page is given.
"""

import contextlib
import io
import logging
import re
import tempfile
from pathlib import Path

import pytest

from g4f_integrations import errors
from loopback import LoopbackServer

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs").glob("*.md"))
PROGRAM = re.compile(
    r"^```python\n(?P<code>.*?)^```$(?:\n\n```text\n(?P<shown>.*?)^```$)?", flags=re.DOTALL | re.MULTILINE
)
LINK = re.compile(r"\]\((?!https?://)(?P<target>[^)#]+)(?:#[^)]*)?\)")


def programs(page):
    """Each Python block of a page with the number of its first line and what it is said to print."""
    text = page.read_text(encoding="utf-8")
    return [
        (text.count("\n", 0, found.start("code")), found["code"], found["shown"] or "")
        for found in PROGRAM.finditer(text)
    ]


def is_as_shown(printed, shown):
    """Whether a program printed what the page says; an ellipsis on the page stands for anything."""
    pattern = ".*".join(map(re.escape, without_clock(shown).split("…")))
    return re.fullmatch(pattern, without_clock(printed)) is not None


def without_clock(text):
    return re.sub(r"\b\d+\.\d\d\b", "0.00", text)


@pytest.fixture
def logging_as_it_was():
    root, ours = logging.getLogger(), logging.getLogger("g4f_integrations")
    handlers, level = root.handlers[:], ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


@pytest.fixture
def printed_by(logging_as_it_was, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # where pages make their folders
    with LoopbackServer() as server:
        namespace = {"__name__": "__main__", "BASE_URL": server.base_url}

        def run(page, line, code):
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile("\n" * line + code, page.name, "exec"), namespace)
            return printed.getvalue()

        yield run


@pytest.mark.parametrize("page", [page for page in PAGES if programs(page)], ids=lambda page: page.name)
def test_every_program_of_a_page_prints_what_the_page_says(page, printed_by):
    for line, code, shown in programs(page):
        printed = printed_by(page, line, code)
        assert is_as_shown(printed, shown), f"{page.name}, line {line + 1}: {printed}"


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    targets = [found["target"] for found in LINK.finditer(page.read_text(encoding="utf-8"))]

    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_error_has_its_place_among_the_troubles():
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")

    assert set(errors.__all__) <= set(re.findall(r"^## (\w+)", page, flags=re.MULTILINE))


def test_every_page_has_its_place_among_the_others():
    places = set(re.findall(r"^ +- [^:]+: (\S+\.md)$", (ROOT / "mkdocs.yml").read_text("utf-8"), flags=re.MULTILINE))

    assert places == {path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")}


def test_the_first_page_leads_to_every_guide():
    first = (ROOT / "docs" / "index.md").read_text("utf-8")

    assert {page.name for page in PAGES} - set(LINK.findall(first)) == {"index.md", "decisions.md"}
