"""What routes' words and refusals teach, and the budget that follows from all that is known."""

import random

import pytest

from g4f_integrations.core.failures import Failure, classify
from g4f_integrations.core.tokens import counter_for, estimate_tokens
from g4f_integrations.core.trimming import (
    Budget,
    KnownLimits,
    Overflow,
    RouteLimits,
    Shrinking,
    Size,
    Trimming,
    allowed_output,
    budget_for,
    budget_of,
    known_limits,
    larger_first,
    limits_in_list,
    order_by_room,
    plan_fit,
    read_overflow,
    size_of,
    window_was_full,
)
from unit_tests.core.trimming.histories import assistant, calls, result, system, user


def told(text):
    return read_overflow(classify(RuntimeError(text)))


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "overflow"),
    [
        (
            "This model's maximum context length is 8192 tokens. However, you requested 9001 tokens (8001 in the prompt).",
            Overflow("tokens", 8192, 9001),
        ),
        (
            "Request too large for gpt-4o on tokens per min (TPM): Limit 30000, Requested 41000. Reduce the input.",
            Overflow("tokens", 30000, 41000),
        ),
        ("Response 413: Request Entity Too Large", Overflow("tokens")),
        ("Prompt exceeds the 1000000-character limit", Overflow("characters", 1_000_000)),
        ("Prompt is too long. The maximum prompt length is 10000 characters.", Overflow("characters", 10_000)),
        ("Input is too long: 15000 characters exceeds maximum of 8192 characters", Overflow("characters", 8192, 15000)),
        ("Error 400: One message exceeds the 2000chars per message limit.", Overflow("characters", 2000)),
        ("Error 422: input: String should have at most 10,000 characters", Overflow("characters", 10_000)),
        ("Message is too long, max 4000 characters (got 5200)", Overflow("characters", 4000, 5200)),
        ("请求内容过长，最多 8000 字", Overflow("characters", 8000)),
        ("El mensaje es demasiado largo (máximo 4000 caracteres)", Overflow("characters", 4000)),
        ("Längenlimit überschritten: maximal 4000 Zeichen", Overflow("characters", 4000)),
        ("Максимальная длина сообщения 4000 символов", Overflow("characters", 4000)),
        ("Error 400: too many messages: at most 50 messages are allowed, got 62", Overflow("messages", 50, 62)),
        (
            "Invalid 'messages': array too long. Expected an array with maximum length 2048, but got an array with length 2500.",
            Overflow("messages", 2048, 2500),
        ),
        ("Sent message larger than max (50000056 vs. 20971520)", Overflow("characters", 6_990_506)),
        ("Error 413: request body too large, limit is 3 MB", Overflow("characters", 1_000_000)),
    ],
)
def test_a_refusal_tells_its_unit_and_figures(text, overflow):
    assert told(text) == overflow


@pytest.mark.parametrize(
    "text",
    [
        "Error 429: Too many requests. Please try again in 20s.",
        "Rate limit reached on tokens per minute (TPM): Limit 6000, Used 5034, Requested 1443. Please try again in 4.77s.",
        "'max_tokens' is too large: 20000. This model supports at most 16384 completion tokens.",
        "Error 401: Incorrect API key provided.",
        "Error 500: internal error",
        "messages: at least one message is required",
        "Too many requests. Limit 5 messages per minute",
        "Error 429: You have exceeded the limit of 20 messages per hour",
        "Too many messages: max 30 messages every 10 minutes",
        "Daily message limit reached: at most 50 messages",
    ],
)
def test_other_failures_are_no_refusals_for_length(text):
    assert told(text) is None


@pytest.mark.parametrize(
    ("text", "sent", "overflow"),
    [
        (
            "This request would exceed the rate limit of 40,000 input tokens per minute.",
            52_000,
            Overflow("tokens", 40_000),
        ),
        ("This request would exceed the rate limit of 40,000 input tokens per minute.", 9_000, None),
        (
            "Rate limit reached on tokens per min (TPM): Limit 6000, Used 0, Requested 7100. Please try again in 11s.",
            6_900,
            Overflow("tokens", 6_000, 7_100),
        ),
        ("Rate limit reached on requests per min (RPM): Limit 3, Used 3, Requested 1.", 900, None),
    ],
)
def test_a_limit_in_a_minute_is_one_of_length_where_one_request_is_above_it(text, sent, overflow):
    assert read_overflow(classify(RuntimeError(text)), sent) == overflow


