"""Cleaning by rules: adverts and artefacts out, and not a byte more, however the text comes."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from g4f_integrations.core.cleaning import Cleaning
from unit_tests.core.cleaning.adverts import CLEAN, DIRTY, KOFI, NEXAD, PROXIES, WELCOME

fuzz = settings(deadline=None, max_examples=80)
CLEANING = Cleaning()


def streamed(pieces, provider=None, prompt=None):
    stream = CLEANING.stream(provider=provider, prompt=prompt)
    return "".join([*map(stream.feed, pieces), stream.flush()])


def cut(text, size):
    return [text[place : place + size] for place in range(0, len(text), size)]


@pytest.mark.parametrize("row", DIRTY, ids=range(len(DIRTY)))
def test_adverts_and_artefacts_are_taken_out_with_the_white_space_around_them(row):
    assert CLEANING.clean(row.text, provider=row.provider, prompt=row.prompt).text == row.clean


@pytest.mark.parametrize("row", CLEAN, ids=range(len(CLEAN)))
def test_answers_that_only_speak_of_adverts_stay_as_they_are(row):
    cleaned = CLEANING.clean(row.text, provider=row.provider, prompt=row.prompt)

    assert (cleaned.text, cleaned.removed, cleaned.notice) == (row.text, [], None)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
@pytest.mark.parametrize("row", DIRTY + CLEAN, ids=range(len(DIRTY + CLEAN)))
def test_a_stream_comes_out_the_same(row, size):
    assert streamed(cut(row.text, size), row.provider, row.prompt) == row.clean


@pytest.mark.parametrize("row", DIRTY, ids=range(len(DIRTY)))
def test_no_character_of_an_advert_is_ever_handed_out(row):
    stream = CLEANING.stream(provider=row.provider, prompt=row.prompt)
    out = ""
    for char in row.text:
        out += stream.feed(char)
        assert row.clean.startswith(out)


@pytest.mark.parametrize("row", DIRTY, ids=range(len(DIRTY)))
def test_the_outcome_is_the_text_without_the_removed_spans(row):
    cleaned = CLEANING.clean(row.text, provider=row.provider, prompt=row.prompt)
    edges = [0, *itertools.chain.from_iterable((found.start, found.end) for found in cleaned.removed), len(row.text)]

    assert all(row.text[found.start : found.end] == found.text for found in cleaned.removed)
    assert "".join(row.text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)) == cleaned.text


# Properties. The pieces are such that adverts, halves of adverts and their neighbours meet in every way.

PIECES = st.sampled_from(
    [
        KOFI, KOFI[:40], KOFI[40:], NEXAD, PROXIES, PROXIES[:20], PROXIES[20:], WELCOME, "<|im_end|>", "<|im_", "end|>",
        "\0", "\ufeff", "</s>", "<s>", "[cite: 1]", "[cite", ": 1]", "[cite_start]", "data: [DONE]", "</think>", "\n", "\n\n",
        " ", "\r\n", "---", "```", "`", "> ", "# ", "a", "Words. ", "é", "漢", "🌸", "\x1c{", "【1†", "x】", "\ue200", "\ue201",
        "?utm_source=chatgpt.com", ")", "Need ", ". ", '"', "\u201c", "**", "===", "[oaicite:1]", ":contentReference", "<grok-card a>", "</grok-card>", "\t", ":", ":\n\n", "：", "-->", "*/", "`;", '"""', "  ",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=14).map("".join)
PROVIDERS = st.sampled_from([None, "Pollinations", "Airforce", "Gemini", "OpenRouter"])


@fuzz
@given(TEXTS, PROVIDERS, st.lists(st.integers(0, 900), max_size=12))
def test_the_outcome_does_not_depend_on_the_cuts(text, provider, cuts):
    places = [0, *sorted(place for place in set(cuts) if 0 < place < len(text)), len(text)]
    pieces = [text[start:end] for start, end in itertools.pairwise(places)]

    assert streamed(pieces, provider) == streamed(list(text), provider) == CLEANING.clean(text, provider=provider).text


@fuzz
@given(TEXTS, PROVIDERS)
def test_what_is_clean_stays_clean(text, provider):
    once = CLEANING.clean(text, provider=provider).text

    assert CLEANING.clean(once, provider=provider).text == once


