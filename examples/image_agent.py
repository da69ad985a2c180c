"""A LangChain agent that searches, draws and speaks.

Needs ``pip install langchain``. Everything stays on this machine: scripted providers stand in for the model and for
who draws, of which one is down and one sends a page instead of a picture; who speaks is a small OpenAI-compatible
server that this program starts, and the search looks into a dictionary of two pages. The files go to the folder that is
named, or to a temporary one.

    python examples/image_agent.py
    python examples/image_agent.py --folder pictures
"""

from __future__ import annotations

import argparse
import base64
import io
import math
import struct
import tempfile
import threading
import wave
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from g4f.providers.response import ImageResponse
from langchain.agents import create_agent

from g4f_integrations import ChatG4F
from g4f_integrations.langchain import G4FImageTool, G4FSearchTool, G4FSpeechTool
from g4f_integrations.testing import ScriptedProvider


def sunset(width: int = 320, height: int = 180) -> bytes:
    """A PNG of a sky that fades from blue to red."""
    rows = b"".join(b"\x00" + bytes([255 * y // height, 80, 255 - 255 * y // height]) * width for y in range(height))
    parts = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(rows)),
        (b"IEND", b""),
    ]
    chunks = [struct.pack(">I", len(d)) + kind + d + struct.pack(">I", zlib.crc32(kind + d)) for kind, d in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tone(seconds: float = 0.5, rate: int = 8000) -> bytes:
    """A WAV of one clear tone."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        samples = (round(9000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(round(seconds * rate)))
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return buffer.getvalue()


class Speaker(BaseHTTPRequestHandler):
    """``POST /v1/audio/speech``, as OpenAI has it."""

    def do_POST(self) -> None:
        """Answer with a tone, whatever is to be said."""
        self.rfile.read(int(self.headers["Content-Length"]))
        body = tone()
        self.send_response(200)
        self.send_header("Content-Type", "audio/wav")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def speaking_server() -> Iterator[str]:
    """The base URL of a server on this machine that speaks."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Speaker) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def offline_model() -> ChatG4F:
    """A model that calls the three tools, in words, and then answers."""
    script = [
        ['```json\n[{"name": "web_search", "arguments": {"query": "sunset colours"}}]\n```'],
        ['```json\n[{"name": "generate_image", "arguments": {"prompt": "A sunset over the sea"}}]\n```'],
        ["<tool_call>text_to_speech(text='Here is your sunset.')</tool_call>"],
        ["The sunset is drawn, ", "and I have said so."],
    ]
    return ChatG4F(provider=ScriptedProvider(per_call=script, name="Talker"))


def look_up(query: str, most: int) -> list[dict[str, str]]:
    """Search two pages; without this, the tool asks real search engines."""
    pages = {"sunset": "The sky fades from blue to red.", "tides": "The sea rises and falls twice a day."}
    found = [{"title": word, "url": f"https://pages.example/{word}", "text": text} for word, text in pages.items()]
    return [page for page in found if page["title"] in query][:most]


def image_tool(folder: str) -> G4FImageTool:
    """Draws over three providers, of which the third is any good."""
    picture = "data:image/png;base64," + base64.b64encode(sunset()).decode()
    down = ScriptedProvider(ConnectionRefusedError("connection refused"), name="Down")
    lying = ScriptedProvider("<!DOCTYPE html><html><body>Enable JavaScript</body></html>", name="Lying")
    painter = ScriptedProvider(ImageResponse(picture, "a sunset"), name="Painter")
    return G4FImageTool(provider=[down, lying, painter], save_dir=folder)


def main() -> None:
    """Ask for a picture, and show each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", help="where the files go")
    folder = parser.parse_args().folder or tempfile.mkdtemp(prefix="image-agent-")

    with speaking_server() as base_url:
        speech = G4FSpeechTool(base_url=base_url, model="tts-1", format="wav", save_dir=folder)
        search = G4FSearchTool(search={"backend": look_up})
        agent = create_agent(offline_model(), [search, image_tool(folder), speech])
        state = agent.invoke({"messages": [("user", "Draw a sunset, and tell me when it is done.")]})

    for message in state["messages"]:
        message.pretty_print()
        made = getattr(message, "artifact", None)
        for one in made if isinstance(made, list) else [made]:
            if not getattr(one, "attempts", None):
                continue  # what was found by searching
            attempts = ", ".join(f"{attempt.provider} {attempt.outcome}" for attempt in one.attempts)
            print(f"\n({attempts})")


if __name__ == "__main__":
    main()