@pytest.mark.parametrize("piece", ["max_", "exceed ", "max a", "9,", "messages", "limit 9", "\udc00"])
def test_a_hostile_error_is_read_in_linear_time(piece):
    failure = Failure("context_length", message=piece * 100_000)

    assert read_overflow(failure) is not None


# Learning ------------------------------------------------------------------------------------------------------------


SENT = Size(tokens=10_000, characters=40_000, messages=30)


def test_a_told_limit_becomes_the_window_and_their_way_of_counting_is_learned():
    learned = RouteLimits().after_refusal(Overflow("tokens", 8_000, 12_000), SENT)

    assert (learned.window, learned.scale) == (8_000, 1.2)
    budget = budget_of(None, learned, Trimming(reserve=0))
    assert budget == Budget(tokens=6_000, source="learned")


@pytest.mark.parametrize(
    ("requested", "reserved", "scale"), [(12_000, 2_000, 1.0), (10_100, 4_000, 1.01), (90_000, 0, 4.0)]
)
def test_what_was_requested_may_count_the_reserved_output_or_not(requested, reserved, scale):
    learned = RouteLimits().after_refusal(Overflow("tokens", 8_000, requested), SENT, reserved)

    assert learned.scale == pytest.approx(scale)


def test_limits_of_characters_and_messages_are_learned_beside_it():
    learned = RouteLimits().after_refusal(Overflow("characters", 20_000, 48_000), SENT)
    learned = learned.after_refusal(Overflow("messages", 20), SENT)

    budget = budget_of(None, learned, Trimming(fraction=1))
    assert budget == Budget(characters=16_666, messages=20, characters_source="learned")


def test_without_a_figure_the_largest_answered_request_below_counts_else_what_most_windows_hold():
    unknown = Overflow("tokens")

    assert RouteLimits().after_refusal(unknown, SENT).cap == 3_400
    assert RouteLimits().after_refusal(unknown, Size(4_000, 16_000, 9)).cap == 2_000
    assert RouteLimits(accepted=9_900).after_refusal(unknown, SENT).cap == 9_900
    assert RouteLimits(accepted=3_000).after_refusal(unknown, SENT).cap == 5_000
    assert RouteLimits(accepted=12_000).after_refusal(unknown, SENT).cap == 3_400


def test_what_was_answered_before_any_limit_was_known_counts_by_its_characters():
    learned = RouteLimits().after_long_answer(30_000).after_long_answer(36_100).after_long_answer(37_000)

    assert learned.answered == 36_100
    assert learned.after_refusal(Overflow("tokens"), SENT).cap == 8_573
    assert learned.after_refusal(Overflow("tokens"), Size(5_000, 20_000, 9)).cap == 2_500


def test_after_one_refusal_more_is_tried_by_and_by_and_after_two_no_more():
    learned = RouteLimits().after_refusal(Overflow("tokens"), Size(100_000, 400_000, 900))
    tried = []
    while learned.refusals < 2:
        tried.append(learned.cap)
        sent = Size(learned.cap, 4 * learned.cap, 99)
        fits = learned.cap <= 16_000
        learned = learned.after_answer(learned.cap) if fits else learned.after_refusal(Overflow("tokens"), sent)

    assert tried == [3_400, 6_800, 13_600, 27_200]
    assert learned.cap == 13_600


def test_a_route_that_takes_more_again_is_believed():
    learned = RouteLimits(refused=10_000, accepted=4_000).after_answer(10_500)

    assert (learned.cap, learned.accepted) == (None, 10_500)
    assert learned.after_answer(300) is learned


def test_the_dearest_way_of_counting_so_far_is_kept():
    learned = RouteLimits().after_refusal(Overflow("tokens", 8_000, 12_000), SENT)
    learned = learned.after_refusal(Overflow("tokens", 8_000, 11_000), SENT)
    learned = learned.after_refusal(Overflow("characters", 9_000, 60_000), SENT)
    learned = learned.after_refusal(Overflow("characters", 9_000, 50_000), SENT)

    assert (learned.scale, learned.character_scale) == (1.2, 1.5)


