"""A gateway: an OpenAI-compatible server in front of flaky providers, for programs that know nothing of this package.

Without arguments it shows itself: the gateway starts on a free port of this machine over scripted providers, and two
clients ask it, one blocking and one streaming. ``--serve 8080`` keeps it up, on the free providers that g4f knows: your
clients' prompts then reach third parties. Tell them, send no secrets, respect the providers' terms; this project is not
affiliated with g4f or with any provider, and g4f is licensed under the GPL. It listens on this machine only; whoever
opens it to others has to add keys and limits of his own.

    python examples/gateway.py
    OPENAI_BASE_URL=http://127.0.0.1:8080/v1 OPENAI_API_KEY=none your-program
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import uuid
from typing import Any

from aiohttp import web
from langchain_core.messages import AIMessage, AIMessageChunk, convert_to_messages, convert_to_openai_messages

from g4f_integrations import ChatG4F
from g4f_integrations.errors import ConfigurationError, IntegrationError, InvalidRequestError
from g4f_integrations.testing import ScriptedProvider

STATUS = {"rate_limit": 429, "quota": 429, "context_length": 400, "content_filter": 400, "timeout": 504}
PASSED_ON = ("temperature", "top_p", "max_tokens", "stop", "seed", "presence_penalty", "frequency_penalty")


def make_gateway(model: ChatG4F) -> web.Application:
    """The server over `model`, which decides who answers whatever model a client names."""
    gateway = web.Application(client_max_size=32 * 2**20)

    async def models(_: web.Request) -> web.Response:
        return web.json_response(
            {"object": "list", "data": [{"id": model.model, "object": "model", "owned_by": "g4f"}]}
        )

    async def completions(request: web.Request) -> web.StreamResponse:
        try:
            asked = await request.json()
            messages = convert_to_messages(asked["messages"])
        except (ValueError, KeyError, TypeError, NotImplementedError) as error:
            return refusal(400, f"the request cannot be read: {error!r}", "invalid_request_error")
        options = {name: asked[name] for name in PASSED_ON if asked.get(name) is not None}
        try:
            asking = model.bind(**options)
            if asked.get("tools"):
                asking = model.bind_tools(asked["tools"], tool_choice=asked.get("tool_choice"), **options)
            if asked.get("stream"):
                return await streamed(request, asking.astream(messages))
            return web.json_response(completion(await asking.ainvoke(messages)))
        except IntegrationError as error:
            bad = isinstance(error, ConfigurationError | InvalidRequestError)
            return refusal(400 if bad else STATUS.get(error.kind or "", 503), str(error), error.kind or "server_error")

    gateway.add_routes([web.get("/v1/models", models), web.post("/v1/chat/completions", completions)])
    return gateway


async def streamed(request: web.Request, chunks: Any) -> web.StreamResponse:
    """The answer as server-sent events; a client that leaves ends this, and with it the provider's stream."""
    first = await anext(chunks)  # a call that fails before its first word is refused with a status
    response = web.StreamResponse(headers={"content-type": "text/event-stream", "cache-control": "no-cache"})
    await response.prepare(request)
    number = f"chatcmpl-{uuid.uuid4().hex}"

    async def send(event: dict[str, Any]) -> None:
        await response.write(b"data: " + json.dumps(event).encode() + b"\n\n")

    try:
        await send(chunk_event(first, number))
        async for chunk in chunks:
            await send(chunk_event(chunk, number))
        await response.write(b"data: [DONE]\n\n")
    except IntegrationError as error:
        await send({"error": {"message": str(error), "type": error.kind}})
    finally:
        await chunks.aclose()
    await response.write_eof()
    return response


def chunk_event(chunk: AIMessageChunk, number: str) -> dict[str, Any]:
    """One chunk in OpenAI's form."""
    delta: dict[str, Any] = {"role": "assistant", "content": chunk.text}
    if chunk.tool_call_chunks:
        delta["tool_calls"] = [
            {
                "index": call["index"] or 0,
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": call["args"]},
            }
            for call in chunk.tool_call_chunks
        ]
    info = chunk.response_metadata
    choice = {"index": 0, "delta": delta, "finish_reason": info.get("finish_reason")}
    event = {"id": number, "object": "chat.completion.chunk", "created": int(time.time()), "choices": [choice]}
    return {**event, "model": info.get("model_name", ""), **usage(chunk)}


def completion(answer: AIMessage) -> dict[str, Any]:
    """A whole answer in OpenAI's form."""
    info = answer.response_metadata
    choice = {"index": 0, "message": convert_to_openai_messages(answer), "finish_reason": info.get("finish_reason")}
    whole = {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": "chat.completion", "created": int(time.time())}
    return {**whole, "model": info["model_name"], "choices": [choice], **usage(answer)}


def usage(answer: AIMessage) -> dict[str, Any]:
    """The tokens that were spent, where they are known."""
    spent = answer.usage_metadata
    if spent is None:
        return {}
    names = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens", "total_tokens": "total_tokens"}
    return {"usage": {theirs: spent[ours] for theirs, ours in names.items()}}  # type: ignore[literal-required]


def refusal(status: int, message: str, kind: str) -> web.Response:
    """An error as OpenAI's clients understand it."""
    return web.json_response({"error": {"message": message, "type": kind, "code": kind}}, status=status)


async def start(gateway: web.Application, port: int = 0) -> tuple[web.AppRunner, str]:
    """Listen on this machine; the runner, and the address for clients."""
    runner = web.AppRunner(gateway, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    return runner, f"http://127.0.0.1:{runner.addresses[0][1]}/v1"


async def show_itself() -> None:
    """Start the gateway over scripted providers and be its client."""
    down = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    good = ScriptedProvider("Lighthouses flash ", "to be told apart.", name="Good", default_model="good-1")
    runner, address = await start(make_gateway(ChatG4F(provider=[down, good])))
    try:
        client = ChatG4F(base_url=address, model="auto-of-the-gateway", api_key="none")
        answer = await client.ainvoke("Why do lighthouses flash?")
        print(answer.text, f"({answer.response_metadata['model_name']})")
        async for chunk in client.astream("And again, slowly?"):
            print(chunk.text, end="|")
        print()
    finally:
        await runner.cleanup()


async def serve(port: int) -> None:
    """Serve real providers until interrupted."""
    runner, address = await start(make_gateway(ChatG4F()), port)
    print(f"Listening on {address}")
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


def main() -> None:
    """Show the gateway, or serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", type=int, metavar="PORT", help="serve on this port, with real providers")
    options = parser.parse_args()
    asyncio.run(serve(options.serve) if options.serve else show_itself())


if __name__ == "__main__":
    main()
