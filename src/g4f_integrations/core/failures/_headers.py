"""The headers of an answer that are worth showing: request ids, rate limits and waits, nothing secret."""

from __future__ import annotations

from collections.abc import Mapping

from g4f_integrations.core.credentials import scrub

KEPT_HEADERS = (
    "x-request-id",
    "request-id",
    "x-ratelimit-",
    "ratelimit",  # the IETF's draft: RateLimit, RateLimit-Policy, RateLimit-Limit …
    "anthropic-ratelimit-",
    "apim-request-id",
    "cf-ray",
    "openai-processing-ms",
    "x-amzn-requestid",
    "x-provider",
    "x-model",
)
"""How the lower-cased names of headers begin that are worth showing of any answer."""

_KEPT_OF_FAILURES = (*KEPT_HEADERS, "retry-after", "x-should-retry")
_MOST = 32
_LONGEST = 256


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers of a failure that are worth showing, with lower-cased names and scrubbed values.

    Example:
        >>> kept_headers({"Retry-After": "7", "X-Request-Id": "a1", "Set-Cookie": "a=b"})
        {'retry-after': '7', 'x-request-id': 'a1'}
    """
    lowered = ((name.lower(), value) for name, value in headers.items())
    found = [(name, value) for name, value in lowered if name.startswith(_KEPT_OF_FAILURES)]
    return {name: scrub(value, limit=_LONGEST) for name, value in found[:_MOST]}