def test_a_routes_usage_teaches_how_it_counts_where_its_window_was_filled():
    learned = RouteLimits(window=8_000, accepted=6_000)

    assert learned.after_answer(5_000, told=6_500).scale == 1.3
    assert learned.after_answer(1_000, told=3_000) is learned
    assert RouteLimits(accepted=6_000).after_answer(5_000, told=6_500).scale == 1.0


def test_learning_can_be_switched_off():
    learned = RouteLimits(window=4_000, refused=2_000)

    assert budget_of(None, learned, Trimming(learn_limits=False)).is_open


def refusals(*texts, learned=None):
    """The budgets after each refusal in turn on one route, ``None`` where the next route's turn has come."""
    shrinking, budgets, sent = Shrinking(), [], SENT
    for text in texts:
        learned, again = shrinking.refused(classify(RuntimeError(text)), sent, learned)
        budget = budget_of(None, learned, Trimming(reserve=0))
        budgets.append(budget.tokens if again else None)
        sent = Size(budget.tokens or sent.tokens, sent.characters, sent.messages)
    return budgets


TOO_LONG = "Input is too long for requested model."
TOLD = "This model's maximum context length is 8000 tokens, however you requested 10000 tokens."


def test_a_refusal_without_figures_shrinks_twice_and_then_it_is_the_next_routes_turn():
    assert refusals(TOO_LONG, TOO_LONG, TOO_LONG) == [3_400, 700, None]


def test_a_told_limit_is_tried_once_before_that():
    assert refusals(TOLD, TOLD, TOO_LONG, TOO_LONG) == [7_200, 3_400, 700, None]


def test_what_was_answered_before_is_tried_before_the_half():
    assert refusals(TOO_LONG, TOO_LONG, learned=RouteLimits(accepted=9_500)) == [9_500, 3_400]


def test_another_failure_teaches_nothing():
    learned, again = Shrinking().refused(Failure("overloaded"), SENT, RouteLimits(window=5))

    assert (learned, again) == (RouteLimits(window=5), False)


def test_a_limit_that_is_not_below_what_was_sent_is_no_figure():
    failure = classify(RuntimeError("Prompt exceeds the 1000000-character limit"))

    learned, again = Shrinking().refused(failure, SENT)

    assert again
    assert learned.cap == 3_400


@pytest.mark.parametrize(
    ("reason", "asked", "total", "full"),
    [
        ("length", None, 8_192, True),
        ("length", 4_000, 8_150, True),
        ("length", 500, 8_192, False),
        ("length", None, 3_000, False),
        ("stop", None, 8_192, False),
        ("model_length", None, 10, True),
        ("context_window_exceeded", None, 10, True),
    ],
)
def test_an_answer_cut_because_the_window_was_full_is_told_from_one_that_asked_for_no_more(reason, asked, total, full):
    assert window_was_full(reason, total_tokens=total, output_tokens=500, asked=asked, window=8_192) is full
    assert RouteLimits().after_full(8_192).window == 8_192


# Budgets -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("window", "output", "settings", "params", "budget"),
    [
        (None, None, Trimming(), {}, None),
        (None, None, Trimming(max_tokens=500), {}, 500),
        (8_000, None, Trimming(fraction=1), {}, 6_000),
        (100_000, None, Trimming(fraction=1), {}, 100_000 - 4_096),
        (100_000, 1_000, Trimming(fraction=1), {}, 99_000),
        (8_000, None, Trimming(fraction=1), {"max_tokens": 1_000}, 7_000),
        (8_000, None, Trimming(fraction=1), {"max_completion_tokens": 9_000}, 4_000),
        (8_000, None, Trimming(fraction=0.5, reserve=0), {"max_tokens": 1_000}, 4_000),
        (8_000, None, Trimming(max_tokens=3_000), {}, 3_000),
        (1, None, Trimming(), {}, 1),
        (8_000, None, Trimming(strategy="last", keep_last=3, reserve=0), {}, 8_000),
    ],
)
def test_the_budget_is_the_window_less_the_reserve_times_the_fraction(window, output, settings, params, budget):
    assert budget_for(window, output, settings, params) == budget


