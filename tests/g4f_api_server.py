"""g4f's own API server with one scripted provider inside: ``python g4f_api_server.py``, in a process of its own.

Writes its port on the first line and serves until its standard input is closed. `InProc` does what the model's name
says; nothing else can be reached, for the network guard is in this process, too.
"""

import base64
import logging
import os
import socket
import sys
import threading

import g4f.debug

g4f.debug.version_check = False

import uvicorn  # noqa: E402
from g4f.errors import MissingAuthError, RateLimitError  # noqa: E402
from g4f.Provider import ProviderLoader  # noqa: E402
from g4f.providers.base_provider import AsyncGeneratorProvider  # noqa: E402
from g4f.providers.response import (  # noqa: E402
    AudioResponse,
    FinishReason,
    ImageResponse,
    ProviderInfo,
    Reasoning,
    ToolCalls,
    Usage,
)

PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SOUND = b"ID3\x03\x00\x00\x00\x00\x00\x00" + b"\xff\xfb\x90\x64" + b"\x00" * 413
TOO_LONG = "Error 400: This model's maximum context length is 8192 tokens, however you requested 9000 tokens."
FAILURES = {
    "rate": lambda: RateLimitError("Error 429: slow down"),
    "auth": lambda: MissingAuthError("Add a api_key: sk-of-the-server-1234567"),
    "long": lambda: RuntimeError(TOO_LONG),
    "broken": lambda: RuntimeError("Bearer sk-of-the-server-1234567 was refused"),
}


class InProc(AsyncGeneratorProvider):
    """A provider that answers by the model's name."""

    url = "http://127.0.0.1"
    working = supports_stream = supports_system_message = supports_message_history = supports_native_tools = True
    default_model = "hello"
    models = ["hello", "tools", *FAILURES, "cut", "picture", "voice", "thinking", "echo"]  # noqa: RUF012
    image_models = ["picture"]  # noqa: RUF012

    @classmethod
    async def create_async_generator(cls, model, messages, prompt=None, **kwargs):
        if model in FAILURES:
            make = FAILURES[model]
            raise make()
        if model == "picture":
            port = os.environ["PICTURE_PORT"]
            yield ImageResponse(f"http://127.0.0.1:{port}/picture.png", prompt or "a picture")
            return
        if model == "voice":
            yield AudioResponse(f"data:audio/mpeg;base64,{base64.b64encode(SOUND).decode()}")
            return
        yield ProviderInfo(**cls.get_dict(), model=model)
        if model == "thinking":
            yield Reasoning("It was asked.")
        if model == "tools" and "tools" not in kwargs and "parameters" in str(messages[0]["content"]):
            yield '```json\n[{"id": "a1", "name": "find_lighthouse", "arguments": {"place": "Roundstone"}}]\n```'
            return
        if model == "tools" and messages[-1]["role"] == "user":
            function = {"name": kwargs["tools"][-1]["function"]["name"], "arguments": '{"place": "Roundstone"}'}
            yield ToolCalls([{"id": "call_1", "type": "function", "function": function}])
            yield FinishReason("tool_calls")
            return
        if model == "echo":
            yield str(sorted(name for name, value in kwargs.items() if value is not None))
        else:
            yield "Hello"
            if model == "cut":
                raise RuntimeError("the line went dead")
            yield " from the inside"
        yield Usage(prompt_tokens=3, completion_tokens=4)
        yield FinishReason("stop")


def serve():
    for name in ("InProc", "G4FSpace"):  # the second one would ask for its models while it is imported
        ProviderLoader.loaded[name] = ProviderLoader.loaded[name.lower()] = InProc
    if "InProc" not in ProviderLoader.names:  # older versions know a provider by this list alone
        ProviderLoader.names.append("InProc")
    from g4f.api import AppConfig, create_app

    AppConfig.set_config(
        ignore_cookie_files=True, gui=False, disable_colors=True, g4f_api_key=os.environ.get("OUR_KEY")
    )
    listening = socket.create_server(("127.0.0.1", 0))
    os.environ["PICTURE_PORT"] = str(listening.getsockname()[1])
    app = create_app()

    @app.middleware("http")
    async def picture(request, call_next):
        if request.url.path != "/picture.png":
            return await call_next(request)
        from fastapi import Response

        return Response(PICTURE, media_type="image/png")

    logging.disable(logging.CRITICAL)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="on"))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
    server.run(sockets=[listening])


if __name__ == "__main__":
    serve()
