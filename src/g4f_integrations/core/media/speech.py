"""Text → spoken words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.endpoint import load_other
from g4f_integrations.core.failures import AttemptFailed
from g4f_integrations.core.jobs import run_job
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.media.calling import a_text, an_extra, routes_of, told, with_models
from g4f_integrations.core.media.checking import check_media, failure_of_text
from g4f_integrations.core.media.results import GeneratedSpeech
from g4f_integrations.core.media.saving import folder_for, save_results
from g4f_integrations.core.media.work import Made, ask_provider, decode_base64, from_provider, made_of
from g4f_integrations.core.routes import Endpoint
from g4f_integrations.errors import ConfigurationError

SPEECH_FORMATS = ("mp3", "wav", "opus", "aac", "flac", "pcm")
"""What endpoints commonly speak in; others are passed on as they are named."""

_DEFAULT_ROUTES = ("OpenAIFM",)  # reviewed as safe, and working without a key
_MODELS = ("default_audio_model", "default_model")
_SECONDS = 120.0
_DEFAULT_VOICE = "alloy"
_DEFAULT_MODEL = "tts-1"
_NEEDED = frozenset({"input", "model", "voice"})


@dataclass(frozen=True, slots=True)
class _Wish:
    text: str
    limits: DownloadLimits
    voice: str | None = None
    format: str = "mp3"
    speed: float | None = None
    language: str | None = None
    instructions: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


async def asynthesize_speech(
    text: str,
    *,
    voice: str | None = None,
    format: str = "mp3",
    speed: float | None = None,
    language: str | None = None,
    instructions: str | None = None,
    save_dir: str | os.PathLike[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    **routing: Any,
) -> GeneratedSpeech:
    """Speaks `text`.

    Args:
        text: What to say.
        voice: In the route's own words (``"alloy"``).
        format: ``"mp3"``, ``"wav"``, ``"opus"``, ``"aac"``, ``"flac"`` or ``"pcm"``. A route may give another one; the
            result's `mime_type` says what it really is.
        speed: 1.0 is the voice's own; 0.25 to 4.0.
        language: Language code (``"en"``, ``"de-DE"``), where the route does not hear it from the text.
        instructions: How to say it.
        save_dir: Folder to save to; the name is made of the contents.
        extra: Further parameters that the route takes.
        **routing: `model`, `provider`, `routes` … as for `agenerate_images`.

    Raises:
        ConfigurationError: An argument is wrong; nothing was sent.
        IntegrationError: Every route failed.
        OSError: The file cannot be saved.
    """
    routes = routes_of(routing)
    if not isinstance(format, str) or not format.isalnum():
        message = f"format must be a word such as 'mp3', not {format!r}"
        raise ConfigurationError(message)
    if speed is not None and (isinstance(speed, bool) or not 0.25 <= speed <= 4.0):
        message = f"speed must be a number from 0.25 to 4.0, not {speed!r}"
        raise ConfigurationError(message)
    wish = _Wish(
        a_text(text, "text"), routes.limits, voice, format.lower(), speed, language, instructions, an_extra(extra)
    )
    folder = folder_for(save_dir, "bytes")
    done = await run_job(
        routes.choice(_DEFAULT_ROUTES),
        routes.policy(_SECONDS),
        lambda route: _attempt(route, wish),
        output="speech",
        adapting=with_models(_MODELS),
    )
    made = done.value
    speech = GeneratedSpeech(
        data=made.data, mime_type=made.format.mime_type, url=made.url, transcript=made.text,
        **told(done.candidate, done.attempts, made.dropped, made.model),
    )  # fmt: skip
    return (await save_results([speech], folder))[0]


def synthesize_speech(text: str, **arguments: Any) -> GeneratedSpeech:
    """Like `asynthesize_speech`, for callers without an event loop, or who want to block theirs."""
    return run_blocking(lambda: asynthesize_speech(text, **arguments))


async def _attempt(candidate: Candidate, wish: _Wish) -> Made:
    raw = wish.format == "pcm"
    if candidate.provider is None:
        return await _ask_endpoint(candidate, wish, raw=raw)
    audio = {
        name: value
        for name, value in {
            "voice": wish.voice,
            "format": wish.format,
            "language": wish.language,
            "instructions": wish.instructions,
            "speed": wish.speed,
        }.items()
        if value is not None
    }
    wanted = {"prompt": wish.text, "audio": audio, "modalities": ["text", "audio"], **wish.extra}
    answer = await ask_provider(candidate, wish.text, wanted, kind="audio", max_bytes=wish.limits.max_bytes)
    return await from_provider(candidate, answer, "audio", wish.limits, raw=raw)


async def _ask_endpoint(candidate: Candidate, wish: _Wish, *, raw: bool) -> Made:
    other = await load_other()
    fields = {
        "model": candidate.model or _DEFAULT_MODEL,
        "input": wish.text,
        "voice": wish.voice or _DEFAULT_VOICE,
        "response_format": wish.format,  # g4f's server fails without it
        "speed": wish.speed,
        "language": wish.language,
        "instructions": wish.instructions,
        **wish.extra,
    }
    answer = await other.post_to_endpoint(
        candidate, "/audio/speech", fields, needed=_NEEDED, accept="audio/*", max_bytes=wish.limits.max_bytes
    )
    payload = answer.payload
    if payload is None:
        found = check_media(answer.data, "audio", answer.content_type, raw=raw)
        return Made(answer.data, found, dropped=answer.dropped)
    made = await _from_json(candidate, payload, wish)
    if made is None:
        raise AttemptFailed(
            failure_of_text(answer.data[:4000].decode("utf-8", "replace"), "audio", answer.content_type)
        )
    return replace(made, dropped=answer.dropped)


async def _from_json(candidate: Candidate, payload: Any, wish: _Wish) -> Made | None:
    """The sound inside a JSON answer, as some servers wrap it."""
    held = payload.get("audio", payload.get("data", payload)) if isinstance(payload, dict) else None
    if isinstance(held, list) and held:
        held = held[0]
    if isinstance(held, dict):
        held = held.get("data") or held.get("b64_json") or held.get("url") or held.get("audio_url")
    if not isinstance(held, str) or not held:
        return None
    assert isinstance(candidate.route, Endpoint)
    if held.startswith(("http://", "https://", "data:", "/")):
        return await made_of(candidate, held, "audio", wish.limits, base_url=candidate.route.base_url)
    data = decode_base64(held)
    return Made(data, check_media(data, "audio", raw=wish.format == "pcm"))