def test_the_nearest_limit_counts_and_the_budget_names_it():
    known, learned = KnownLimits(window=100_000, source="route"), RouteLimits(window=8_000)
    plain = Trimming(reserve=0, fraction=1)

    assert budget_of(known, None, plain) == Budget(tokens=100_000, source="route")
    assert budget_of(known, learned, plain) == Budget(tokens=8_000, source="learned")
    assert budget_of(known, learned, Trimming(reserve=0, max_tokens=50)) == Budget(tokens=50, source="settings")
    assert budget_of(known, RouteLimits(refused=2_000), plain) == Budget(tokens=1_000, source="learned")
    assert budget_of(known, learned, Trimming(strategy="none")).is_open


def test_what_the_user_says_goes_before_what_the_endpoint_tells_and_that_before_our_table():
    route, endpoint = KnownLimits(max_output=10, source="route"), KnownLimits(window=5_000, source="endpoint")

    assert route.over(endpoint.over(KnownLimits(9_000, 900, 90))) == KnownLimits(5_000, 10, 90, "endpoint")
    assert endpoint.over(None) is endpoint


@pytest.mark.parametrize(
    ("params", "known", "learned", "tokens", "allowed"),
    [
        ({}, KnownLimits(8_000), None, 7_000, None),
        ({"max_tokens": 500}, None, None, 7_000, None),
        ({"max_tokens": 500}, KnownLimits(8_000), None, 7_000, None),
        ({"max_tokens": 4_000}, KnownLimits(8_000), None, 5_000, 2_900),
        ({"max_tokens": 4_000}, KnownLimits(8_000), RouteLimits(window=6_000, scale=1.1), 5_000, 390),
        ({"max_tokens": 4_000}, KnownLimits(max_output=1_000), None, 5_000, 1_000),
        ({"max_tokens": 4_000}, KnownLimits(8_000), None, 9_000, 1),
    ],
)
def test_an_output_that_would_pass_the_window_is_asked_for_smaller(params, known, learned, tokens, allowed):
    assert allowed_output(known, learned, params, tokens) == allowed


def test_what_something_else_takes_is_taken_off_the_budget():
    budget = Budget(tokens=1_000, characters=10_000, messages=9)

    assert budget.less(300) == Budget(tokens=700, characters=8_500, messages=9)
    assert budget.less(5_000) == Budget(tokens=1, characters=1, messages=9)
    assert budget.less(0) is budget
    assert Budget().less(5) == Budget()


# Known windows -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "window"),
    [
        ("gpt-4o-mini", 128_000),
        ("openai/gpt-4.1", 1_047_576),
        ("gpt-3.5-turbo", 16_385),
        ("openai/gpt-oss-120b", 131_072),
        ("claude-3-7-sonnet", 200_000),
        ("meta-llama/Llama-3.3-70B-Instruct", 131_072),
        ("gemini-2.5-flash", 1_048_576),
        ("qwen-2.5-coder-32b", 32_768),
    ],
)
def test_windows_of_common_models_are_known(model, window):
    assert known_limits("Somebody", model).window == window


@pytest.mark.parametrize("model", ["", "default", "gpt-4", "auto", "x" * 100_000, "\udc00"])
def test_nothing_is_claimed_of_models_that_are_not_known(model):
    assert known_limits("Somebody", model) is None


def test_a_provider_may_take_less_than_its_models():
    assert known_limits("Gemini", "gemini-2.5-pro") == KnownLimits(1_048_576, 65_535, 1_000_000)


@pytest.mark.parametrize(
    ("entry", "limits"),
    [
        ({"id": "m", "max_model_len": 4_096}, (4_096, None)),
        (
            {
                "id": "m",
                "context_length": 200_000,
                "top_provider": {"context_length": 100_000, "max_completion_tokens": 9},
            },
            (100_000, 9),
        ),
        ({"id": "m", "context_window": 131_072, "max_completion_tokens": 8_192}, (131_072, 8_192)),
        ({"key": "m", "loaded_context_length": "4096", "max_context_length": 32_768}, (4_096, None)),
        ({"id": "m", "meta": {"n_ctx": 2_048, "n_ctx_train": 131_072}}, (2_048, None)),
        (
            {"id": "m", "capabilities": {"limits": {"max_context_window_tokens": 64_000, "max_prompt_tokens": 60_000}}},
            (60_000, None),
        ),
    ],
    ids=["vLLM", "OpenRouter", "Groq", "LM Studio", "llama.cpp", "Copilot"],
)
def test_an_endpoints_list_of_models_tells_windows(entry, limits):
    found = limits_in_list({"object": "list", "data": [{"id": "other", "max_model_len": 1}, entry]}, "m")

    assert (found.window, found.max_output, found.source) == (*limits, "endpoint")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"data": None},
        {"data": [None, 5, {"id": "m"}]},
        {"data": [{"id": "m", "max_model_len": -1}]},
        "m",
        5,
    ],
)
def test_a_list_that_tells_nothing_is_no_error(answer):
    assert limits_in_list(answer, "m") is None


