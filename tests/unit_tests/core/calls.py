"""Calls of an endpoint, for the tests around it."""

from g4f_integrations.core.candidates.candidate import Candidate, route_key
from g4f_integrations.core.endpoint import call_endpoint
from g4f_integrations.core.events import Finish, ResponseInfo
from g4f_integrations.core.proxies import freeze_proxy
from g4f_integrations.core.request import CallNotes, Request
from g4f_integrations.core.routes import Endpoint

MESSAGES = [{"role": "user", "content": "Hi"}]


def candidate(base_url, model="m", **options):
    endpoint = Endpoint(base_url, model, **options)
    key = route_key(None, endpoint.name, model, base_url=base_url, api_key=endpoint.api_key)
    proxy = freeze_proxy(options.get("proxy"))
    return Candidate(endpoint, endpoint.name, model, None, endpoint.api_key, proxy, None, None, None, key)


async def batches(route, *, stream=True, notes=None, **request):
    answer = call_endpoint(route, Request(MESSAGES, stream=stream, **request), notes or CallNotes())
    return [batch async for batch in answer]


async def events(server, **options):
    """All events but `ResponseInfo`; finish reasons last, which a stream tells before or after its usage."""
    found = [event for batch in await batches(candidate(server.base_url), **options) for event in batch]
    return sorted((event for event in found if not isinstance(event, ResponseInfo)), key=lambda e: type(e) is Finish)
