"""One route's way to meet a wish for a picture: a g4f provider's own method, or an endpoint's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from g4f_integrations.core.candidates.candidate import Candidate, RouteKey
from g4f_integrations.core.downloads import DownloadLimits
from g4f_integrations.core.endpoint import load_other
from g4f_integrations.core.events import Outcome
from g4f_integrations.core.failures import AttemptFailed, Failure, HTTPFailure, classify
from g4f_integrations.core.media.checking import check_media, failure_of_text
from g4f_integrations.core.media.inputs import MediaInput
from g4f_integrations.core.media.work import Made, ask_provider, decode_base64, from_provider, made_of, most_json
from g4f_integrations.core.routes import Endpoint


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of each route.

    Attributes:
        prompt: What to draw.
        path: Below an endpoint's base URL.
        fields: Parameters by OpenAI's names.
        wanted: The same by g4f's names.
        limits: What is fetched at the most.
        response_format: ``"url"`` asks endpoints for an address.
        pictures: Those to work on.
        mask: Where to work on them.
        seed: For pictures that can be had again.
        extra: Further parameters that the route takes.
        by_url: Routes that failed to give bytes and are asked for an address instead.
    """

    prompt: str
    path: str
    fields: Mapping[str, Any]
    wanted: Mapping[str, Any]
    limits: DownloadLimits
    response_format: str = "url"
    pictures: tuple[MediaInput, ...] = ()
    mask: MediaInput | None = None
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    by_url: set[RouteKey] = field(default_factory=set)


async def draw(candidate: Candidate, wish: Wish) -> Made:
    """The picture that one route makes.

    Raises:
        AttemptFailed: What it gave is none.
    """
    if candidate.provider is None:
        return await _ask_endpoint(candidate, wish)
    wanted = {
        "prompt": wish.prompt,
        **{name: value for name, value in wish.wanted.items() if value is not None},
        **({"seed": wish.seed} if wish.seed is not None else {}),
        **({"media": [(one.data_uri, one.name) for one in wish.pictures]} if wish.pictures else {}),
        **wish.extra,
    }
    answer = await ask_provider(candidate, wish.prompt, wanted, kind="image", max_bytes=wish.limits.max_bytes)
    made = await from_provider(candidate, answer, "image", wish.limits)
    return replace(made, text=None)  # g4f's own text form of the picture


_NEEDED = frozenset({"prompt", "image", "image[]", "model", "n"})


async def _ask_endpoint(candidate: Candidate, wish: Wish) -> Made:
    other = await load_other()
    asks_url = wish.response_format == "url" or candidate.key in wish.by_url
    fields = {
        "model": candidate.model or None,
        "prompt": None if wish.path.endswith("variations") else wish.prompt,
        "n": 1,
        "response_format": "url" if asks_url else "b64_json",
        "seed": wish.seed,
        **wish.fields,
        **wish.extra,
    }
    form = _form(wish, other)
    send = other.post_to_endpoint
    most = most_json(wish.limits)
    try:
        answer = await send(candidate, wish.path, fields, files=form, needed=_NEEDED, max_bytes=most)
    except HTTPFailure as failure:
        if failure.status < 500 or asks_url or failure.mended:
            raise
        wish.by_url.add(candidate.key)  # g4f's server fails to encode what its providers give as data: URIs
        raise AttemptFailed(classify(failure), again=True) from None
    except AttemptFailed as failed:
        if failed.failure.status is None or wish.path != "/images/generations":
            raise
        answer = await send(candidate, "/images/generate", fields, needed=_NEEDED, max_bytes=most)  # g4f's own name
    made = await _read(candidate, answer, wish)
    return replace(made, dropped=answer.dropped)


def _form(wish: Wish, other: Any) -> list[tuple[str, Any]]:
    name = "image" if len(wish.pictures) == 1 else "image[]"
    files = [(name, other.FormFile(one.data, one.name, one.format.mime_type)) for one in wish.pictures]
    if wish.mask is not None:
        files.append(("mask", other.FormFile(wish.mask.data, wish.mask.name, wish.mask.format.mime_type)))
    return files


async def _read(candidate: Candidate, answer: Any, wish: Wish) -> Made:
    payload = answer.payload
    if payload is None:
        # Some servers answer with the picture itself; everything else that is no JSON is a failure, told as what it is.
        return Made(answer.data, check_media(answer.data, "image", answer.content_type))
    rows = payload.get("data", payload.get("images")) if isinstance(payload, dict) else payload
    rows = [rows] if isinstance(rows, dict | str) else rows
    if not isinstance(rows, list) or not rows:
        raise AttemptFailed(_failure_without(answer))
    told_by = payload if isinstance(payload, dict) else {}
    row = rows[0] if isinstance(rows[0], dict) else {"url": rows[0]}
    assert isinstance(candidate.route, Endpoint)
    base_url = candidate.route.base_url
    revised = row.get("revised_prompt")
    model = told_by.get("model")
    if isinstance(encoded := row.get("b64_json") or row.get("b64") or row.get("base64"), str) and encoded:
        if encoded[:5] == "data:":
            made = await made_of(candidate, encoded, "image", wish.limits, base_url=base_url)
        else:
            data = decode_base64(encoded)
            made = Made(data, check_media(data, "image"))
    elif isinstance(url := row.get("url"), str) and url:
        made = await made_of(candidate, url, "image", wish.limits, base_url=base_url, headers=await _headers(candidate))
    else:
        raise AttemptFailed(_failure_without(answer))
    return replace(
        made,
        text=revised if isinstance(revised, str) and revised else None,
        model=model if isinstance(model, str) and model else None,
    )


async def _headers(candidate: Candidate) -> dict[str, str]:
    """The endpoint's own headers, for files that it keeps itself; `made_of` sends them nowhere else."""
    other = await load_other()
    return {name: value for name, value in other.headers_of(candidate).items() if name != "accept"}


def _failure_without(answer: Any) -> Failure:
    kind: Outcome = "empty" if answer.payload in ({}, [], None, {"data": []}) else "invalid"
    if kind == "empty":
        return Failure(kind, message="the answer holds no picture")
    return failure_of_text(answer.data[:4000].decode("utf-8", "replace"), "image", answer.content_type)
