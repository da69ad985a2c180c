"""An agent's conversation that outgrows every window: each call is answered, and hardly a request is refused."""

import json
import random

import pytest

from asking import ask
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.core.tokens import estimate_tokens
from g4f_integrations.core.trimming import Trimming
from loopback import LoopbackServer, Reply, completion
from strict_openai import request_fault

TOOL = {
    "type": "function",
    "function": {
        "name": "read_log",
        "parameters": {"type": "object", "properties": {"day": {"type": "integer"}}, "required": ["day"]},
    },
}
COUNTS = {"tokens": estimate_tokens, "characters": len}


class Upstream:
    """A server with a window that it does not announce; every second answer to the user is a tool call."""

    def __init__(self, window, unit, tells, overloads):
        self.window, self.unit, self.tells, self.overloads = window, unit, tells, overloads
        self.asked = self.refused = 0
        self.faults = []

    def __call__(self, request):
        if request.method == "GET":
            return Reply.status(404)
        self.asked += 1
        body = request.body
        self.faults += filter(None, [request_fault(body)])
        size = sum(COUNTS[self.unit](json.dumps(message)) for message in body["messages"])
        if size > self.window:
            self.refused += 1
            told = f"The maximum context length is {self.window} {self.unit}, but the request has {size} {self.unit}."
            message = told if self.tells else "The prompt is too long."
            return Reply.json({"error": {"message": message, "code": "context_length_exceeded"}}, status=400)
        if self.overloads and self.asked % 4 == 0:
            return Reply.status(503, "busy")
        if body["messages"][-1]["role"] == "user" and self.asked % 2:
            function = {"name": "read_log", "arguments": json.dumps({"day": self.asked})}
            call = {"id": f"call{self.asked:05}", "type": "function", "function": function}
            return Reply.json(completion(tool_calls=[call], finish="tool_calls"))
        return Reply.json(completion("We saw fog, and then some more of it. " * (self.asked % 40) + "Yes."))


async def converse(urls, turns):
    """The conversation; gives how many calls it took. The caller never leaves anything out of it."""
    dice = random.Random(1)
    history = [{"role": "system", "content": "You look after a lighthouse."}]
    routes = tuple(Endpoint(url, "a-model-nobody-knows") for url in urls)
    calls = 0
    for turn in range(turns):
        history.append({"role": "user", "content": f"{turn}: " + "what did you see? " * dice.randint(1, 99)})
        while True:
            calls += 1
            answer = await ask(routes=routes, messages=history, tools=(TOOL,), trimming=Trimming(), stream=False)
            made = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}
                for call in answer.calls
            ]  # fmt: skip
            history.append(
                {"role": "assistant", "content": answer.text or None, **({"tool_calls": made} if made else {})}
            )
            if not made:
                break
            page = "fog and rain " * dice.choice([30, 300, 3_000])
            history += [{"role": "tool", "tool_call_id": call.id, "content": page} for call in answer.calls]
    return calls


@pytest.mark.parametrize("tells", [True, False], ids=["with figures", "without"])
@pytest.mark.parametrize("unit", COUNTS)
@pytest.mark.parametrize("windows", [(4_000, 16_000, 64_000), (64_000, 16_000, 4_000), (4_000,)], ids=str)
async def test_every_call_is_answered_and_no_provider_refuses_more_than_twice(windows, unit, tells):
    servers = [LoopbackServer() for _ in windows]
    upstreams = [Upstream(window, unit, tells, overloads=len(windows) > 1) for window in windows]
    try:
        for server, upstream in zip(servers, upstreams, strict=True):
            server.replies(upstream)

        calls = await converse([server.base_url for server in servers], turns=25)
    finally:
        for server in servers:
            server.close()

    assert calls > 25
    assert [upstream.refused for upstream in upstreams if upstream.refused > 2] == []
    assert [upstream.faults for upstream in upstreams if upstream.faults] == []
