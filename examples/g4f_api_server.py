"""g4f's own API server as one route of many: chat through it, its list of models, and what happens when it goes down.

Without arguments it shows itself: the server starts in a process of its own on a free port of this machine, with one
scripted provider inside, and nothing leaves the machine. With ``--server http://localhost:1337`` it asks one that you
run (``g4f api``): your prompts then reach whichever providers it uses. Tell your users, send no secrets, respect the
providers' terms; this project is not affiliated with g4f or with any provider, and g4f is licensed under the GPL.

    pip install "g4f[api]"
    python examples/g4f_api_server.py
"""

from __future__ import annotations

import argparse
import logging
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from g4f_integrations import Catalog, ChatG4F, Endpoint, Resilience, Route
from g4f_integrations.testing import ScriptedProvider

SPARE = ScriptedProvider("I stand in for it.", name="Spare")


def ask(server: str, provider: str | None, stop: Callable[[], None]) -> None:
    """List the server's models, chat through it, end it, and chat on."""
    whole = Endpoint(f"{server}/v1")
    # The server asks the one provider whose name is in the path, or in the body: ChatG4F(base_url=…, provider=…).
    one = Endpoint(f"{server}/api/{provider}") if provider else whole
    catalog = Catalog(cache_dir=False)
    [asked] = catalog.refresh(one)
    print(f"{asked.models} models:", ", ".join(info.id for info in catalog.models(provider=one.name)[:3]))

    model = ChatG4F(routes=[one, Route(SPARE)], resilience=Resilience(backoff_initial=0.05))
    for chunk in model.stream("Why do lighthouses flash?"):
        print(chunk.text, end="", flush=True)
    print()
    stop()
    answer = model.invoke("And now?")
    attempts = answer.response_metadata["g4f"]["attempts"]
    print(answer.text, f"({', '.join(attempt['outcome'] for attempt in attempts)})")


@contextmanager
def own_server() -> Iterator[tuple[str, Callable[[], None]]]:
    """The address of a server with a scripted provider, and what ends it."""
    with tempfile.TemporaryDirectory(prefix="g4f-") as home:
        folders = dict.fromkeys(("HOME", "USERPROFILE", "G4F_CONFIG_DIR", "G4F_CACHE_DIR"), home)
        command = [sys.executable, os.path.abspath(__file__), "--serve"]  # noqa: PTH100  as it stands
        with subprocess.Popen(  # noqa: S603  this very file
            command, stdout=subprocess.PIPE, cwd=home, env={**os.environ, **folders}, text=True
        ) as process:

            def stop() -> None:
                process.kill()
                process.wait()

            try:
                assert process.stdout is not None
                port = process.stdout.readline().strip()
                if not port:
                    sys.exit("the server did not start; it needs: pip install 'g4f[api]'")
                yield f"http://127.0.0.1:{port}", stop
            finally:
                stop()


def serve() -> None:
    """g4f's server, as ``g4f api`` starts it, but with one provider that is scripted."""
    import g4f.debug  # in the server's process alone

    g4f.debug.version_check = False  # which would ask PyPI
    import uvicorn
    from g4f.Provider import ProviderLoader

    words = ("To be told apart, ", "each by its rhythm.")
    inside = ScriptedProvider(*words, name="Inside", models=["keeper-1", "keeper-2"])
    if "Inside" not in ProviderLoader.names:  # older versions know a provider by this list alone
        ProviderLoader.names.append("Inside")
    # G4FSpace asks for its models as it is loaded.
    ProviderLoader.loaded.update({"Inside": inside, "inside": inside, "G4FSpace": inside, "g4fspace": inside})
    from g4f.api import AppConfig, create_app

    AppConfig.set_config(ignore_cookie_files=True, gui=False, disable_colors=True)
    listening = socket.create_server(("127.0.0.1", 0))
    app = create_app()
    logging.disable(logging.CRITICAL)
    print(listening.getsockname()[1], flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical")).run(sockets=[listening])


def main() -> None:
    """Show it, or ask a server that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", help="address of a running server, such as http://localhost:1337")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
    elif options.server:
        ask(options.server.rstrip("/"), None, lambda: None)
    else:
        with own_server() as (server, stop):
            ask(server, "Inside", stop)


if __name__ == "__main__":
    main()