HEADING = "\n\n---\n\n**Support Pollinations.AI:**"
VISIT = "\n\n---\n\n**Support Pollinations.AI by visiting our sponsor:**\n"
LINKED = "[x](https://pollinations.ai/redirect/1)"
BEGUN = st.lists(
    st.sampled_from(["\n-->", "\n*/", ":", HEADING, VISIT, LINKED, "\n---\n", "\n", "-", "w " * 9, "w " * 400, KOFI, NEXAD[:30], "**Sponsor**\n"]),
    max_size=12,
).map("".join)  # fmt: skip


@fuzz
@given(BEGUN)
@example(HEADING * 3 + "x")
@example(f".{HEADING}\n-{HEADING}\n](https://pollinations.ai/re)\n")
@example(f".{HEADING * 2}{'w ' * 200}{VISIT}{LINKED}{'w ' * 800}{HEADING}")
def test_adverts_that_stand_inside_begun_ones_leave_nothing_to_clean(text):
    once = CLEANING.clean(text, provider="Pollinations").text

    assert CLEANING.clean(once, provider="Pollinations").text == once
    assert streamed(cut(text, 7), "Pollinations") == once


FILLING = "\n\n".join(["Some ordinary words of a paragraph, which holds nothing."] * 400)


@pytest.mark.parametrize("first", ["\0", "[cite: 1]", "</s>", "<|im_", KOFI])
@pytest.mark.parametrize("advert", [f"{KOFI}\n\n## Two", "\0.", KOFI[:60]])
def test_a_long_text_comes_out_as_its_stream_does_wherever_its_literals_stand(first, advert):
    text = f"One.{first} {FILLING}{advert}{FILLING if advert[-1] in '.o' else ''}"
    cleaned = CLEANING.clean(text)

    assert cleaned.text == streamed(cut(text, 997))
    assert len(cleaned.text) < len(text)


@pytest.mark.parametrize(
    "text",
    [
        "a<|\0im_end|>", "a<\0|im_end|>", "a<|i<|im_end|>m_end|>", "a<|<|im_end|>im_end|>", "a</[cite: 3]s>",
        "a?\ue200x\ue201utm_source=chatgpt.com", f"a<|im_{KOFI}\nend|>",
    ],
)  # fmt: skip
def test_what_a_removal_joins_is_read_as_if_it_had_never_been_apart(text):
    once = CLEANING.clean(text + "[cite: 1]").text

    assert CLEANING.clean(once).text == once
    assert streamed(list(text + "[cite: 1]")) == once


@pytest.mark.parametrize("size", [1, 3, 50])
def test_the_same_sign_many_times_in_a_row_is_one_removal(size):
    stream = CLEANING.stream()
    out = "".join([*map(stream.feed, cut("Ice" + "\0" * 9 + " floats\0.", size)), stream.flush()])

    assert out == "Ice floats."
    assert [(found.start, found.end, found.text) for found in stream.removed] == [(3, 12, "\0" * 9), (19, 20, "\0")]


@fuzz
@given(TEXTS, PROVIDERS)
def test_cleaning_only_deletes_and_explains_each_deletion(text, provider):
    cleaned = CLEANING.clean(text, provider=provider)
    rest, place = "", 0
    for found in cleaned.removed:
        assert place <= found.start < found.end
        rest, place = rest + text[place : found.start], found.end

    assert rest + text[place:] == cleaned.text
    explanation = CLEANING.explain(text, provider=provider)
    assert [item.removed for item in explanation.removed] == cleaned.removed


@given(st.text(max_size=300), st.integers(1, 9))
def test_no_text_makes_it_raise_or_lose_a_character_unseen(text, size):
    stream = CLEANING.stream()
    out = "".join([*map(stream.feed, cut(text, size)), stream.flush()])

    assert len(out) + sum(len(found.text) for found in stream.removed) == len(text)


# Streams


def test_ordinary_text_passes_at_once_and_need_not_be_fed():
    stream = CLEANING.stream(provider="Pollinations")

    assert stream.feed("Hello") == "Hello"
    assert stream.idle
    assert stream.quiet(", how are you")
    assert not stream.quiet(" so\n\n---")


