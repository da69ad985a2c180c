"""Ask one question of several providers, and see who answered.

Offline by default: three scripted providers stand in, of which two fail. With ``--real`` the question goes to the free
providers that g4f knows, over the internet: your prompt then reaches third parties. Do not send secrets, respect the
providers' terms; this project is not affiliated with g4f or with any provider, and g4f is licensed under the GPL.

    python examples/quickstart.py
    python examples/quickstart.py --real "What is a monad?"
"""

from __future__ import annotations

import argparse

from g4f_integrations import ChatG4F, Resilience
from g4f_integrations.testing import ScriptedProvider, cut


def offline_model() -> ChatG4F:
    """A model over scripted providers; nothing leaves this machine."""
    busy = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    broken = ScriptedProvider(cut(), name="Broken")
    good = ScriptedProvider("A monad is a way ", "to chain steps ", "that carry something along.", name="Good")
    return ChatG4F(provider=[busy, broken, good])


def real_model() -> ChatG4F:
    """A model over g4f's own providers that need no key, in a reviewed order."""
    return ChatG4F(resilience=Resilience(first_token_timeout=15, deadline=60))


def main() -> None:
    """Stream one answer and print who gave it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", nargs="?", default="What is a monad, in one sentence?")
    parser.add_argument("--real", action="store_true", help="ask real providers over the internet")
    options = parser.parse_args()

    model = real_model() if options.real else offline_model()
    answer = None
    for chunk in model.stream(options.prompt):
        print(chunk.text, end="", flush=True)
        answer = chunk if answer is None else answer + chunk
    print()

    info = answer.response_metadata["g4f"]
    for attempt in info["attempts"]:
        print(f"  {attempt['provider']}: {attempt['outcome']} after {attempt['seconds']:.2f} s")
    print(f"Answered by {info['provider']}; {answer.usage_metadata['total_tokens']} tokens.")


if __name__ == "__main__":
    main()
