"""Pictures: from words, as variations of one, and changed by words."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.jobs import run_job
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.media.blocks import fitted_image
from g4f_integrations.core.media.calling import (
    a_format,
    a_seed,
    a_text,
    an_extra,
    routes_of,
    several,
    told,
    with_models,
)
from g4f_integrations.core.media.drawing import Wish, draw
from g4f_integrations.core.media.inputs import MediaInput, load_input
from g4f_integrations.core.media.results import GeneratedImage
from g4f_integrations.core.media.saving import folder_for, save_results
from g4f_integrations.core.media.settings import MediaRoutes
from g4f_integrations.errors import ConfigurationError

ImageFormat: TypeAlias = Literal["url", "b64_json", "bytes", "path"]

_FORMATS = ("url", "b64_json", "bytes", "path")
_DEFAULT_ROUTES = ("PollinationsImage", "StabilityAI_SD35Large")  # reviewed as safe, and working without a key
_MODELS = ("default_image_model", "image_models", "default_model")
_SECONDS = 120.0
_SIZE = re.compile(r"(\d{1,5})\s{0,2}[x*]\s{0,2}(\d{1,5})", re.IGNORECASE)
_RATIO = re.compile(r"(\d{1,3}):(\d{1,3})")
_RATIO_SIDE = 1024
_GRAIN = 8  # diffusion models make sides that are multiples of it
_VARIATION = "Create a variation of this image."


async def agenerate_images(
    prompt: str,
    *,
    n: int = 1,
    size: str | None = None,
    width: int | None = None,
    height: int | None = None,
    aspect_ratio: str | None = None,
    quality: str | None = None,
    style: str | None = None,
    seed: int | None = None,
    negative_prompt: str | None = None,
    response_format: ImageFormat = "url",
    save_dir: str | os.PathLike[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    **routing: Any,
) -> list[GeneratedImage]:
    """Pictures of what `prompt` says.

    Every picture has been fetched and looked at before it is given: a route that answers with a page, a notice, an
    empty body, or an address that leads to one, counts as failed, and the next one is asked.

    Args:
        prompt: What to draw.
        n: How many; each is a call of its own, several at a time. A `seed` counts up over them.
        size: ``"1024x768"``; or give `width` and `height`, or `aspect_ratio`.
        width: In pixels.
        height: In pixels.
        aspect_ratio: ``"16:9"``.
        quality: In the route's own words (``"hd"``).
        style: In the route's own words (``"vivid"``).
        seed: For pictures that can be had again.
        negative_prompt: What not to draw.
        response_format: What the results should hold beside the bytes, which they always do: ``"url"`` the address
            where the route has one, ``"path"`` a file in `save_dir`.
        save_dir: Folder for files; names are made of the contents.
        extra: Further parameters that the route takes.
        **routing: `model`, `provider`, `routes`, `fallback_models`, `base_url`, `default_headers`, `proxy`, `api_key`,
            `timeout`, `max_retries`, `resilience`, `limits`, as for a chat model. Nobody named takes what is known to
            work without a key.

    Returns:
        `n` pictures, in order.

    Raises:
        ConfigurationError: An argument is wrong; nothing was sent.
        IntegrationError: Every route failed.
        OSError: A picture cannot be saved.
    """
    routes = routes_of(routing)
    shape = _shape(size, width, height, aspect_ratio)
    taste = {"quality": quality, "style": style, "negative_prompt": negative_prompt}
    wish = Wish(
        a_text(prompt, "prompt"),
        "/images/generations",
        {**taste, "size": shape.get("size")},
        {**taste, **{name: shape[name] for name in ("width", "height", "aspect_ratio") if name in shape}},
        routes.limits,
        a_format(response_format, _FORMATS),
        seed=a_seed(seed),
        extra=an_extra(extra),
    )
    return await _make(wish, routes, n, save_dir)


async def acreate_variation(
    image: Any,
    *,
    prompt: str = _VARIATION,
    n: int = 1,
    size: str | None = None,
    response_format: ImageFormat = "url",
    save_dir: str | os.PathLike[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    **routing: Any,
) -> list[GeneratedImage]:
    """Variations of a picture.

    Args:
        image: A path object, bytes, a file object, a Pillow image, an address or a ``data:`` URI. A string is never
            taken for a path.
        prompt: How it should vary, for routes that take words beside a picture; endpoints take none here.
        n: How many.
        size: ``"1024x1024"``.
        response_format: As for `agenerate_images`.
        save_dir: As for `agenerate_images`.
        extra: Further parameters that the route takes.
        **routing: As for `agenerate_images`.

    Raises:
        ConfigurationError: An argument is wrong, or the picture cannot be read; nothing was sent.
        IntegrationError: Every route failed.
    """
    routes = routes_of(routing)
    picture = await _picture(image, routes.limits, "image")
    shape = _shape(size, None, None, None)
    wish = Wish(
        a_text(prompt, "prompt"), "/images/variations", {"size": shape.get("size")}, _sides(shape), routes.limits,
        a_format(response_format, _FORMATS), (picture,), extra=an_extra(extra),
    )  # fmt: skip
    return await _make(wish, routes, n, save_dir, takes_pictures=True)


async def aedit_image(
    image: Any,
    prompt: str,
    *,
    mask: Any = None,
    n: int = 1,
    size: str | None = None,
    quality: str | None = None,
    response_format: ImageFormat = "url",
    save_dir: str | os.PathLike[str] | None = None,
    extra: Mapping[str, Any] | None = None,
    **routing: Any,
) -> list[GeneratedImage]:
    """A picture, or several, changed as `prompt` says.

    Args:
        image: As for `acreate_variation`; or a list of such.
        prompt: What to change.
        mask: A picture whose transparent parts are those to change; only endpoints take it.
        n: How many results.
        size: ``"1024x1024"``.
        quality: In the route's own words.
        response_format: As for `agenerate_images`.
        save_dir: As for `agenerate_images`.
        extra: Further parameters that the route takes.
        **routing: As for `agenerate_images`.

    Raises:
        ConfigurationError: An argument is wrong, or a picture cannot be read; nothing was sent.
        IntegrationError: Every route failed.
    """
    routes = routes_of(routing)
    images = image if isinstance(image, list | tuple) else [image]
    if not images:
        message = "image names no picture"
        raise ConfigurationError(message)
    pictures = tuple([await _picture(one, routes.limits, "image") for one in images])
    shape = _shape(size, None, None, None)
    wish = Wish(
        a_text(prompt, "prompt"), "/images/edits", {"size": shape.get("size"), "quality": quality},
        {**_sides(shape), "quality": quality}, routes.limits, a_format(response_format, _FORMATS), pictures,
        None if mask is None else await _picture(mask, routes.limits, "mask"), extra=an_extra(extra),
    )  # fmt: skip
    return await _make(wish, routes, n, save_dir, takes_pictures=True)


def generate_images(prompt: str, **arguments: Any) -> list[GeneratedImage]:
    """Like `agenerate_images`, for callers without an event loop, or who want to block theirs."""
    return run_blocking(lambda: agenerate_images(prompt, **arguments))


def create_variation(image: Any, **arguments: Any) -> list[GeneratedImage]:
    """Like `acreate_variation`, for callers without an event loop, or who want to block theirs."""
    return run_blocking(lambda: acreate_variation(image, **arguments))


def edit_image(image: Any, prompt: str, **arguments: Any) -> list[GeneratedImage]:
    """Like `aedit_image`, for callers without an event loop, or who want to block theirs."""
    return run_blocking(lambda: aedit_image(image, prompt, **arguments))


# How a wish is met -------------------------------------------------------------------------------------------------


async def _picture(source: Any, limits: DownloadLimits, what: str) -> MediaInput:
    loaded = await load_input(source, "image", limits, what=what)
    return replace(await asyncio.to_thread(fitted_image, loaded), name=f"{what}{loaded.format.extension}")


def _shape(size: str | None, width: int | None, height: int | None, aspect_ratio: str | None) -> dict[str, Any]:
    """The wished size in the words of endpoints and of g4f.

    Raises:
        ConfigurationError: It is told twice, by half, or cannot be read.
    """
    ways = [size is not None, width is not None or height is not None, aspect_ratio is not None]
    if sum(ways) > 1:
        message = "give one of size, width with height, and aspect_ratio"
        raise ConfigurationError(message)
    if size is not None:
        if size == "auto":
            return {"size": "auto"}
        found = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
        if found is None:
            message = f"size must look like '1024x768', not {size!r}"
            raise ConfigurationError(message)
        width, height = int(found[1]), int(found[2])
    elif aspect_ratio is not None:
        ratio = _RATIO.fullmatch(aspect_ratio.strip()) if isinstance(aspect_ratio, str) else None
        if ratio is None or not int(ratio[1]) or not int(ratio[2]):
            message = f"aspect_ratio must look like '16:9', not {aspect_ratio!r}"
            raise ConfigurationError(message)
        across, down = int(ratio[1]), int(ratio[2])
        longer = max(across, down)
        sides = [max(round(_RATIO_SIDE * side / longer / _GRAIN) * _GRAIN, _GRAIN) for side in (across, down)]
        return {"aspect_ratio": f"{across}:{down}", "size": f"{sides[0]}x{sides[1]}"}
    if width is None and height is None:
        return {}
    if not width or not height or width < 1 or height < 1:
        message = f"width and height must both be given, as positive numbers of pixels, not {width!r} and {height!r}"
        raise ConfigurationError(message)
    return {"size": f"{width}x{height}", "width": width, "height": height}


def _sides(shape: Mapping[str, Any]) -> dict[str, Any]:
    return {name: shape[name] for name in ("width", "height") if name in shape}


async def _make(
    wish: Wish,
    routes: MediaRoutes,
    n: int,
    save_dir: str | os.PathLike[str] | None,
    *,
    takes_pictures: bool = False,
) -> list[GeneratedImage]:
    folder = folder_for(save_dir, wish.response_format)
    choice = routes.choice(() if takes_pictures else _DEFAULT_ROUTES)
    policy = routes.policy(_SECONDS)
    adapting = with_models(_MODELS)

    async def one(index: int) -> GeneratedImage:
        numbered = wish if wish.seed is None else replace(wish, seed=wish.seed + index)
        done = await run_job(choice, policy, lambda route: draw(route, numbered), output="image", adapting=adapting)
        made = done.value
        url = made.url
        if url is None and wish.response_format == "url":
            url = GeneratedImage(data=made.data, mime_type=made.format.mime_type).data_uri
        return GeneratedImage(
            data=made.data, mime_type=made.format.mime_type, url=url, width=made.format.width,
            height=made.format.height, revised_prompt=made.text,
            **told(done.candidate, done.attempts, made.dropped, made.model),
        )  # fmt: skip

    return await save_results(await several(n, one), folder)