def test_white_space_and_openers_are_held_and_let_go_with_the_first_character_that_refutes_them():
    stream = CLEANING.stream(provider="Airforce")

    assert [stream.feed(piece) for piece in ("So.", "\n\n", "Need", " prox", "imity.")] == [
        "So.", "", "", "", "\n\nNeed proximity.",
    ]  # fmt: skip


def test_what_is_held_comes_out_when_the_stream_ends_early():
    stream = CLEANING.stream(provider="Pollinations")

    assert stream.feed("So.\n\n---\nA sentence without") == "So."
    assert stream.flush() == "\n\n---\nA sentence without"


def test_a_paragraph_under_a_rule_line_is_held_for_400_bytes_at_most():
    text = "So.\n\n---\n" + "слово и ещё слово " * 60
    stream, held, out = CLEANING.stream(provider="Pollinations"), 0, ""
    for place, char in enumerate(text, start=1):
        out += stream.feed(char)
        held = max(held, len(text[:place].encode()) - len(out.encode()))

    assert 0 < held <= 400


def test_an_event_that_says_it_is_an_advert_is_dropped_at_once():
    stream = CLEANING.stream(provider="Pollinations")

    assert stream.feed("Yes.\n") == "Yes."
    assert stream.feed("Buy this, whatever it is.", event_id="ad_1730000000000", model="ad-system") == ""
    assert stream.flush() == ""
    assert [found.rule for found in stream.removed] == ["provenance"]


@pytest.mark.parametrize(("provider", "kept"), [("Pollinations", ""), ("OpenRouter", " More.")])
def test_text_behind_the_finish_reason_is_an_advert_where_adverts_are_known(provider, kept):
    stream = CLEANING.stream(provider=provider)

    assert stream.feed("Yes.") + stream.feed(" More.", after_finish=True) + stream.flush() == "Yes." + kept


def test_line_ends_are_held_and_let_go_without_reading_what_stands_around_them():
    stream, texts = CLEANING.stream(provider="Pollinations", notices=False), ["One.", "\n\n"]
    stream.feed("So. ")

    assert stream.pass_batch(texts)
    assert texts == [" One.", ""]
    assert [stream.feed(piece) for piece in ("Two", ".\n", "- three", "\n", "\n", "---\n")] == [
        "\n\nTwo", ".", "\n- three", "", "", "",
    ]  # fmt: skip


def test_offsets_count_the_pieces_that_were_let_pass_unfed():
    stream = CLEANING.stream(provider="Airforce")
    stream.feed("Yes")
    assert stream.quiet(", sure.")
    stream.feed(PROXIES)
    stream.flush()

    assert stream.removed[0].start == len("Yes, sure.")


# Notices


@pytest.mark.parametrize(
    ("provider", "text", "kind"),
    [
        ("Airforce", PROXIES.strip(), "notice"),
        ("Airforce", "Ratelimit Exceeded!", "rate_limit"),
        ("Airforce", "One message exceeds the 1000chars per message limit. Join our discord for more: https://discord.com/invite/q5", "rate_limit"),
        ("Pollinations", KOFI, "notice"),
        ("Pollinations", "⚠️ **IMPORTANT NOTICE** ⚠️\n\nThe Pollinations legacy text API is being deprecated for **authenticated users**.\n\nPlease migrate to our new service at https://enter.pollinations.ai for better performance and access to all the latest models.\n\nNote: Anonymous requests to text.pollinations.ai are NOT affected and will continue to work normally.", "notice"),
        ("Qwen", "<think></think>\n\n", "empty"),
        ("Relay", "Ошибка: недостаточно средств на балансе.", "quota"),
        ("Relay", "تم تجاوز حد الطلبات. يرجى المحاولة لاحقًا.", "rate_limit"),
        ("Airforce", "Upgrade your plan to remove this message at\nhttps://api.airforce\ndiscord.gg/airforce", "notice"),
    ],
)  # fmt: skip
def test_an_answer_that_is_wholly_a_notice_is_told_and_not_handed_out(provider, text, kind):
    cleaned = CLEANING.clean(text, provider=provider)
    stream = CLEANING.stream(provider=provider)

    assert (cleaned.text, cleaned.notice.kind) == ("", kind)
    assert "".join([*map(stream.feed, text), stream.flush()]) == ""
    assert stream.notice.kind == kind
    assert "".join(found.text for found in cleaned.removed) == text


