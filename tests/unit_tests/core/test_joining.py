"""An answer that broke off and its continuation become one text, or are not joined at all."""

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.joining import DONE, Joint

STORY = (
    "A lighthouse keeper wrote every evening: the lamp is lit, the wind is west, nobody came.\n\n"
    "On the 13th he wrote: Somebody came. It was a heron, grey and 3.5 feet tall; it stood on the stairs.\n"
    "- He gave it bread.\n- It did not eat.\n\n```python\nfor night in range(12):\n    light(lamp)\n```\n"
    'Die Möwen schrien. 灯塔的灯亮了一整夜，没有人来。 Маяк горел до утра. Then "I\'ll stay", said the keeper.'
)


def joined(told, continuation, *, size=1_000_000, **details):
    joint = Joint(told, **details)
    pieces = [joint.feed(continuation[at : at + size]) for at in range(0, len(continuation), size)]
    return "".join([*pieces, joint.close()]), joint.problem


places = st.integers(1, len(STORY) - 1)
sizes = st.integers(1, 30)


@given(cut=places, size=sizes, later=st.booleans())
def test_a_continuation_to_the_letter_is_taken_to_the_letter(cut, size, later):
    told = STORY[:cut].rstrip() if later else STORY[:cut]
    blanks = STORY[len(told) : cut]

    rest, problem = joined(told, STORY[cut:], size=size, blanks=blanks)

    assert (told + rest, problem) == (STORY, None)


@given(cut=places, size=sizes, again=st.integers(12, 80))
def test_the_last_words_once_more_are_dropped(cut, size, again):
    rest, problem = joined(STORY[:cut], STORY[max(cut - again, 0) :], size=size)

    assert (STORY[:cut] + rest, problem) == (STORY, None)


@given(cut=places, size=sizes)
def test_an_answer_that_is_begun_anew_is_dropped_up_to_where_it_broke_off(cut, size):
    rest, problem = joined(STORY[:cut], STORY, size=size)

    assert (STORY[:cut] + rest, problem) == (STORY, None)


def in_style(text, end):
    return text.replace("\n", end)


def in_one_style(text):
    return re.sub(r"[ \t\r]*\n", "\n", text)


ends = st.sampled_from(["\n", "\r\n", "  \n", " \r\n"])


@given(cut=places, size=sizes, again=st.integers(12, 400), ends=st.tuples(ends, ends))
def test_the_last_words_are_known_however_lines_end(cut, size, again, ends):
    told, other = in_style(STORY[:cut], ends[0]), in_style(STORY[max(cut - again, 0) :], ends[1])

    rest, problem = joined(told, other, size=size)

    assert (in_one_style(told + rest), problem) == (STORY, None)
    assert other.endswith(rest)  # to the letter


@given(cut=places, size=sizes, ends=st.tuples(ends, ends))
def test_an_answer_that_is_begun_anew_is_known_however_lines_end(cut, size, ends):
    told, other = in_style(STORY[:cut], ends[0]), in_style(STORY, ends[1])

    rest, problem = joined(told, other, size=size)

    assert (in_one_style(told + rest), problem) == (STORY, None)
    assert other.endswith(rest)


@given(cut=st.integers(1, len(STORY) * 2), size=sizes, end=ends)
def test_a_continuation_to_the_letter_stays_so_however_lines_end(cut, size, end):
    story = in_style(STORY, end)

    rest, problem = joined(story[:cut], story[cut:], size=size)

    assert (story[:cut] + rest, problem) == (story, None)


def test_the_end_of_a_block_of_code_around_it_goes_with_its_line_end():
    assert joined('{"a": 1, "b": [1, 2', '```json\r\n{"a": 1, "b": [1, 2, 3]}\r\n```', size=1) == (", 3]}", None)


