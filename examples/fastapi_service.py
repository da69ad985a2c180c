"""A web service that streams answers, and stops asking when its client leaves.

Needs ``pip install fastapi uvicorn``. Without arguments it shows itself: the service starts on a free port of this
machine with a scripted provider, one client reads a whole answer, a second leaves in the middle. ``--serve 8000`` keeps
it up, on the free providers that g4f knows: your clients' prompts then reach third parties. Tell them, send no secrets,
respect the providers' terms; this project is not affiliated with g4f or with any provider, and g4f is licensed under
the GPL.

    python examples/fastapi_service.py
    curl -N -d '{"question": "Why do lighthouses flash?"}' -H 'content-type: application/json' localhost:8000/ask
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable

import aiohttp
import uvicorn
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from g4f_integrations import ChatG4F
from g4f_integrations.errors import IntegrationError
from g4f_integrations.testing import ScriptedProvider, stall

log = logging.getLogger(__name__)


class Question(BaseModel):
    """What a client sends."""

    question: str


def make_service(model: ChatG4F, tell_left: Callable[[str], None] = log.info) -> FastAPI:
    """The service over `model`; `tell_left` hears of clients that did not wait for the end."""
    service = FastAPI()

    async def tell(question: str) -> AsyncIterator[str]:
        try:
            async for chunk in model.astream(question):
                if chunk.text:
                    yield chunk.text
        except IntegrationError as error:  # the status is sent by now, so the text has to say it
            yield f"\n[{error.kind}: no answer could be given]\n"
        except (
            asyncio.CancelledError
        ):  # this is how the client's leaving arrives; the provider's stream is closed by now
            tell_left("A client left; the provider's stream is closed.")
            raise

    @service.post("/ask")
    async def ask(asked: Question) -> StreamingResponse:
        """The answer as plain text, while it is made."""
        return StreamingResponse(tell(asked.question), media_type="text/plain; charset=utf-8")

    return service


async def show_itself() -> None:
    """Start the service and be its client, twice."""
    short = ChatG4F(
        provider=ScriptedProvider("It is a signature: ", stall(0.02), "each has its own rhythm.", name="Short")
    )
    endless = ChatG4F(provider=ScriptedProvider(*["on and on ", stall(0.01)] * 500, name="Endless"))

    async with (
        running(make_service(short)) as address,
        aiohttp.ClientSession() as client,
        client.post(f"{address}/ask", json={"question": "Why do lighthouses flash?"}) as answer,
    ):
        print(await answer.text())

    left: asyncio.Queue[str] = asyncio.Queue()
    async with running(make_service(endless, left.put_nowait)) as address, aiohttp.ClientSession() as client:
        async with client.post(f"{address}/ask", json={"question": "Tell me everything."}) as answer:
            print((await anext(aiter(answer.content.iter_any()))).decode(), "…")
            answer.close()
        print(await asyncio.wait_for(left.get(), timeout=5))


class running:  # noqa: N801 - reads as what it does
    """The service on a free port, for as long as the block lasts."""

    def __init__(self, service: FastAPI) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._server = uvicorn.Server(uvicorn.Config(service, log_level="warning"))
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> str:
        self._task = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await self._task


def main() -> None:
    """Show the service, or serve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", type=int, metavar="PORT", help="serve on this port, with real providers")
    options = parser.parse_args()
    if options.serve:
        uvicorn.run(make_service(ChatG4F()), host="127.0.0.1", port=options.serve)
    else:
        asyncio.run(show_itself())


if __name__ == "__main__":
    main()