@pytest.mark.parametrize(
    "text",
    [
        "Upgrade your plan to remove this message at any time in the settings.",
        "The model does not exist in https://api.airforce is an error text; check the name.",
        "Недостаточно средств на счёте — частая ошибка банкоматов.",
        "https://discord.gg/python\nhttps://discord.gg/rust",
    ],
)
def test_answers_that_begin_as_a_notice_does_are_answers(text):
    cleaned = CLEANING.clean(text, provider="Jmuz", prompt="What do they say on Discord?")

    assert (cleaned.text, cleaned.notice) == (text, None)


def test_a_notice_that_the_user_asked_for_is_an_answer():
    assert CLEANING.clean("Ratelimit Exceeded!", prompt="Which error text does the gateway show?").notice is None


def test_an_empty_text_is_no_notice():
    assert CLEANING.clean("").notice is None
    assert CLEANING.clean("\n").text == "\n"


# Settings


def test_nothing_happens_when_it_is_switched_off():
    assert Cleaning(mode="off").clean(f"Done.{KOFI}").text == f"Done.{KOFI}"
    assert Cleaning(mode="off").stream().feed("Done.\n\n---") == "Done.\n\n---"


def test_categories_are_switched_off_one_by_one():
    text = f"Ice\0 floats.{KOFI}"

    assert Cleaning(categories={"ads"}).clean(text).text == "Ice\0 floats."
    assert Cleaning(categories={"markers"}).clean(text).text == f"Ice floats.{KOFI}"
    assert Cleaning(categories={"ads"}).clean("Ratelimit Exceeded!").text == "Ratelimit Exceeded!"


def test_the_callback_is_told_what_was_taken_out_and_only_then_called():
    told = []
    cleaning = Cleaning(on_clean=told.append)
    cleaning.clean("Plain.")
    cleaning.clean(f"Done.{PROXIES}", provider="Airforce")

    assert [[found.rule for found in removed] for removed in told] == [["airforce/proxies"]]


def test_settings_are_immutable_and_unknown_names_are_refused():
    with pytest.raises(ValueError, match="frozen"):
        CLEANING.mode = "off"
    with pytest.raises(ValueError, match="modes"):
        Cleaning(modes="off")


# History


def test_the_assistants_earlier_turns_are_cleaned_and_the_callers_messages_stay():
    messages = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": f"Hello.{KOFI}"},
        {"role": "assistant", "content": [{"type": "text", "text": f"Part.{PROXIES}"}, {"type": "image_url"}]},
        {"role": "user", "content": "And now?"},
    ]
    cleaned, entries = CLEANING.clean_history(messages)

    assert cleaned[1] == {"role": "assistant", "content": "Hello."}
    assert cleaned[2]["content"] == [{"type": "text", "text": "Part."}, {"type": "image_url"}]
    assert messages[1]["content"] == f"Hello.{KOFI}"
    assert [(entry["message"], entry["rule"]) for entry in entries] == [
        (1, "pollinations/kofi"),
        (2, "airforce/proxies"),
    ]


def test_parts_in_a_tuple_are_cleaned_as_those_in_a_list():
    cleaned, entries = CLEANING.clean_history(
        [
            {"role": "assistant", "content": ({"type": "text", "text": f"Part.{PROXIES}"},)},
            {"role": "user", "content": "?"},
        ]
    )

    assert cleaned[0]["content"] == ({"type": "text", "text": "Part."},)
    assert len(entries) == 1


def test_a_history_without_adverts_is_handed_back_itself():
    messages = [{"role": "assistant", "content": "Hello."}, {"role": "assistant", "content": None, "tool_calls": []}]

    assert CLEANING.clean_history(messages) == (messages, [])
    assert CLEANING.clean_history(messages)[0] is messages


