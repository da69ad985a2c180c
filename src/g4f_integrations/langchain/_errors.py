"""This package's errors as members of LangChain's own family.

LangChain's middleware tells by `langchain_core.exceptions.ModelError` whether to retry, to summarise or to give up,
and takes every other exception for one worth retrying. So each error that leaves a LangChain class is both: caught by
the names in `g4f_integrations.errors` and by LangChain's.

    ours                       LangChain's
    RateLimitError             ModelRateLimitError
    QuotaError                 ModelError              a balance is no rate: waiting does not help
    AuthenticationError        ModelAuthenticationError
    ContextLengthError         ContextOverflowError    what the summarising middleware waits for
    ContentFilterError         ModelRefusalError       ModelInvalidRequestError where core has none yet
    ModelNotFoundError         ModelNotFoundError
    InvalidRequestError        ModelInvalidRequestError
    ConfigurationError         ModelInvalidRequestError
    ProviderTimeoutError       ModelTimeoutError
    ProviderUnavailableError   ModelConnectionError for `kind` "network", else ModelAPIError
    EmptyResponseError         ModelAPIError
    ProviderNoticeError        ModelAPIError
    StreamInterruptedError     ModelConnectionError
    RoutesExhaustedError       ModelError
    (structured output)        OutputParserException and ModelError: an answer that is not in the form asked for

`is_retryable` is what the core error says of itself, whatever the default of LangChain's class. Each has a `response`
where there was one, because that is where LangChain's traces look for status, headers and body.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from langchain_core import exceptions as langchain_errors

from g4f_integrations import errors

if TYPE_CHECKING:
    _RefusalError = langchain_errors.ModelInvalidRequestError
else:  # only the newer cores have a class for refusals
    _RefusalError = getattr(langchain_errors, "ModelRefusalError", langchain_errors.ModelInvalidRequestError)


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """What a route answered, in the form in which LangChain writes it into traces; no credential is in it.

    Attributes:
        status_code: The HTTP status.
        text: The body, cut to 2,000 characters.
        headers: Request ids, rate limits and waits, with lower-cased names.
    """

    status_code: int
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            ValueError: It is none, or it was cut.
        """
        return json.loads(self.text)


class _Answered(errors.IntegrationError):
    """An error that shows what the route answered."""

    @property
    def response(self) -> ErrorResponse:
        """The answer of the route that failed last.

        Raises:
            AttributeError: There was none. LangChain asks with `hasattr`.
        """
        if self.status is None:
            message = "no route answered over HTTP"
            raise AttributeError(message)
        return ErrorResponse(self.status, self.body, self.headers)


class G4FError(_Answered, langchain_errors.ModelError):
    """An error without a class of its own."""


class G4FRateLimitError(_Answered, errors.RateLimitError, langchain_errors.ModelRateLimitError):
    """Asked too often."""


class G4FQuotaError(_Answered, errors.QuotaError, langchain_errors.ModelError):
    """The balance or the free allowance is used up."""


class G4FAuthenticationError(_Answered, errors.AuthenticationError, langchain_errors.ModelAuthenticationError):
    """A key is missing, wrong, or not allowed here."""


class G4FContextLengthError(_Answered, errors.ContextLengthError, langchain_errors.ContextOverflowError):
    """The request is longer than the route can take."""


class G4FContentFilterError(_Answered, errors.ContentFilterError, _RefusalError):
    """Refused by a provider's policy."""


class G4FModelNotFoundError(_Answered, errors.ModelNotFoundError, langchain_errors.ModelNotFoundError):
    """No candidate serves the model."""


class G4FInvalidRequestError(_Answered, errors.InvalidRequestError, langchain_errors.ModelInvalidRequestError):
    """The route refuses the request itself."""


class G4FConfigurationError(_Answered, errors.ConfigurationError, langchain_errors.ModelInvalidRequestError):
    """The settings contradict each other, or name something that does not exist."""


class G4FTimeoutError(_Answered, errors.ProviderTimeoutError, langchain_errors.ModelTimeoutError):
    """A clock ran out."""