@pytest.mark.parametrize(
    ("told", "continuation", "rest"),
    [
        ("The quick brown ", "brown fox", "fox"),
        ("The quick bro", "brown fox", "wn fox"),
        ("The quick bro", "wn fox", "wn fox"),
        ("The quick brown fox", " fox jumps", " jumps"),
        ("The capital of France is", "Paris.", " Paris."),
        ("It is one of", "the best", " the best"),
        ("It is one of", "the", " the"),
        ("In the U.", "S. it is", "S. it is"),
        ("He left.", "She stayed.", " She stayed."),
        ("    pool = ray.data.", "ActorPool(4)", "ActorPool(4)"),
        ("They sail to the U.S.", "They stay.", " They stay."),
        ("class Lamp:\n   ", " def light(self):", " def light(self):"),
        ("He came, saw, ", "saw, won.", "saw, won."),  # three letters and a comma may well be meant
        ("今天天气很", "天气很好。", "好。"),
        ("今天天气很", "好。", "好。"),
        ("The sum is 4", "2.", "2."),
        ("ha ha ha ha ha ", "ha ha ha!", "ha ha ha!"),
        ("0, 0, 0, 0, 0, ", "0, 0, 0]", "0, 0, 0]"),
        ("I know that ", "that is so.", "that is so."),
        ("word ", " and so on", "and so on"),
        ("one\n", "\ntwo", "\ntwo"),
        ("The cat ", "The cat\nsat", "\nsat"),
        ("8. Kites.", "9. Shells.", "\n9. Shells."),
        ("Two:\n  9) Kites", "10) Shells", "\n  10) Shells"),
        ("8. Kites.", "12. Shells.", "12. Shells."),  # another number is no next item
        ("8. Take version 2.", "9. And", "9. And"),
        ("8. Kites.", "9.5 of them", "9.5 of them"),
        ("3. Kites.\n4.", "The wren", " The wren"),
        ("Costs 4.", "The wren", " The wren"),
        ("3. 风筝\n4.", "灯塔", "灯塔"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_words_are_neither_glued_nor_split_nor_said_twice(told, continuation, rest, size):
    assert joined(told, continuation, size=size) == (rest, None)


# A route that drops white space at the beginning of its answers ------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "continuation"),
    [
        ("6. The dormouse", "of bay 820"),
        ("of bay 752", "has 618298"),
        ("He ate kites", "9 of them"),
        ("```python\nif lamp:\n", "light(lamp)"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_where_white_space_may_be_missing_nothing_is_joined(told, continuation, size):
    rest, problem = joined(told, continuation, size=size, trimmed=True)

    assert rest == ""
    assert "white space" in problem


@pytest.mark.parametrize(
    ("told", "continuation", "rest"),
    [
        ("6. The dormouse of", "The dormouse of bay 820", " bay 820"),  # its last words once more
        ("6. The dormouse ", "of bay 820", "of bay 820"),
        ("6. The dormouse", ", of bay 820", ", of bay 820"),
        ("He left.", "She stayed.", " She stayed."),
        ("8. Kites.", "9. Shells.", "\n9. Shells."),
        ("今天天气很", "好。", "好。"),
    ],
)
@pytest.mark.parametrize("size", [1, 2, 1000])
def test_where_none_can_be_missing_or_it_is_clear_which_it_is_joined(told, continuation, rest, size):
    assert joined(told, continuation, size=size, trimmed=True) == (rest, None)


@pytest.mark.parametrize(
    ("remark", "carried_on"),
    [
        ("Sure, continuing from where I left off: ", "The sum is 42."),
        ("Here is the rest of the answer:\n\n", "sum is 42."),
        ("**Continuing...**\n", "The sum is 42."),
        ("继续：", "The sum is 42."),
    ],
)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_a_remark_that_announces_the_continuation_is_dropped(remark, carried_on, size):
    remark = remark.replace("...**", "...")

    assert joined("The sum is ", remark + carried_on, size=size) == ("42.", None)


SAID = "The first point is clear. The second is harder to see. "
NEXT = "The third is easy."


@pytest.mark.parametrize(
    "continuation",
    [
        f'"{SAID}{NEXT}"',
        f'"{SAID.strip()}" {NEXT}',
        f"“{SAID}{NEXT}”",
        f"```\n{SAID}{NEXT}\n```\n",
        f"```text\n{SAID.strip()}\n```\n\n{NEXT}",
        f"[beginning of your answer]\n{SAID}{NEXT}",
        f"[here it broke off]\n{NEXT}",
        f"[…] {NEXT}",
        f"...harder to see. {NEXT}",
        f'Sure, continuing: "is harder to see. {NEXT}"',
        f"I apologize for the interruption! Here is the rest of my answer:\n\n{NEXT}",
        f"Sorry about that, I was cut off.\n\n{NEXT}",
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_what_goes_around_the_old_text_is_dropped_with_it(continuation, size):
    rest, problem = joined(SAID, continuation, size=size)

    assert (rest.strip(), problem) == (NEXT, None)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_json_that_comes_again_in_a_block_of_code_stays_json(size):
    told = '{"a": 1, "b": [1, 2'

    assert joined(told, f"```json\n{told}, 3]}}\n```", size=size) == (", 3]}", None)


def test_a_quotation_whose_end_cannot_be_told_is_not_joined():
    assert joined(SAID, f"> {SAID.strip()}\n\n{NEXT}")[1] is not None


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize(
    ("told", "continuation"),
    [
        ("He said ", '"yes" and left "at once"'),
        ("Wait", "... what?"),
        ("See ", "[1] and [2]."),
        ("It is ", "`code`"),
        ("A list:\n", "> quoted\n"),
        ("This is how:\n", "```python\nx = 1\n```"),
        ("Two dots.", ".. and on"),
    ],
)
def test_quotations_of_the_continuations_own_stay(told, continuation, size):
    assert joined(told, continuation, size=size) == (continuation, None)


@pytest.mark.parametrize(
    ("told", "continuation", "rest"),
    [
        ("| a | b |\n|---|---|\n| 3 ", "| 3 | 4 |\n| 5 | 6 |", "| 4 |\n| 5 | 6 |"),
        ("1. One\n2. Two\n3.", "3. Three", " Three"),
        ("As follows:\n3.", "3.14 and more", "3.14 and more"),
    ],
)
def test_the_beginning_of_a_row_or_an_item_once_more_is_dropped(told, continuation, rest):
    assert joined(told, continuation) == (rest, None)


def test_what_only_sounds_like_such_a_remark_stays():
    assert joined("Sure! ", "Here is the list: one, two.") == ("Here is the list: one, two.", None)


CODE = "```python\nx = 1\n"


@pytest.mark.parametrize(
    ("told", "continuation", "rest"),
    [
        (CODE, "```python\ny = 2\n```", "y = 2\n```"),
        (CODE, "y = 2\n```\nDone.", "y = 2\n```\nDone."),
        (CODE, "```\nDone.", "```\nDone."),
        (CODE[:-1], "```\nDone.", "\n```\nDone."),
        (CODE[:-1], "```python\nx = 1 + 2\n```", " + 2\n```"),
        (CODE, "x = 1\ny = 2\n```", "y = 2\n```"),
        ('```json\n{"a": 1', '{"a": 1, "b": 2}\n```', ', "b": 2}\n```'),
        ("```py\nif a:\n    b(", "    b(c)", "c)"),
    ],
)
@pytest.mark.parametrize("size", [1, 4, 1000])
def test_a_block_of_code_stays_whole(told, continuation, rest, size):
    assert joined(told, continuation, size=size) == (rest, None)


@pytest.mark.parametrize(
    ("told", "continuation"),
    [
        ("The capital of Fra", "The capital of Spain is Madrid, and so on and so forth."),
        ("The capital of Fra", "The city of Paris"),
        ('{"a": 1, "b', '{"b": 2}'),
        ("```python\nx = 1", "```python\ny = 2\n```"),
        ("One came. The keeper of the lamp had never seen a heron. Two left", " The keeper of the lamp had never seen a heron. X"),
        ("A sentence that was already on its way to the end", "A sentence that was already on its way"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_two_halves_of_different_answers_are_not_joined(told, continuation, size):
    rest, problem = joined(told, continuation, size=size)

    assert rest == ""
    assert problem is not None


PROSE = "A lighthouse keeper wrote every evening that the lamp was lit. The wind was west, and nobody came. " * 2


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("blanks", ["", "\n\n"])
@pytest.mark.parametrize(
    "continuation",
    [
        "Hello! How can I help you today?",
        "Hi there!\n\nI'm your AI assistant. What is on your mind?",
        "Sure! Here is a story about a lighthouse keeper. Once upon a time",
        "Certainly, here is a short story about the sea:\n\nOnce upon a time",
        "It looks like your message was cut off. Could you send it again?",
        "I’m sorry, but I can’t assist with that request.",
        "Sorry, I don't see any previous conversation. I cannot see any previous messages.",
        "I don't have access to any previous conversation, so I cannot go on.",
        "As an AI language model, I do not keep lighthouses.",
        "Could you please provide more context?",
        "What would you like me to continue?",
        "Здравствуйте! Чем я могу помочь вам сегодня?",
        "你好！有什么我可以帮您的吗？",
        "Hallo! Wie kann ich Ihnen helfen?",
        "Смотритель маяка записывал каждый вечер, что лампа горит и никто не пришёл.",
        "灯塔看守人每天晚上都会写道：灯已点亮，风从西边来，没有人来过，海面平静如镜。",
    ],
)
def test_an_answer_of_its_own_is_not_joined_at_the_end_of_a_sentence_either(continuation, blanks, size):
    rest, problem = joined(PROSE.rstrip() + blanks, continuation, size=size)

    assert rest == ""
    assert problem is not None


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize(
    ("told", "continuation"),
    [
        (PROSE, "Hello! called the keeper, and came down the stairs."),
        (PROSE, "I am happy to answer any further questions about the lamp."),
        (PROSE, "Please provide the number of the lamp with your order."),
        (PROSE, "I'm sorry, but I can't come on Friday."),
        (PROSE, "Unfortunately, I cannot provide a lamp before Friday."),
        (PROSE, "It seems like the wind never turned."),
        (PROSE, "Of course, here the keeper was wrong."),
        (PROSE, "Sure enough, here is where the heron slept."),
        (PROSE, "Хронос, wrote the keeper, was the name of the heron."),
        (PROSE + "In Russian, that is what he wrote. ", "Лампа горит, ветер западный, и никто не пришёл сегодня."),
        (PROSE + "A chatbot then says: ", "Hello! How can I help you today?"),
        (PROSE + 'He asked: "How can I help you?" That is a greeting. ', "How can I help you is polite."),
        (PROSE + "\n```python\nprint(1)\n", "Hello! How can I help you today?"),
        ("Short. ", "Лампа горит, ветер западный, и никто не пришёл сегодня."),
    ],
)
def test_what_only_sounds_like_an_answer_of_its_own_is_joined(told, continuation, size):
    assert joined(told, continuation, size=size) == (continuation, None)


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("told", ["| ship | day |\n|---|---|", "| ship | day |\n| :-- | --: |", "+----+----+"])
@pytest.mark.parametrize("before", [0, 2])
def test_the_line_below_a_tables_head_stands_there_once(told, before, size):
    line = told.rindex("\n") + 1 if "\n" in told else 0
    repeated = told[max(0, line - before) :]

    assert joined(told, f"{repeated}\n| Anna | 3 |", size=size) == ("\n| Anna | 3 |", None)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_table_that_broke_off_in_that_line_goes_on_in_it(size):
    assert (
        joined("| ship | day | by |\n|---|---|", "---|\n| Anna | 3 | Bo |", size=size)[0] == "---|\n| Anna | 3 | Bo |"
    )


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize("continuation", [DONE, f"\n{DONE}\n", "all was said.", f"said.{DONE}"])
def test_an_answer_that_was_complete_gets_nothing_more(continuation, size):
    joint = Joint("And so all was said.")

    rest = "".join(joint.feed(continuation[at : at + size]) for at in range(0, len(continuation), size)) + joint.close()

    assert (rest.strip(), joint.met, joint.problem) == ("", True, None)


def test_a_form_that_was_asked_for_once_more_must_come_the_same():
    assert joined('{"a": 1, ', '{"a": 1, "b": 2}', anew=True) == ('"b": 2}', None)
    assert joined('{"a": 1, ', '{"a": 2, "b": 2}', anew=True)[1] is not None


def test_only_what_may_be_a_repetition_is_held():
    joint = Joint("The quick brown ")

    assert joint.feed("bro") == ""
    assert joint.feed("ad daylight") == "broad daylight"
    assert joint.feed(" came") == " came"


@pytest.mark.parametrize(
    "continuation", [STORY[:400] * 300, "\n" * 100_000, "```" * 30_000, "ab" * 50_000, " \r" * 50_000]
)
def test_hostile_continuations_cost_no_more_than_their_length(continuation):
    rest, problem = joined(STORY[:400] * 50, continuation, size=random.Random(1).randrange(50, 99))

    assert problem is not None or continuation.endswith(rest)