@pytest.mark.parametrize("turn", [{"role": "user", "content": f"Hi.{KOFI}"}, {"role": "assistant", "content": KOFI}])
def test_what_the_user_wrote_stays_and_no_turn_is_emptied(turn):
    assert CLEANING.clean_history([turn]) == ([turn], [])


# Explanations


def test_an_explanation_tells_what_spoke_for_a_removal():
    (item,) = CLEANING.explain(f"Done.{KOFI}", provider="Pollinations", prompt="Hi").removed

    assert item.removed.rule == "pollinations/kofi"
    assert item.signals == {
        "anchor": "tail", "match": "a whole frame", "provider": "Pollinations adds it", "prompt": "silent",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("provider", "text", "prompt", "reason"),
    [
        ("OpenRouter", f"Hi.{PROXIES}", None, "OpenRouter neither adds it nor hands it on"),
        ("Airforce", f"Hi.{PROXIES}", "Is https://op.wtf a scam?", "the conversation holds 'op.wtf'"),
        ("Airforce", f"```{PROXIES}\n```", None, "code, a quotation or the colon before it protects it"),
        ("Airforce", f"It adds this:{PROXIES}", None, "code, a quotation or the colon before it protects it"),
        ("Airforce", f"Hi.{PROXIES}\n\nMore.", None, "it stands where such an advert does not"),
    ],
)
def test_an_explanation_tells_why_a_match_stays(provider, text, prompt, reason):
    explanation = CLEANING.explain(text, provider=provider, prompt=prompt)

    assert (explanation.text, explanation.removed) == (text, [])
    assert [item.reason for item in explanation.refused] == [reason]


def test_an_advert_that_its_event_tells_may_stand_in_front_of_one_that_its_words_tell():
    stream = CLEANING.stream(provider="Pollinations")
    pieces = [
        "Yes.\n\n---\n\n**Sponsor**\nAsk [us](https://pollinations.ai/redirect-nexad/1) now.\n\nMore words",
        " follow.\n",
    ]
    out = "".join(map(stream.feed, pieces))
    out += stream.feed("Buy!", event_id="ad_1")
    out += stream.feed("\n\n# Next") + stream.flush()

    assert out == "Yes.\n\nMore words follow.\n\n\n# Next"
    assert [found.rule for found in stream.removed] == ["pollinations/sponsor", "provenance"]


@fuzz
@given(TEXTS, PROVIDERS, st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 6))
def test_batches_that_pass_leave_the_same_as_pieces_that_are_fed(text, provider, sizes, batch):
    """The quick way for pieces in which nothing can begin changes nothing."""
    pieces, place = [], 0
    for size in itertools.cycle(sizes):
        if place >= len(text):
            break
        pieces.append(text[place : place + size])
        place += size
    quick, out = CLEANING.stream(provider=provider, notices=False), []
    for start in range(0, len(pieces), batch):
        texts = pieces[start : start + batch]
        out += texts if quick.pass_batch(texts) else map(quick.feed, pieces[start : start + batch])
    slow = CLEANING.stream(provider=provider, notices=False)

    assert "".join(out) + quick.flush() == "".join(map(slow.feed, pieces)) + slow.flush()
    assert [removed.to_dict() for removed in quick.removed] == [removed.to_dict() for removed in slow.removed]


def test_words_inside_an_advert_that_is_taken_out_keep_nothing_before_it():
    """Struck text in an answer keeps the sign that ends it; struck text in an advert does not."""
    assert CLEANING.clean(f"Nine birds.</s>{NEXAD} <s>Cheap!", provider="Pollinations").text == "Nine birds."
    assert CLEANING.clean("<s>Nine</s> Ten <s>birds</s>", provider="Pollinations").removed == []


def test_a_model_may_name_an_invitation_that_no_provider_owns():
    cleaning = Cleaning(mode="hybrid")
    advert = "\n\nWant faster birds? Upgrade at https://birds.example or on https://discord.gg/birds"
    text = (
        "Wrens are small and loud, and they nest in hedges.\n\nThey eat insects, spiders and a few seeds in the cold."
        + advert
    )
    cleaned = asyncio.run(cleaning.aclean(text, provider="SomeBot", complete=lambda _: '{"delete": [[5, 5]]}'))

    assert cleaned.text == text.removesuffix(advert)
