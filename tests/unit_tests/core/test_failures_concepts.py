"""Errors in words that no phrase knows: what they speak of tells their kind, and arithmetic their figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.failures import HTTPFailure, classify
from g4f_integrations.core.failures._concepts import concept_rules, plain_words, weigh_concepts
from g4f_integrations.core.failures._lengths import read_lengths, read_ratio
from g4f_integrations.core.failures._phrases import kind_of_text

NOVEL = [
  ("context_length", "9216 tokens of prompt are more than the 8192 that max_seq_len leaves"),
  ("context_length", "Sequence of this prompt lies beyond what we hold, kindly shorten it"),
  ("context_length", "всего токенов больше, превышает окно"),
  ("rate_limit", "This worker allows a maximum of 3 parallel calls"),
  ("rate_limit", "并发请求数已超出上限"),
  ("quota", "This project needs billing to be enabled first"),
  ("quota", "Su saldo está agotado"),
  ("auth", "The signature of this call does not match"),
  ("auth", "Role arn:x is restricted for that caller"),
  ("model_not_found", "gpt-9-mini: deployment was withdrawn"),
  ("model_not_found", "Engine foo-2 is blocked for the project, an unknown model to us"),
  ("overloaded", "llm busy - no slots"),
  ("overloaded", "the runner is no longer running"),
  ("content_filter", "Jailbreak attempt detected, refusing"),
  ("bad_request", "field 'topK' is deprecated"),
  ("bad_request", "name 'history' is not defined"),
  ("timeout", "no first token came before the deadline"),
  ("network", "the peer reset our socket"),
  ("context_length", "Your chat history is too big for this bot"),
  ("bad_request", "the size of the input image exceeds the limit"),
  ("bad_request", "The option prompt_cache_retention is not enabled on this model"),
  ("model_not_found", "deepseek-v9 isn't a model we host"),
  ("rate_limit", "You're going too fast"),
  ("rate_limit", "concurrency quota of 5 in-flight calls was reached"),
  ("quota", "Account is out of funds"),
  ("quota", "Free trial credits are gone"),
  ("auth", "Client IP 1.2.3.4 is outside of the allowlist"),
  ("auth", "您的账户已被锁定"),
  ("auth", "認証トークンの有効期限が切れています"),
  ("model_not_found", "This engine was shut off. Migrate to grok-4"),
  ("overloaded", "All replicas are occupied"),
  ("overloaded", "模型服务异常"),
  ("content_filter", "Response withheld: self-harm"),
  ("content_filter", "输入内容涉敏"),
  ("bad_request", "prompt 与 messages 参数不能同时设置"),
  ("timeout", "The model took more than 60s to answer"),
  ("timeout", "请求处理时间过长"),
  ("network", "Remote host hung up"),
  ("network", "Соединение сброшено"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "text"), NOVEL)
def test_what_an_error_speaks_of_tells_its_kind_where_no_phrase_is_known(kind, text):
    assert classify(text).kind == kind


@pytest.mark.parametrize(("kind", "text"), NOVEL)
def test_concepts_count_in_any_order_and_however_they_are_joined(kind, text):
    words = plain_words(text).replace(" ", "_")

    weights = weigh_concepts(plain_words(words))

    assert max(weights, key=weights.__getitem__) == kind


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, "prompt of 9000 tokens > 4096", "context_length"),
        (400, "Weird prompt: its length surpasses all that is supported", "context_length"),
        (400, "The server could not read it", "bad_request"),
        (413, "no", "context_length"),
        (403, "This model was withdrawn", "auth"),
        (403, "Jailbreak detected in this prompt", "content_filter"),
        (429, "Our engine has trouble", "rate_limit"),
        (500, "input (1036 tokens) is larger than the batch", "context_length"),
        (500, "the parameter may be wrong", "overloaded"),
        (401, "tokens > 3", "auth"),
    ],
)
def test_a_status_is_weighed_against_what_the_text_speaks_of(status, body, kind):
    assert classify(HTTPFailure(status, body)).kind == kind


@pytest.mark.parametrize(
    "text",
    ["boom", "The frobnicator is purple.", "see line 3 of main.py", "Segmentation fault", "", "abc" * 300],
)
def test_a_text_that_speaks_of_nothing_known_stays_unknown(text):
    assert classify(text).kind == "unknown"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Engine foo is not enabled here", "model_not_found"),
        ("The effort option is not enabled for this engine", "bad_request"),
    ],
)
def test_what_is_said_of_a_model_is_told_from_what_is_said_of_something_in_it(text, kind):
    assert max(weigh_concepts(plain_words(text)).items(), key=lambda item: item[1])[0] == kind


def test_the_end_of_a_sentence_sets_words_apart():
    assert weigh_concepts("the jailbreak was fun and nobody refused").get("content_filter") == 8
    assert weigh_concepts(f"the jailbreak was fun{' ok.' * 4} nobody refused").get("content_filter") == 2


def test_words_far_apart_are_not_said_of_each_other():
    assert not weigh_concepts(f"the prompt {'and so it goes ' * 10} is beyond us")


def test_what_an_error_echoes_of_the_request_counts_for_nothing():
    echo = "lorem ipsum " * 400

    assert classify(f"{echo} the prompt exceeded my patience {echo}").kind == "unknown"


@pytest.mark.parametrize(
    "text",
    [
        "Illegal header value b'Bearer '",
        "illegal base64 data at input byte 4",
        "Explicit content-length required",
        "request could not be injected into the queue",
        "the request contains an illegal escape sequence",
        "unsafe URL in request rejected",
        "fields are case sensitive: input not allowed",
        "message rejected: prohibited header",
        "Copyright (c) 2024 Foo Inc. Request failed",
        "input contains unsafe integer",
    ],
)
def test_words_that_are_said_of_code_as_well_tell_of_no_filter(text):
    assert classify(text).kind in {"unknown", "bad_request"}
    assert classify(f"Error 400: {text}").kind == "bad_request"


@pytest.mark.parametrize(
    "text",
    [
        "Your prompt was refused as unsafe",
        "the input contains sensitive words",
        "Copyright: this output was blocked",
        "prompt rejected: illegal",
        "Moderation flagged your input",
        "The response was cut for safety",
    ],
)
def test_the_same_words_said_of_a_prompt_or_an_answer_tell_of_a_filter(text):
    assert classify(f"Error 400: {text}").kind == "content_filter"


@pytest.mark.parametrize(
    "text",
    [
        "500: dependency injection failed",
        "503: moderation service failed",
        "502: guardrail service is unavailable",
        "500: unsafe redirect blocked",
        "500: jailbreak check rejected the promise",
        "500: 'NoneType' object is not subscriptable",
        "500: name 'x' is not defined",
        "500: Object of type Foo is not JSON serializable",
        "500: unexpected token < in JSON",
        "500: failed to refresh session",
        "503: authentication service failed",
        "503: model not loaded",
        "500: message queue too long",
    ],
)
def test_what_a_server_says_of_its_own_failure_blames_neither_the_request_nor_the_key(text):
    assert classify(f"Error {text}").kind == "overloaded"


@pytest.mark.parametrize(
    "text",
    [
        "Cannot parse the answer: unexpected token < in JSON",
        "Invalid response format",
        "Failed to parse response",
        "could not decode the response",
        "The model returned an invalid response",
        "SyntaxError: Unexpected token } in JSON at position 12",
        "Malformed response from provider",
        "Response is not valid JSON",
        "invalid response: missing field 'choices'",
        "content moderation service is unavailable, request failed",
        "model not loaded",
    ],
)
def test_an_answer_that_cannot_be_read_is_the_fault_of_its_route(text):
    assert classify(text).kind in {"unknown", "overloaded"}
    assert classify(f"Error 400: {text}").kind in {"bad_request", "overloaded"}


@pytest.mark.parametrize("text", ["Invalid response_format: expected json_object", "Unexpected token in request body"])
def test_a_parameter_about_answers_and_a_body_that_was_sent_are_of_the_request(text):
    assert classify(text).kind == "bad_request"


@pytest.mark.parametrize(
    "text",
    [
        "The prompt contains an unknown token",
        "The prompt contains an invalid token",
        "Invalid stop token",
        "invalid eos token",
        "the special token <|eos|> is not allowed",
        "forbidden special tokens in prompt",
        "token id 50300 is unknown",
    ],
)
def test_a_token_of_a_vocabulary_is_no_credential(text):
    assert classify(f"Error 400: {text}").kind == "bad_request"


@pytest.mark.parametrize(
    "text", ["Failed to get csrf token", "Missing CSRF token", "x-csrf-token not found", "CSRF token mismatch"]
)
def test_a_token_of_a_page_that_could_not_be_had_is_no_matter_of_the_key(text):
    assert classify(text).kind == "blocked"


@pytest.mark.parametrize("text", ["Invalid token", "Token expired", "your token was rejected", "token mismatch"])
def test_a_token_that_is_not_accepted_is_a_credential(text):
    assert classify(text).kind == "auth"


@pytest.mark.parametrize(
    "text",
    [
        "The image size 25000000 exceeds the limit of 20000000 bytes",
        "file size 30000000 exceeds the limit of 20000000",
        "The picture is too large: 5000x5000 > 4096x4096",
        "image width 9000 exceeds the limit of 8000 pixels",
        "video size (120000000) exceeds the limit of 100000000",
        "audio of 26214401 bytes is larger than the limit of 26214400",
    ],
)
def test_sizes_of_what_is_no_text_are_no_figures_of_tokens(text):
    failure = classify(f"Error 400: {text}")

    assert (failure.kind, failure.limit, failure.requested) == ("bad_request", None, None)


def test_a_file_whose_tokens_are_counted_is_text():
    failure = classify("Error 400: the file has 300000 tokens which exceeds the limit of 200000")

    assert (failure.kind, failure.limit, failure.requested) == ("context_length", 200_000, 300_000)


def test_names_of_classes_around_an_error_are_no_part_of_what_it_says():
    assert classify("litellm.APIConnectionError: FooException - key 7 was revoked by its holder").kind == "auth"


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("prompt 9216 > max_seq_len 8192", (8192, 9216)),
        ("8192 is our context, and these were 9216 tokens", (8192, 9216)),
        ("input of 9,216 tokens (window: 8k)", (8000, 9216)),
        ("5000 prompt tokens and 4000 for the answer, of a maximum of 8192 tokens", (8192, 9000)),
        ("max_tokens=9000 + prompt 5000 cannot be greater than max_model_len=8192", (8192, 14000)),
        ("5000 + 4000 = 9000 tokens where the limit is 8192", (8192, 9000)),
        ("your prompt came to 9216 tokens", (None, 9216)),
        ("at most 8192 tokens", (8192, None)),
        ("error code 336103: prompt tokens too long", (None, None)),
        ("the prompt for gpt-4-1106 is too long by 4096 tokens", (None, None)),
        ("400 the prompt is too long", (None, None)),
        ("message of 50000 characters exceeds the limit of 30000 characters", (None, None)),
        ("提示共 9216 个 token，而模型支持 8192", (8192, 9216)),
    ],
)  # fmt: skip
def test_figures_of_a_length_are_told_apart_by_arithmetic_and_by_their_neighbours(text, figures):
    assert read_lengths(text) == figures


def test_two_sizes_in_tokens_speak_of_length_whatever_the_sentence():
    failure = classify("200001 tokens were sent while 200000 are permitted")

    assert (failure.kind, failure.limit, failure.requested) == ("context_length", 200_000, 200_001)


def test_figures_that_a_phrase_tells_are_completed_by_those_it_does_not_know():
    failure = classify("Bad request: prompt token count 40231 exceeds max allowed 32768")

    assert (failure.limit, failure.requested) == (32768, 40231)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("max_tokens (12000) cannot exceed 8192, ask for a shorter output", (8192, 12000)),
        ("maxOutputTokens of 70000 exceeds what this model writes: 65536", (65536, 70000)),
        ("Invalid value for max_output_tokens: 90000 (maximum is 65536)", (65536, 90000)),
        ("You want 20000, yet it can generate at most 8192 output tokens", (8192, None)),
        ("Range of max_tokens should be [1, 8192]", (8192, None)),
        ("The maximum tokens you requested exceeds the model limit of 3000", (3000, None)),
        ("max_tokens 不能大于 4096", (4096, None)),
        ("max_tokens не может превышать 4096", (4096, None)),
        ("max_tokens darf höchstens 4096 sein", (4096, None)),
        ("El parámetro max_tokens no puede superar 4096", (4096, None)),
        ("max_tokensは 4096 以下にしてください", (4096, None)),
        ("'max_tokens' is not supported, use 'max_completion_tokens'. max_tokens=4096", (None, None)),
    ],
)
def test_too_much_output_asked_for_is_a_bad_request_that_tells_its_limit(text, figures):
    failure = classify(f"400 {text}")

    assert (failure.kind, failure.limit, failure.requested) == ("bad_request", *figures)


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("prompt tokens (6000) + max_tokens (4000) exceeds 8192", (8192, 10000)),
        ("there were 5000 tokens > max_tokens 4096", (4096, 5000)),
        ("Text is too long, max tokens supported is 77 or less, got 120", (77, 120)),
        ("Query length (5021) exceeds maximum input length (4096) of the engine", (4096, 5021)),
        ("you requested 0 output tokens and your prompt contains at least 8193 input tokens, of 8192", (8192, 8193)),
        ('{"type":"INPUT_LENGTH","info":"12203 / 8191"}', (8191, 12203)),
        ("Your messages take 150000 out of 128000 tokens", (128_000, 150_000)),
        ("Request payload size exceeds the limit: 20971520 bytes", (None, None)),
        ("messages: too many text bytes: 9437184 > 9000000", (None, None)),
    ],
)
def test_a_prompt_that_is_too_long_is_told_from_too_much_output_and_bytes_from_tokens(text, figures):
    failure = classify(text)

    assert (failure.kind, failure.limit, failure.requested) == ("context_length", *figures)


@pytest.mark.parametrize(
    ("text", "limit", "wait"),
    [
        ("Too many tokens for this team - Tokens per Minute (actual/limit): 65605/16000", 16000, None),
        ("Number of request tokens has exceeded your daily rate limit. Reduce the prompt length", None, None),
        ("Token limit is exceeded. Try again in 52 seconds.", None, 52.0),
        ("Token-Limit überschritten. Versuchen Sie es in 40 Sekunden erneut.", None, 40.0),
        ("Лимит токенов превышен. Повторите через 45 секунд.", None, 45.0),
        ("1分あたりのトークン数の上限に達しました。30秒後に再試行してください。", None, 30.0),
        ("분당 토큰 한도를 초과했습니다. 20초 후에 다시 시도하세요.", None, 20.0),
        ("gauge quota limit exceed: allowed 10 requests", 10, None),
    ],
)
def test_tokens_of_a_minute_or_a_day_are_a_rate_and_no_length(text, limit, wait):
    failure = classify(f"429 {text}")

    assert (failure.kind, failure.limit, failure.requested, failure.retry_after) == ("rate_limit", limit, None, wait)


@pytest.mark.parametrize(
    ("title", "more", "kind"),
    [
        ("401 Authorization Required", "nginx", "auth"),
        ("503 Service Temporarily Unavailable", "nginx", "overloaded"),
        ("504 Gateway Time-out", "nginx", "timeout"),
        ("401 Unauthorized", "Cloudflare Ray ID", "blocked"),
        ("502 Bad Gateway", "captcha", "blocked"),
        ("Just a moment...", "", "blocked"),
    ],
)
def test_the_bare_page_of_a_server_means_its_status_and_one_with_marks_of_a_wall_is_blocked(title, more, kind):
    page = f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{more}</body></html>"

    assert classify(f"FooException - {page}").kind == kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("No capacity available for model foo on the server. RESOURCE_EXHAUSTED", "overloaded"),
        ("You have exhausted your capacity on this model. Your quota will reset after 2h.", "rate_limit"),
        ("Account has irregular activities and has been locked", "auth"),
        ("Unable to access non-serverless model a/b. Create and start a new dedicated endpoint", "model_not_found"),
        ("Unable to access model: invalid api key", "auth"),
    ],
)
def test_under_the_status_of_a_rate_limit_the_words_say_what_it_is(text, kind):
    assert classify(f"429 {text}").kind == kind


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2024/2023/100 tokens",
        "tokens: 100/200",
        "12203 / 8191",
        "tokens per minute: 31000/30000",
        "prompt: 9000/8000 bytes",
    ],
)
def test_a_ratio_that_is_no_length_is_left_alone(text):
    assert read_ratio(text) is None


@given(st.text(max_size=400) | st.from_regex(r"(tokens |limit |> |\d{2,6} |max ){1,40}", fullmatch=True))
def test_what_was_requested_is_never_within_the_limit_that_it_broke(text):
    limit, requested = read_lengths(text.lower())

    assert limit is None or requested is None or requested > limit


@pytest.mark.parametrize(
    "piece", ["tokens exceed ", "Aa", "a_-", "1 2 ", "http://x ", "9 > ", "max ", "quota \n", "的"]
)
def test_of_a_giant_text_only_a_bounded_part_is_read_for_concepts(piece):
    assert len(plain_words(piece * 100_000)) <= 4_001


def test_every_concept_of_the_file_is_used_and_every_rule_names_concepts_that_exist():
    from g4f_integrations.core.failures._phrases import load_data

    known = load_data("error_concepts.toml")["concepts"]

    assert {name for rule in concept_rules() for name in (*rule.concepts, *rule.unless)} == {*known}
    assert all(rule.weight > 0 for rule in concept_rules())


def test_most_of_these_texts_are_known_to_no_strong_phrase():
    assert sum(kind_of_text(text.lower(), strong=True) is None for _, text in NOVEL) > len(NOVEL) / 2


@pytest.mark.parametrize(
    "text",
    [
        "Missing key 'content' in response",
        "No such key: data",
        "cache key missing",
        "Failed to parse response: Invalid token at position 3",
        "UNIQUE constraint failed: violation of primary key",
        "Failed to create session",
        "signature mismatch in webassembly function",
        "insufficient disk space",
        "Insufficient data received from server",
        "load balancer returned empty reply",
        "plan cache exhausted",
    ],
)
@pytest.mark.parametrize("before", ["", "Error 500: "])
def test_a_fault_of_the_program_blames_neither_key_nor_account(text, before):
    assert classify(before + text).kind not in {"auth", "quota"}


@pytest.mark.parametrize(
    "text",
    [
        "Response blocked by ORB",
        "received 1008 (policy violation); then sent 1008 (policy violation)",
        "Request blocked by CORS policy",
        "Request flagged invalid by schema",
        "Worker flagged as unhealthy",
        "message filtered out: queue is closed",
    ],
)
def test_what_is_blocked_by_technical_rules_is_no_content(text):
    assert classify(text).kind != "content_filter"
