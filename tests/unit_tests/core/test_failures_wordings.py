"""Notices that no frame knows: short answers that say a failure in hardly any words but those of notices."""

from __future__ import annotations

import pytest

from g4f_integrations.core.failures import NoticeGate, classify_content
from g4f_integrations.core.failures._wordings import Language, Wordings, languages, match_wording, met_in, senses

NOTICES = [
    ("overloaded", "Hmm, our little AI is overloaded, come back in a bit!"),
    ("overloaded", "We are having trouble reaching the model right now, please retry shortly."),
    ("overloaded", "The assistant is taking a short rest and is temporarily offline. Check back soon \U0001f634"),
    ("overloaded", "Unfortunately all of our GPU workers are busy at the moment."),
    ("overloaded", "An unexpected error occurred while generating the reply. Kindly try once more later."),
    ("rate_limit", "You have used all 12 of your free chats for today, they reset at midnight UTC."),
    ("rate_limit", "Your guest session is out of messages. Sign up for free to continue."),
    ("rate_limit", "Daily prompts exhausted - upgrade to Pro to keep chatting."),
    ("blocked", "Sorry, your network has been flagged for suspicious traffic."),
    ("notice", "Please log in with your account to use this bot."),
    ("notice", "You do not have permission to use this assistant."),
    ("notice", "This service has been discontinued, please visit https://example.com instead."),
    ("overloaded", "抱歉，智能助手现在太忙了，请过一会儿再来。"),
    ("rate_limit", "您今天的免费提问机会已经用光，明天再来吧～"),
    ("notice", "请先登录账号后再继续使用。"),
    ("overloaded", "К сожалению, наша нейросеть сейчас перегружена, попробуйте чуть позже."),
    ("rate_limit", "Вы исчерпали все бесплатные запросы на сегодня."),
    ("overloaded", "Lo sentimos, nuestro asistente está saturado ahora mismo. Vuelve a intentarlo más tarde."),
    ("rate_limit", "Você já usou todas as mensagens gratuitas de hoje, seus créditos acabaram."),
    ("overloaded", "Désolé, le modèle est surchargé pour le moment, merci de réessayer plus tard."),
    ("overloaded", "Purtroppo il nostro servizio è sovraccarico, riprova tra qualche minuto."),
    ("overloaded", "Leider ist unser KI-Dienst gerade überlastet, bitte versuche es gleich noch einmal."),
    ("rate_limit", "Dein kostenloses Kontingent für heute ist aufgebraucht."),
    ("overloaded", "申し訳ありません、現在サーバーが混み合っています。後ほどお試しください。"),
    ("overloaded", "죄송합니다. 지금 서버가 혼잡합니다. 잠시 후 다시 시도해 주세요."),
]

ANSWERS = [
    "The server is down.",
    "I'm sorry, but I can't help with that.",
    "I'm unable to generate images.",
    "Your limit is 50 km/h in towns.",
    "The request failed because the certificate had expired; renew it and try again.",
    "You have reached the end of the trail. Turn left at the lake.",
    "Too many requests? Put a cache in front of the service.",
    "Which account do you want to log in with?",
    "Access to the archive is restricted to members of the society.",
    "服务器繁忙通常意味着请求过多。",
    "余额不足时系统会自动停止扩容。",
    "Сервер перегружен, когда запросов больше, чем он может обработать.",
    "El servidor está ocupado cuando la cola está llena.",
    "Der Server ist überlastet, wenn die Warteschlange voll ist.",
]


@pytest.mark.parametrize(("kind", "text"), NOTICES)
def test_a_notice_is_known_by_its_words(kind, text):
    assert classify_content(text).kind == kind


@pytest.mark.parametrize(("kind", "text"), NOTICES)
def test_it_is_held_back_as_a_stream_until_the_end(kind, text):
    gate = NoticeGate()

    assert [gate.feed(char) for char in text] == [""] * len(text)
    assert gate.close()[1].kind == kind


@pytest.mark.parametrize("text", ANSWERS)
def test_an_answer_that_explains_or_speaks_of_another_matter_is_none(text):
    assert classify_content(text) is None


def test_a_prompt_that_speaks_of_such_failures_makes_it_an_answer():
    text = "Hmm, our little AI is overloaded, come back in a bit!"

    assert classify_content(text, prompt="Our server is slow. Put that kindly.") is None
    assert classify_content(text, prompt="Tell me of the sea.").kind == "overloaded"


def test_unseen_notices_can_be_left_alone():
    text = "Hmm, our little AI is overloaded, come back in a bit!"
    gate = NoticeGate(unseen=False)

    assert classify_content(text, unseen=False) is None
    assert gate.feed(text) == text


def test_an_error_object_may_say_it_in_any_words():
    assert classify_content('{"error": "Your free chats are used up, come back tomorrow"}').kind == "rate_limit"
    assert classify_content('{"error": "The lake is frozen, come back in spring"}') is None
    assert classify_content('{"error_code": 50001, "text": "NETWORK ERROR DUE TO HIGH TRAFFIC"}').kind == "network"
    assert classify_content('{"text": "The network error was due to high traffic on the bridge"}') is None


def test_such_a_failure_is_doubtful_and_takes_no_key_out_of_service():
    assert classify_content("Hmm, our little AI is overloaded, come back in a bit!").doubtful
    assert not classify_content("The server is busy. Please try again later.").doubtful
    assert {sense.kind for sense in senses()} <= {"blocked", "notice", "overloaded", "rate_limit"}


def test_a_stranger_too_many_lets_the_text_go_at_once():
    gate = NoticeGate()

    assert gate.feed("Our servers are busy with the harvest ") == ""
    assert gate.feed("of ripe apples") == "Our servers are busy with the harvest of ripe apples"


@pytest.mark.parametrize(
    "text", ["the service is busy " * 20_000, "( " * 50_000, "our " + "x" * 100_000, "1" * 100_000]
)
def test_a_hostile_text_is_left_after_the_longest_notice(text):
    gate = NoticeGate()
    fed = 0
    for char in text:
        fed += 1
        if gate.feed(char):
            break

    assert match_wording(text) is None
    assert fed <= 601  # a frame may be longer than the words'


def test_words_are_shared_by_prefix_and_strangers_are_counted():
    language = Language(("our",), {"service": ("bot", "bots"), "busy": ("tire*",), "filler": ("is",)}, True, 1)
    walk = Wordings([language], 100)

    def met(text):
        states = walk.start
        for char in text:
            states = walk.step(states, char)
        return None if states.accepted is None else met_in(states.accepted)[1]

    assert met("Our bots is tired!") == 0
    assert met("our bot is very tired") == 1
    assert met("our bot is very very tired") is None
    assert met("your bot is tired") is None


def test_a_word_of_which_nothing_is_seen_is_refused():
    with pytest.raises(ValueError, match="nothing is seen"):
        Wordings([Language(("\u26a1",), {}, True, 1)], 100)


def test_the_senses_name_meanings_that_the_languages_have():
    groups = {name for language in languages() for name in language.words}

    assert {name for sense in senses() for name in sense.needs} <= groups
    assert all(word == word.lower() for spoken in languages() for group in spoken.words.values() for word in group)


def test_no_word_holds_one_that_explains():
    for spoken in languages():
        explains = spoken.words.get("explains", ())
        assert explains
        for name, group in spoken.words.items():
            if name != "explains":
                assert [word for word in group if any(f" {one} " in f" {word} " for one in explains)] == []
