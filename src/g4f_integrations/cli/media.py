"""``image``, ``speak`` and ``transcribe``."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from g4f_integrations.cli import options
from g4f_integrations.cli.console import remark, write_json, write_text
from g4f_integrations.errors import ConfigurationError

Output = Annotated[Path, typer.Option("--output", "-o", help="A file, or a folder in which a name is found.")]
MediaModel = Annotated[str | None, typer.Option("--model", "-m", help="Model id.")]


class Transcript(StrEnum):
    """What a transcript is written as."""

    TEXT = "text"
    SRT = "srt"
    VTT = "vtt"


def image(
    *,
    prompt: Annotated[list[str], typer.Argument(help="What to draw.")],
    output: Output = Path(),
    number: Annotated[int, typer.Option("-n", min=1, max=10, help="How many pictures.")] = 1,
    size: Annotated[str | None, typer.Option("--size", help="Such as 1024x768.")] = None,
    model: MediaModel = None,
    provider: options.Providers = None,
    route: options.Routes = None,
    base_url: options.BaseURL = None,
    api_key: options.Key = None,
    timeout: options.Timeout = None,
    as_json: options.Json = False,
) -> None:
    """Draw a picture and save it.

    Examples:
      g4f-integrations image "A lighthouse at dusk"
      g4f-integrations image -n 3 -o pictures/ "A red door"
    """
    routing = options.settings_of(
        model=model or "", provider=provider, route=route, base_url=base_url, api_key=api_key, timeout=timeout
    )
    if number > 1 and output.suffix and not output.is_dir():
        message = f"{number} pictures do not fit into one file; name a folder with --output"
        raise ConfigurationError(message)
    if number > 1 and not output.is_dir():
        output.mkdir(parents=True)
    from g4f_integrations.core.media import generate_images  # --help needs no engine

    made = generate_images(" ".join(prompt), n=number, size=size, **routing)
    _tell([(one.save(output), one.metadata) for one in made], as_json=as_json)


def speak(
    *,
    text: Annotated[list[str] | None, typer.Argument(help="What to say; by default what a pipe brings.")] = None,
    output: Output = Path(),
    voice: Annotated[str | None, typer.Option("--voice", help="In the route's own words, such as alloy.")] = None,
    language: Annotated[str | None, typer.Option("--language", help="Such as en or de-DE.")] = None,
    model: MediaModel = None,
    provider: options.Providers = None,
    route: options.Routes = None,
    base_url: options.BaseURL = None,
    api_key: options.Key = None,
    timeout: options.Timeout = None,
    as_json: options.Json = False,
) -> None:
    """Say a text and save the recording.

    Examples:
      g4f-integrations speak -o hello.mp3 "Good morning"
      g4f-integrations speak -o page.mp3 < page.txt
    """
    routing = options.settings_of(
        model=model or "", provider=provider, route=route, base_url=base_url, api_key=api_key, timeout=timeout
    )
    said = " ".join(text or ()) or ("" if sys.stdin.isatty() else sys.stdin.read().strip())
    if not said:
        message = "there is nothing to say; write it behind `speak`, or pipe it in"
        raise ConfigurationError(message)
    wanted: dict[str, Any] = {"format": output.suffix[1:]} if output.suffix in _SPEECH else {}
    from g4f_integrations.core.media import synthesize_speech  # --help needs no engine

    made = synthesize_speech(said, voice=voice, language=language, **wanted, **routing)
    _tell([(made.save(output), made.metadata)], as_json=as_json)


_SPEECH = {".mp3", ".wav", ".opus", ".aac", ".flac", ".pcm"}


def transcribe(
    *,
    file: Annotated[str, typer.Argument(help="A recording: a file or an address.")],
    form: Annotated[Transcript, typer.Option("--format", "-f", help="What to write.")] = Transcript.TEXT,
    language: Annotated[str | None, typer.Option("--language", help="Such as en, where it is known.")] = None,
    model: MediaModel = None,
    provider: options.Providers = None,
    route: options.Routes = None,
    base_url: options.BaseURL = None,
    api_key: options.Key = None,
    timeout: options.Timeout = None,
    as_json: options.Json = False,
) -> None:
    """Write down what is said in a recording.

    Examples:
      g4f-integrations transcribe talk.mp3 --base-url http://127.0.0.1:8000/v1
      g4f-integrations transcribe talk.mp3 --provider MarkItDown  # on this machine
    """
    routing = options.settings_of(
        model=model or "", provider=provider, route=route, base_url=base_url, api_key=api_key, timeout=timeout
    )
    source = file if file.startswith(("http://", "https://", "data:")) else Path(file).expanduser()
    from g4f_integrations.core.media import transcribe as listen  # --help needs no engine

    heard = listen(source, language=language, response_format=form.value, **routing)
    if as_json:
        segments = [{"start": one.start, "end": one.end, "text": one.text} for one in heard.segments]
        write_json({"text": heard.text, "language": heard.language, "segments": segments, "g4f": heard.metadata})
        return
    text = {Transcript.TEXT: lambda: heard.text, Transcript.SRT: heard.to_srt, Transcript.VTT: heard.to_vtt}[form]()
    write_text(text if text.endswith("\n") else f"{text}\n")


def _tell(saved: list[tuple[Path, dict[str, Any]]], *, as_json: bool) -> None:
    """Where the files are, on standard output; who made them, beside it."""
    if as_json:
        write_json([{"path": str(path), "g4f": metadata} for path, metadata in saved])
        return
    for path, metadata in saved:
        sys.stdout.write(f"{path}\n")
        remark(f"by {metadata['provider']}{':' if metadata['model'] else ''}{metadata['model']}")