# The order of candidates ---------------------------------------------------------------------------------------------


WINDOWS = {"small": 4_000, "large": 100_000, "unknown": None, "middle": 16_000}


def test_who_needs_no_trimming_comes_first_in_the_users_order():
    assert order_by_room(list(WINDOWS), WINDOWS.get, 10_000) == ["large", "unknown", "middle", "small"]
    assert order_by_room(list(WINDOWS), WINDOWS.get, 50_000) == ["large", "unknown", "middle", "small"]
    assert order_by_room(list(WINDOWS), WINDOWS.get, 10) == list(WINDOWS)


def test_after_a_refusal_larger_windows_come_first():
    assert larger_first(list(WINDOWS), WINDOWS.get, 10_000) == ["large", "middle", "unknown", "small"]


# All of it together --------------------------------------------------------------------------------------------------


def conversation(turns, dice):
    """An agent's turns: the user asks, a tool is called, its result is read, the assistant answers."""
    words = ["light", "tower", "storm", "keeper", "lamp", "harbour", "signal", "fog", "rock", "wave"]

    def text(most):
        return " ".join(dice.choices(words, k=dice.randint(3, most)))

    for turn in range(turns):
        yield [user(text(60))]
        yield [calls(f"call_{turn}", arguments='{"query": "' + text(8) + '"}'), result(f"call_{turn}", text(250))]
        yield [assistant(text(120))]


class Upstream:
    """A route that announces nothing, counts in its own way, and refuses what is too long."""

    def __init__(self, window, count, says):
        self.window, self.count, self.says, self.refused = window, count, says, 0

    def ask(self, messages):
        size = sum(self.count(str(message)) for message in messages)
        if size <= self.window:
            return None
        self.refused += 1
        return classify(RuntimeError(self.says.format(limit=self.window, size=size)))


ANNOUNCED = "This model's maximum context length is {limit} tokens. However, your messages resulted in {size} tokens."
SILENT = "Input is too long for requested model."
IN_CHARACTERS = "Prompt is too long: {size} characters exceeds maximum of {limit} characters"


@pytest.mark.parametrize("count", [lambda text: len(text) // 4, estimate_tokens, lambda text: int(len(text) * 0.4)])
@pytest.mark.parametrize("window", [1_000, 5_000])
@pytest.mark.parametrize("says", [ANNOUNCED, SILENT])
def test_a_route_refuses_twice_at_the_most_in_a_long_conversation(says, window, count):
    upstream = Upstream(window, count, says)

    unanswered = carry_on(upstream, 60)

    assert unanswered == 0
    assert upstream.refused <= 2


@pytest.mark.parametrize("window", [1_000, 5_000])
def test_a_route_that_counts_characters_refuses_twice_at_the_most(window):
    upstream = Upstream(window, len, IN_CHARACTERS)

    unanswered = carry_on(upstream, 60)

    assert unanswered == 0
    assert upstream.refused <= 2


def carry_on(upstream, turns):
    """Lead a conversation with one route as the engine does; how many calls stayed without an answer."""
    history, learned, unanswered, counter = [system()], RouteLimits(), 0, counter_for()
    for new in conversation(turns, random.Random(6)):
        history += new
        shrinking, answered = Shrinking(), False
        for _ in range(4):
            plan = plan_fit(history, budget_of(None, learned, Trimming()), settings=Trimming())
            sent = plan.apply().messages
            failure = upstream.ask(sent)
            size = size_of(sent, None, counter)
            if failure is None:
                learned, answered = learned.after_answer(size.tokens), True
                break
            learned, again = shrinking.refused(failure, size, learned)
            if not again:
                break
        unanswered += not answered
    return unanswered
