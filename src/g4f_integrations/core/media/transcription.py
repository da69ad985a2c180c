"""Recordings → what is said in them, with times where they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.endpoint import load_other
from g4f_integrations.core.failures import AttemptFailed, Failure, classify_content
from g4f_integrations.core.jobs import run_job
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.media.calling import a_format, an_extra, routes_of, told, with_models
from g4f_integrations.core.media.inputs import MediaInput, load_input
from g4f_integrations.core.media.results import Transcription
from g4f_integrations.core.media.subtitles import Segment, read_subtitles
from g4f_integrations.core.media.work import ask_provider
from g4f_integrations.core.wire.errors import is_error

TranscriptFormat: TypeAlias = Literal["text", "segments", "srt", "vtt"]

_FORMATS = ("text", "segments", "srt", "vtt")
_WIRE_FORMATS = {"text": "json", "segments": "verbose_json", "srt": "srt", "vtt": "vtt"}
_MODELS = ("default_model",)
_DEFAULT_MODEL = "whisper-1"
_SECONDS = 300.0
_PROMPT = "Transcribe this audio"
_NEEDED = frozenset({"file", "model"})


@dataclass(frozen=True, slots=True)
class _Wish:
    recording: MediaInput
    response_format: str
    limits: DownloadLimits
    language: str | None = None
    prompt: str | None = None
    temperature: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def needs_times(self) -> bool:
        return self.response_format != "text"


@dataclass(frozen=True, slots=True)
class _Heard:
    text: str
    segments: tuple[Segment, ...] = ()
    language: str | None = None
    duration: float | None = None
    model: str | None = None
    dropped: tuple[str, ...] = ()


async def atranscribe(
    file: Any,
    *,
    language: str | None = None,
    prompt: str | None = None,
    temperature: float | None = None,
    response_format: TranscriptFormat = "text",
    extra: Mapping[str, Any] | None = None,
    **routing: Any,
) -> Transcription:
    """Writes down what is said in a recording.

    Args:
        file: A path object, bytes, a file object, an http(s) address, a ``data:`` URI, or a `GeneratedSpeech`. A string
            is never taken for a path.
        language: Language code (``"en"``), where it is known.
        prompt: Words that may occur, for spelling.
        temperature: Of the model.
        response_format: ``"segments"``, ``"srt"`` or ``"vtt"`` ask for times, of which all three can be made
            (`Transcription.to_srt`, `to_vtt`); a route that cannot tell them counts as failed.
        extra: Further parameters that the route takes.
        **routing: `model`, `provider`, `routes` … as for `agenerate_images`; somebody has to be named.

    Raises:
        ConfigurationError: An argument is wrong, or the file is no recording; nothing was sent.
        IntegrationError: Every route failed.
    """
    routes = routes_of(routing)
    wanted = a_format({"json": "text", "verbose_json": "segments"}.get(response_format, response_format), _FORMATS)
    recording = await load_input(file, "audio", routes.limits, what="file")
    wish = _Wish(recording, wanted, routes.limits, language, prompt, temperature, an_extra(extra))
    done = await run_job(
        routes.choice(()),  # what g4f has for it without a key runs on this machine, so it has to be named
        routes.policy(_SECONDS),
        lambda route: _attempt(route, wish),
        output="text",
        adapting=with_models(_MODELS),
    )
    heard = done.value
    return Transcription(
        text=heard.text, segments=heard.segments, language=heard.language or language, duration=heard.duration,
        **told(done.candidate, done.attempts, heard.dropped, heard.model),
    )  # fmt: skip


def transcribe(file: Any, **arguments: Any) -> Transcription:
    """Like `atranscribe`, for callers without an event loop, or who want to block theirs."""
    return run_blocking(lambda: atranscribe(file, **arguments))


async def _attempt(candidate: Candidate, wish: _Wish) -> _Heard:
    heard = await (_ask_endpoint(candidate, wish) if candidate.provider is None else _ask(candidate, wish))
    text = heard.text.strip()
    judged = classify_content(text, provider=candidate.name, unseen=False)  # people say anything
    if judged is not None:
        raise AttemptFailed(judged)
    if text[:15].lower().startswith(("<!doctype", "<html")):
        raise AttemptFailed(Failure("blocked", message="a page came where a transcript was asked for"))
    if wish.needs_times and not heard.segments:
        message = f"the route gave a text without times, which response_format={wish.response_format!r} needs"
        raise AttemptFailed(Failure("bad_request", message=message))
    return heard


async def _ask(candidate: Candidate, wish: _Wish) -> _Heard:
    from io import BytesIO

    wanted = {
        "prompt": wish.prompt or _PROMPT,
        "media": [(BytesIO(wish.recording.data), wish.recording.name)],
        "modalities": ["text"],
        "language": wish.language,
        "temperature": wish.temperature,
        **wish.extra,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    answer = await ask_provider(candidate, wish.prompt or _PROMPT, given, kind=None, max_bytes=wish.limits.max_bytes)
    segments = tuple(read_subtitles(answer.text))
    text = " ".join(one.text for one in segments) if segments else answer.text.strip()
    return _Heard(text, segments, model=answer.model, dropped=answer.dropped)


async def _ask_endpoint(candidate: Candidate, wish: _Wish) -> _Heard:
    other = await load_other()
    fields = {
        "model": candidate.model or _DEFAULT_MODEL,
        "language": wish.language,
        "prompt": wish.prompt,
        "temperature": wish.temperature,
        "response_format": _WIRE_FORMATS[wish.response_format],
        "timestamp_granularities[]": ["segment"] if wish.response_format == "segments" else None,
        **wish.extra,
    }
    recording = wish.recording
    form = [("file", other.FormFile(recording.data, recording.name, recording.format.mime_type))]
    answer = await other.post_to_endpoint(
        candidate, "/audio/transcriptions", fields, files=form, needed=_NEEDED, max_bytes=wish.limits.max_bytes
    )
    return _read(answer)


def _read(answer: Any) -> _Heard:
    payload = answer.payload
    if not isinstance(payload, dict):
        try:
            text = answer.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            named = answer.content_type or "of unknown type"
            message = f"{len(answer.data)} bytes, {named}, that are no text came where a transcript was asked for"
            raise AttemptFailed(Failure("invalid", message=message)) from None
        if isinstance(payload, str):
            text = payload
        segments = tuple(read_subtitles(text))
        return _Heard(" ".join(one.text for one in segments) if segments else text, segments, dropped=answer.dropped)
    if is_error(payload) or "text" not in payload:
        shown = answer.data[:300].decode("utf-8", "replace")
        raise AttemptFailed(Failure("invalid", message=f"the answer holds no transcript: {' '.join(shown.split())}"))
    text = payload["text"] if isinstance(payload["text"], str) else ""
    segments = tuple(filter(None, map(_segment, payload.get("segments") or ()))) or tuple(read_subtitles(text))
    duration = payload.get("duration")
    return _Heard(
        " ".join(one.text for one in segments) if segments and ("-->" in text or not text.strip()) else text.strip(),
        segments,
        _word(payload.get("language")),
        float(duration) if isinstance(duration, int | float) else None,
        _word(payload.get("model")),
        answer.dropped,
    )


def _segment(row: Any) -> Segment | None:
    try:
        return Segment(float(row["start"]), float(row["end"]), str(row["text"]).strip())
    except (TypeError, ValueError, KeyError):
        return None


def _word(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
