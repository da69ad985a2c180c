"""Which models an endpoint has: one request, with the same clocks, masks and errors as a completion."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate, route_key, secrets_of
from g4f_integrations.core.credentials import Secret
from g4f_integrations.core.endpoint import list_models as ask_for_models
from g4f_integrations.core.events import Attempt
from g4f_integrations.core.failures import ClockExpired, Failure, classify
from g4f_integrations.core.proxies import freeze_proxy
from g4f_integrations.core.reporting import error_for
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.errors import IntegrationError

_NO_LIST = frozenset({404, 405, 501})


async def list_models(endpoint: Endpoint, timeout: float | None = 30.0) -> list[dict[str, Any]]:  # noqa: ASYNC109  it covers connecting and reading
    """The models that `endpoint` lists; see `Endpoint.alist_models`.

    Raises:
        IntegrationError: The endpoint cannot be asked, refuses, does not answer in time, or has no such list.
    """
    candidate = _candidate(endpoint)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(timeout) as clock:
            return await ask_for_models(candidate)
    except IntegrationError:
        raise
    except Exception as error:
        expired = isinstance(error, TimeoutError) and clock.expired()
        failure = _failure(ClockExpired(f"no list of models within {timeout:g} s") if expired else error)
    failure = failure.masking(secrets_of(candidate))
    attempt = Attempt(endpoint.name, "", failure.kind, failure.message or None, loop.time() - began)
    # Outside of every `except`: what the HTTP client raised may hold credentials.
    raise error_for([attempt], [failure], candidate.label)


def _failure(error: Exception) -> Failure:
    failure = classify(error)
    if failure.status in _NO_LIST:  # elsewhere a sign of a wrong model, but none was named
        return replace(failure, kind="bad_request", message=f"it does not list its models ({failure.message})")
    return failure


def _candidate(endpoint: Endpoint) -> Candidate:
    api_key = endpoint.api_key if isinstance(endpoint.api_key, Secret) else None
    return Candidate(
        route=endpoint,
        name=endpoint.name,
        model="",
        provider=None,
        api_key=api_key,
        proxy=freeze_proxy(endpoint.proxy),
        native_tools=None,
        body_provider=None,
        attempts=None,
        key=route_key(None, endpoint.name, "", base_url=endpoint.base_url, api_key=api_key),
    )