class G4FUnavailableError(_Answered, errors.ProviderUnavailableError, langchain_errors.ModelAPIError):
    """The route is overloaded, answers with a challenge page, or fails in an unknown way."""


class G4FConnectionError(_Answered, errors.ProviderUnavailableError, langchain_errors.ModelConnectionError):
    """The route could not be reached."""


class G4FEmptyResponseError(_Answered, errors.EmptyResponseError, langchain_errors.ModelAPIError):
    """The answer held nothing."""


class G4FNoticeError(_Answered, errors.ProviderNoticeError, langchain_errors.ModelAPIError):
    """An error or advert came as if it were the answer."""


class G4FStreamInterruptedError(_Answered, errors.StreamInterruptedError, langchain_errors.ModelConnectionError):
    """The stream died after text had been handed over."""


class G4FRoutesExhaustedError(_Answered, errors.RoutesExhaustedError, langchain_errors.ModelError):
    """Every attempt failed, and not all in the same way."""


class G4FStructuredOutputError(_Answered, langchain_errors.OutputParserException, langchain_errors.ModelError):
    """Every route was asked for an answer in the form of a schema, again where it helped, and none gave one.

    `llm_output` is the last answer's text.
    """

    kind = "invalid"


_CLASSES: dict[type[errors.IntegrationError], type[errors.IntegrationError]] = {
    errors.RateLimitError: G4FRateLimitError,
    errors.QuotaError: G4FQuotaError,
    errors.AuthenticationError: G4FAuthenticationError,
    errors.ContextLengthError: G4FContextLengthError,
    errors.ContentFilterError: G4FContentFilterError,
    errors.ModelNotFoundError: G4FModelNotFoundError,
    errors.InvalidRequestError: G4FInvalidRequestError,
    errors.ConfigurationError: G4FConfigurationError,
    errors.ProviderTimeoutError: G4FTimeoutError,
    errors.ProviderUnavailableError: G4FUnavailableError,
    errors.EmptyResponseError: G4FEmptyResponseError,
    errors.ProviderNoticeError: G4FNoticeError,
    errors.StreamInterruptedError: G4FStreamInterruptedError,
    errors.RoutesExhaustedError: G4FRoutesExhaustedError,
    errors.IntegrationError: G4FError,
}


RetryFilter: TypeAlias = tuple[type[BaseException], ...] | Callable[[BaseException], bool]
"""What `with_retry` takes: types of errors, or (langchain-core 1.6.13 and newer) a function that decides."""


class _AskingTheError(type):
    """`isinstance` as a question to the error, because types are all that every LangChain's `with_retry` takes."""

    kinds: tuple[type[BaseException], ...]

    def __instancecheck__(cls, error: Any) -> bool:
        return isinstance(error, cls.kinds) and getattr(error, "is_retryable", True)


class _RetryableError(Exception, metaclass=_AskingTheError):
    """Every exception that does not say of itself that another call is useless."""

    kinds: ClassVar[tuple[type[BaseException], ...]] = (Exception,)


def only_retryable(wanted: RetryFilter) -> RetryFilter:
    """`wanted` without the errors that say of themselves that another call is useless; a function is left alone."""
    if callable(wanted):
        return wanted
    if wanted == (Exception,):
        return (_RetryableError,)

    chosen: tuple[type[BaseException], ...] = wanted

    class ChosenError(_RetryableError):
        kinds = chosen

    return (ChosenError,)


def as_model_error(error: errors.IntegrationError) -> errors.IntegrationError:
    """`error` as its subclass that LangChain knows, with the same message, attempts, cause and traceback.

    Raise it ``from error.__cause__``: the chain then shows the root of the trouble and not the same error twice.
    An error that LangChain knows already is returned as it is.
    """
    if isinstance(error, langchain_errors.ModelError):
        return error
    chosen = next(_CLASSES[cls] for cls in type(error).__mro__ if cls in _CLASSES)
    if chosen is G4FUnavailableError and error.kind == "network":
        chosen = G4FConnectionError
    known = chosen(error.message)
    known.__dict__.update(error.__dict__)
    return known.with_traceback(error.__traceback__)
