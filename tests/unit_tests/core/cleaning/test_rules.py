"""Rules are data: what may be written in them, what is refused, and how users change them."""

from __future__ import annotations

import pytest

from g4f_integrations.core.automaton import FrameError
from g4f_integrations.core.cleaning import Cleaning, Example, Rule
from g4f_integrations.core.cleaning._frames import Table
from g4f_integrations.core.cleaning._patterns import check_pattern
from g4f_integrations.core.cleaning._rules import check_rule, read_rules, shipped_rules
from g4f_integrations.errors import ConfigurationError

SHIPPED = shipped_rules()


@pytest.mark.parametrize("rule", SHIPPED, ids=[rule.id for rule in SHIPPED])
def test_a_shipped_rule_compiles_does_what_its_examples_say_and_names_its_source(rule):
    check_rule(rule)

    assert rule.source
    assert rule.since
    assert all(
        any(need in example.text for need in rule.all_needs)
        for example in rule.examples
        if example.text != example.clean
    )


@pytest.mark.parametrize("rule", SHIPPED, ids=[rule.id for rule in SHIPPED])
def test_each_match_holds_one_of_the_literals_that_long_texts_are_searched_for(rule):
    finished = [example.text for example in rule.examples if example.text != example.clean]

    assert all(any(need in text for need in rule.whole_needs) for text in finished)


def test_shipped_rules_have_names_of_their_own():
    assert len({rule.id for rule in SHIPPED}) == len(SHIPPED) > 20


def test_a_rule_counts_for_its_owners_for_relays_and_for_unknown_providers():
    rule = next(rule for rule in SHIPPED if rule.id == "airforce/proxies")

    assert [rule.applies_to(name) for name in ("ApiAirforce", "api.airforce", "g4f.space", "Custom", None, "OpenAI")] == [
        True, True, True, True, True, False,
    ]  # fmt: skip


# Frames


def fits(frame, text):
    table = Table()
    state = table.start([table.add(frame, 0, limit=400, tail=False, cuts=False)])
    for char in text:
        state = state[char]
        if state is None:
            return False
    return state.now is not None or state.line is not None or state.tail is not None


@pytest.mark.parametrize(
    ("frame", "good", "bad"),
    [
        ("Need it? op.wtf", ["Need it? op.wtf", "Need it?\r\n\n op.wtf"], ["Need it?op.wtf", "need it? op.wtf"]),
        ("a(b|c|)d", ["abd", "acd", "ad"], ["abcd", "a"]),
        ("{rule}{nl}x", ["---\nx", "*****\r\nx", "___ \n x"], ["--\nx", "---\n\nx", "-*-\nx"]),
        ("{rule}{nl}x", ["====\nx", "* * *\nx", "- - - -\nx", "\u2500\u2500\u2500\nx"], ["==\nx", "* *\nx", "- - --\nx", "===---\nx"]),
        ("x{words} [y]", ["xa b [y]", "x1. a [y]"], ["x# a [y]", "x- a [y]", "xa [z] [y]"]),
        ("v{n}.{w}!", ["v1.a-b!", "v12.c!"], ["v.a!", "v1.!"]),
        ("\\(a\\|b\\)", ["(a|b)"], ["a", "b"]),
        ("{linked:x.example/r}{line}", ["See [it](https://x.example/r/1?a=b) now"], ["See [it](https://y.example/r)", "# [it](https://x.example/r)"]),
        ("[{hex}]", ["[0aF-9]"], ["[]", "[xyz]"]),
    ],
)  # fmt: skip
def test_the_frame_language(frame, good, bad):
    assert [fits(frame, text) for text in good] == [True] * len(good)
    assert [fits(frame, text) for text in bad] == [False] * len(bad)


@pytest.mark.parametrize("frame", ["a (b", "a {b", "{nobody}", "a) b", "a|b", "a\\"])
def test_a_frame_that_breaks_the_grammar_is_refused(frame):
    with pytest.raises(FrameError):
        Table().add(frame, 0, limit=9, tail=False, cuts=False)


# Users' rules

MINE = Rule("mine/footer", frames=("Brought to you by {w} Cloud{end}",), owners=("mycloud",))


def test_a_users_rule_is_added():
    cleaning = Cleaning(rules=(MINE,))

    assert cleaning.clean("Hi.\n\nBrought to you by Nine Cloud", provider="mycloud").text == "Hi."
    assert cleaning.clean("Hi.\n\nBrought to you by Nine Cloud", provider="other").removed == []


