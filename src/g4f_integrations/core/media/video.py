"""Films from words."""

from __future__ import annotations

import asyncio
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
from g4f_integrations.core.media.blocks import fitted_image
from g4f_integrations.core.media.calling import a_seed, a_text, an_extra, routes_of, told, with_models
from g4f_integrations.core.media.checking import check_media, failure_of_text
from g4f_integrations.core.media.inputs import MediaInput, load_input
from g4f_integrations.core.media.results import GeneratedVideo
from g4f_integrations.core.media.saving import folder_for, save_results
from g4f_integrations.core.media.work import Made, ask_provider, decode_base64, from_provider, made_of, most_json
from g4f_integrations.core.routes import Endpoint

_MODELS = ("default_video_model", "video_models", "default_model")
_SECONDS = 600.0
_MOST_BYTES = 512 * 1024 * 1024
_NEEDED = frozenset({"prompt", "model"})
_OF_A_PROVIDER = "/images/generations"  # where g4f's server has the same for a provider that it gets in the path
_PATHS = ("/media/generate", "/videos/generations")  # g4f's own, and what compatible servers have


@dataclass(frozen=True, slots=True)
class _Wish:
    prompt: str
    limits: DownloadLimits
    wanted: Mapping[str, Any]
    picture: MediaInput | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


async def agenerate_video(
    prompt: str,
    *,
    image: Any = None,
    duration: float | None = None,
    width: int | None = None,
    height: int | None = None,
    aspect_ratio: str | None = None,
    resolution: str | None = None,
    seed: int | None = None,
    negative_prompt: str | None = None,
    save_dir: str | os.PathLike[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    **routing: Any,
) -> GeneratedVideo:
    """A film of what `prompt` says.

    Args:
        prompt: What to show.
        image: A picture to begin with, as for `acreate_variation`, for routes that take one.
        duration: Seconds.
        width: In pixels.
        height: In pixels.
        aspect_ratio: ``"16:9"``.
        resolution: In the route's own words (``"720p"``).
        seed: For films that can be had again.
        negative_prompt: What not to show.
        save_dir: Folder to save to; the name is made of the contents.
        extra: Further parameters that the route takes.
        **routing: `model`, `provider`, `routes` … as for `agenerate_images`; somebody has to be named. Up to 512 MB are
            fetched unless `limits` says otherwise.

    Raises:
        ConfigurationError: An argument is wrong, or nobody is named; nothing was sent.
        IntegrationError: Every route failed.
        OSError: The film cannot be saved.
    """
    routes = routes_of(routing)
    limits = routes.limits if "limits" in routing else replace(routes.limits, max_bytes=_MOST_BYTES, timeout=_SECONDS)
    picture = None
    if image is not None:
        picture = await asyncio.to_thread(fitted_image, await load_input(image, "image", routes.limits, what="image"))
    wanted = {
        "duration": duration,
        "width": width,
        "height": height,
        "aspect_ratio": aspect_ratio,
        "resolution": resolution,
        "seed": a_seed(seed),
        "negative_prompt": negative_prompt,
    }
    given = {name: value for name, value in wanted.items() if value is not None}
    wish = _Wish(a_text(prompt, "prompt"), limits, given, picture, an_extra(extra))
    folder = folder_for(save_dir, "bytes")
    done = await run_job(
        routes.choice(()),
        routes.policy(_SECONDS),
        lambda route: _attempt(route, wish),
        output="video",
        adapting=with_models(_MODELS),
    )
    made = done.value
    film = GeneratedVideo(
        data=made.data, mime_type=made.format.mime_type, url=made.url,
        **told(done.candidate, done.attempts, made.dropped, made.model),
    )  # fmt: skip
    return (await save_results([film], folder))[0]


def generate_video(prompt: str, **arguments: Any) -> GeneratedVideo:
    """Like `agenerate_video`, for callers without an event loop, or who want to block theirs."""
    return run_blocking(lambda: agenerate_video(prompt, **arguments))


async def _attempt(candidate: Candidate, wish: _Wish) -> Made:
    if candidate.provider is None:
        return await _ask_endpoint(candidate, wish)
    wanted = {"prompt": wish.prompt, **wish.wanted, **wish.extra}
    if wish.picture is not None:
        wanted["media"] = [(wish.picture.data_uri, wish.picture.name)]
    answer = await ask_provider(candidate, wish.prompt, wanted, kind="video", max_bytes=wish.limits.max_bytes)
    return replace(await from_provider(candidate, answer, "video", wish.limits), text=None)


async def _ask_endpoint(candidate: Candidate, wish: _Wish) -> Made:
    other = await load_other()
    fields = {"model": candidate.model or None, "prompt": wish.prompt, **wish.wanted, **wish.extra}
    if wish.picture is not None:
        fields["image"] = wish.picture.data_uri
    failed: AttemptFailed | None = None
    for path in _PATHS if candidate.body_provider is None else (*_PATHS, _OF_A_PROVIDER):
        try:
            answer = await other.post_to_endpoint(
                candidate, path, fields, needed=_NEEDED, accept="application/json, video/*",
                max_bytes=most_json(wish.limits),
            )  # fmt: skip
        except AttemptFailed as error:
            if error.failure.status is None:
                raise
            failed = failed or error
            continue
        return replace(await _read(candidate, answer, wish), dropped=answer.dropped)
    assert failed is not None
    raise failed


async def _read(candidate: Candidate, answer: Any, wish: _Wish) -> Made:
    payload = answer.payload
    if payload is None:
        return Made(answer.data, check_media(answer.data, "video", answer.content_type))
    rows = payload.get("data", payload.get("videos", payload)) if isinstance(payload, dict) else payload
    row = rows[0] if isinstance(rows, list) and rows else rows
    if isinstance(row, str):
        row = {"url": row}
    assert isinstance(candidate.route, Endpoint)
    if isinstance(row, dict):
        if isinstance(encoded := row.get("b64_json"), str) and encoded:
            data = decode_base64(encoded)
            return Made(data, check_media(data, "video"))
        url = row.get("url") or row.get("video_url")
        if isinstance(url, str) and url:
            return await made_of(candidate, url, "video", wish.limits, base_url=candidate.route.base_url)
    raise AttemptFailed(failure_of_text(answer.data[:4000].decode("utf-8", "replace"), "video", answer.content_type))
