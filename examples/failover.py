"""See a call survive its routes: failover before the first word, a stream carried on after it, a race against silence.

Everything is scripted; nothing leaves this machine.

    python examples/failover.py
"""

from __future__ import annotations

import logging

from g4f_integrations import ChatG4F, Resilience
from g4f_integrations.errors import StreamInterruptedError
from g4f_integrations.testing import ScriptedProvider, cut, stall

QUESTION = "Tell me of the lighthouse."


class Narrator(logging.Handler):
    """Prints what the engine says of its attempts, amid the answer that streams."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line of the log."""
        print(f"\n    [{record.getMessage().partition(': ')[2]}]\n  ", end="", flush=True)


def show(title: str, model: ChatG4F) -> None:
    """Stream one answer and print how it came to be."""
    print(f"{title}\n  ", end="")
    answer = None
    for chunk in model.stream(QUESTION):
        print(chunk.text, end="", flush=True)
        answer = chunk if answer is None else answer + chunk
    assert answer is not None
    told = answer.response_metadata["g4f"]
    ways = " → ".join(f"{attempt['provider']} {attempt['outcome']}" for attempt in told["attempts"])
    print(f"\n  {ways}; carried on {told['resumed']} times\n")


def main() -> None:
    """Four calls that meet with trouble."""
    engine = logging.getLogger("g4f_integrations.engine")
    engine.addHandler(Narrator())
    engine.setLevel(logging.INFO)
    engine.propagate = False
    down = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    busy = ScriptedProvider("The server is busy. Please try again later.", name="Busy")
    breaks = ScriptedProvider("The lighthouse of Roundstone ", "flashes twice ", stall(0.05), cut(), name="Breaks")
    repeats = ScriptedProvider("flashes twice every ", "fifteen seconds.", name="Repeats")
    other = ScriptedProvider("The harbour is closed.", name="Other")
    silent = ScriptedProvider(stall(30), name="Silent")

    show("Before the first word, the next route begins:", ChatG4F(provider=[down, busy, other]))
    show("After it, the next route carries on, and what it repeats is dropped:", ChatG4F(provider=[breaks, repeats]))
    hedged = Resilience(hedge_after=0.05)
    show("Beside a route that keeps silent, another is asked:", ChatG4F(provider=[silent, repeats], resilience=hedged))

    print("What nobody can carry on is an error, with everything so far:\n  ", end="")
    words = ScriptedProvider("The lighthouse of Roun", stall(0.05), cut(), name="Breaks")
    try:
        for chunk in ChatG4F(provider=[words, other]).stream(QUESTION):
            print(chunk.text, end="", flush=True)
    except StreamInterruptedError as error:
        print(f"\n  {type(error).__name__}: kept {error.partial_text!r} after {len(error.attempts)} attempts")


if __name__ == "__main__":
    main()