def test_a_rule_is_replaced_or_switched_off_by_its_id():
    text = "Hi.\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"
    other = Rule("airforce/proxies", frames=("Need nothing{end}",))

    assert Cleaning(rules=("-airforce/proxies",)).clean(text).text == text
    assert Cleaning(rules=("-airforce/*",)).clean(text).text == text
    assert Cleaning(rules=(other,)).clean(text).text == text


def test_rules_come_from_files_and_their_examples_are_tested(tmp_path):
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    body = "[[rule]]\nid = 'mine/x'\nframes = ['Buy {w} now{end}']\n[[rule.examples]]\ntext = \"Hi.\\n\\nBuy it now\"\n"
    good.write_text(body + 'clean = "Hi."\n')
    bad.write_text(body + 'clean = "Hi!"\n')

    assert Cleaning(rules=(good,)).clean("So.\n\nBuy bread now").text == "So."
    with pytest.raises(ConfigurationError, match="mine/x"):
        Cleaning(rules=(bad,)).clean("So.")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[rule", "no TOML"),
        ("[[rule]]\nframes = ['a']", "incomplete"),
        ("[[rule]]\nid = 'a'\nframes = ['a']\nowner = 'b'", "unknown members"),
        ("[[rule]]\nid = 'a'", "either frames or a pattern"),
        ("[[rule]]\nid = 'a'\nframes = ['a']\ncategory = 'fun'", "unknown category"),
    ],
)
def test_a_wrong_file_is_refused_with_the_rules_name(text, words):
    with pytest.raises(ConfigurationError, match=words):
        read_rules(text, "mine.toml")


@pytest.mark.parametrize(
    "rules", [("-nobody/home",), ("missing.toml",), (Rule("x", frames=("{line}",)),), (Rule("x", frames=("a (",)),)]
)
def test_a_change_that_cannot_be_made_is_refused(rules):
    with pytest.raises(ConfigurationError):
        Cleaning(rules=rules).clean("Hi.")


def test_a_rule_may_only_report_or_make_the_answer_a_notice():
    flag = Rule("mine/flag", frames=("Ad: {line}{end}",), action="flag")
    strict = Rule("mine/raise", frames=("Ad: {line}{end}",), action="raise")
    flagged, raised = (Cleaning(rules=(rule,)).clean("Hi.\n\nAd: bread") for rule in (flag, strict))

    assert (flagged.text, [found.text for found in flagged.flagged]) == ("Hi.\n\nAd: bread", ["Ad: bread"])
    assert (raised.text, raised.notice.kind) == ("Hi.", "notice")


def test_a_users_regular_expression_works_on_a_bounded_window():
    rule = Rule(
        "mine/re",
        pattern=r"Visit [a-z]+\.example today",
        opener="Visit ",
        examples=(Example("A.\nVisit b.example today", "A."),),
    )
    cleaning = Cleaning(rules=(rule,))

    assert cleaning.clean("Hi.\n\nVisit bread.example today\n").text == "Hi."
    assert cleaning.clean("Hi.\n\nVisit bread.example tomorrow").removed == []
    assert cleaning.clean("Hi.\n\nVisit " + "a" * 3000 + ".example today").removed == []


@pytest.mark.parametrize(
    "pattern",
    ["(a+)+b", "(a|aa)+", r"\s*\s*x", r"\n+\s*x", "(a*)*", "(?=a)b", r"(a)\1", ".*a.*b.*c.*d", "(", "(?:x+y?)*", "(a{2,})+",
     "a{0,999}a{0,999}b", ".{0,200}a.{0,200}b.{0,200}c.{0,200}d", "a?" * 28 + "a" * 28, "[ab]{0,40}" * 4],
)  # fmt: skip
def test_a_pattern_that_can_explode_is_refused(pattern):
    with pytest.raises(ConfigurationError):
        check_pattern(pattern, "mine")


@pytest.mark.parametrize(
    "pattern",
    ["Ad: .+", r"Visit [\w.]+ (now|today)", "a{3} b?", r"\(.*\)", "(?:a|b)c", r"https?://(www\.)?x\.io/?\S*", r"\d{1,3}\.\d{1,3}"],
)  # fmt: skip
def test_an_ordinary_pattern_is_accepted(pattern):
    assert check_pattern(pattern, "mine") is None
