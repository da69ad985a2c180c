"""Our errors as members of LangChain's family."""

import copy
import pickle

import pytest
from langchain_core import exceptions as lc
from langchain_core.language_models.chat_models import _generate_response_from_error

from g4f_integrations import errors
from g4f_integrations.core.events import Attempt, ToolCall
from g4f_integrations.langchain._errors import as_model_error

ATTEMPTS = (Attempt("A", "m", "rate_limit", "429", 0.1),)
REFUSAL = getattr(lc, "ModelRefusalError", lc.ModelInvalidRequestError)

FAMILY = [
    (errors.RateLimitError, lc.ModelRateLimitError),
    (errors.QuotaError, lc.ModelError),
    (errors.AuthenticationError, lc.ModelAuthenticationError),
    (errors.ContextLengthError, lc.ContextOverflowError),
    (errors.ContentFilterError, REFUSAL),
    (errors.ModelNotFoundError, lc.ModelNotFoundError),
    (errors.InvalidRequestError, lc.ModelInvalidRequestError),
    (errors.ConfigurationError, lc.ModelInvalidRequestError),
    (errors.ProviderTimeoutError, lc.ModelTimeoutError),
    (errors.ProviderUnavailableError, lc.ModelAPIError),
    (errors.EmptyResponseError, lc.ModelAPIError),
    (errors.ProviderNoticeError, lc.ModelAPIError),
    (errors.StreamInterruptedError, lc.ModelConnectionError),
    (errors.RoutesExhaustedError, lc.ModelError),
    (errors.IntegrationError, lc.ModelError),
]


def test_every_error_of_the_package_has_a_member_in_langchains_family():
    assert {ours.__name__ for ours, _ in FAMILY} == set(errors.__all__)


@pytest.mark.parametrize(("ours", "theirs"), FAMILY)
@pytest.mark.parametrize("retryable", [True, False])
def test_an_error_is_both_ours_and_langchains_and_loses_nothing(ours, theirs, retryable):
    error = ours("told", attempts=ATTEMPTS, route="A:m", retry_after=3.0, is_retryable=retryable)

    known = as_model_error(error)

    assert isinstance(known, ours)
    assert isinstance(known, theirs)
    assert str(known) == "told"
    assert {name: getattr(known, name) for name in vars(error)} == vars(error)
    assert known.is_retryable is retryable


@pytest.mark.parametrize(("ours", "_theirs"), FAMILY)
def test_errors_survive_a_pickle(ours, _theirs):
    known = as_model_error(ours("told", attempts=ATTEMPTS, kind="network"))

    copied = pickle.loads(pickle.dumps(known))

    assert type(copied) is type(known)
    assert vars(copied) == vars(known)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_the_answer_of_the_route_is_where_langchains_traces_look_for_it(copied):
    told = errors.RateLimitError("slow", status=429, body='{"a": 1}', headers={"x-request-id": "r1"})

    error = copied(as_model_error(told))

    [generation] = _generate_response_from_error(error)
    assert generation.message.response_metadata == {
        "body": {"a": 1},
        "headers": {"x-request-id": "r1"},
        "status_code": 429,
        "request_id": "r1",
    }


def test_a_body_that_is_no_json_is_traced_as_text():
    [generation] = _generate_response_from_error(as_model_error(errors.QuotaError("no", status=402, body="<html>")))

    assert generation.message.response_metadata["body"] == "<html>"


def test_without_an_answer_the_trace_shows_none():
    assert _generate_response_from_error(as_model_error(errors.ProviderTimeoutError("late"))) == []


def test_an_unreachable_route_is_a_connection_error():
    assert isinstance(as_model_error(errors.ProviderUnavailableError("down", kind="network")), lc.ModelConnectionError)


def test_a_users_own_subclass_joins_by_its_base():
    class Picky(errors.RateLimitError):
        pass

    assert isinstance(as_model_error(Picky("slow down")), lc.ModelRateLimitError)


def test_what_belongs_to_one_kind_of_error_is_kept():
    call = ToolCall("c1", "f", {})
    error = errors.StreamInterruptedError("cut", partial_text="Hel", partial_tool_calls=[call])

    known = as_model_error(error)

    assert (known.partial_text, known.partial_tool_calls) == ("Hel", (call,))


def test_an_error_that_langchain_knows_is_left_alone():
    known = as_model_error(errors.QuotaError("empty"))

    assert as_model_error(known) is known


def test_the_exhausted_rotation_is_not_worth_a_retry():
    assert as_model_error(errors.RoutesExhaustedError("all failed")).is_retryable is False


def test_the_traceback_leads_to_where_the_error_arose():
    def arise():
        raise errors.RateLimitError("slow down")

    try:
        arise()
    except errors.RateLimitError as error:
        known = as_model_error(error)

    frames = known.__traceback__
    while frames.tb_next:
        frames = frames.tb_next
    assert frames.tb_frame.f_code.co_name == "arise"
