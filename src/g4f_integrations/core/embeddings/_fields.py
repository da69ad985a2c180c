"""The settings that both faces' embedding classes share, and what becomes of them."""

from __future__ import annotations

import builtins
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from g4f_integrations.core.credentials import Secret, redact_url
from g4f_integrations.core.embeddings._endpoint import EndpointBackend
from g4f_integrations.core.embeddings._hashing import DIMENSION
from g4f_integrations.core.embeddings._local import (
    FASTEMBED_MODEL,
    LocalBackend,
    fastembed_backend,
    hashing_backend,
)
from g4f_integrations.core.embeddings._spaces import Space, check_stamp, stamp
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.proxies import ProxyMap
from g4f_integrations.core.routes import Endpoint, Headers, freeze_headers
from g4f_integrations.core.settings.base import CHECKED, Check, CheckedSettings, to_base_url, to_proxy
from g4f_integrations.core.settings.names import without_secrets
from g4f_integrations.core.settings.plain import plain_headers, plain_proxy, plain_route
from g4f_integrations.core.settings.values import (
    API_KEY_VARIABLE,
    BASE_URL_VARIABLES,
    EnvironmentURL,
    to_finite,
)
from g4f_integrations.errors import ConfigurationError

_CHOICES = """g4f makes no embeddings, so say who does; vectors of different models do not compare, and none is guessed:
  base_url="https://…/v1", model="…"   an OpenAI-compatible endpoint (or backend="endpoint", with G4F_BASE_URL set)
  backend="fastembed", model="…"       on this machine: pip install 'g4f-integrations[fastembed]'
  backend="hashing"                    by shared words alone, without a model or a download: for trials and tests"""
_DEFAULT_RESILIENCE = Resilience()
_LONGEST = 8_000
"""Tokens of a text in one piece; OpenAI's models take 8,191, and our count may be a little off for others."""


def _nothing_told(_: int) -> None:
    return


def _to_mirrors(value: Any) -> list[Endpoint]:
    items = value if isinstance(value, Sequence) and not isinstance(value, str) else [value] if value else []
    return [_to_endpoint(item) for item in items]


def _to_endpoint(item: Any) -> Endpoint:
    if isinstance(item, Endpoint):
        return item
    if isinstance(item, str):
        return Endpoint(item)
    if isinstance(item, Mapping):
        try:
            return Endpoint(**item)
        except TypeError as error:
            message = f"mirrors: {error}"
            raise ConfigurationError(message) from error
    message = f"mirrors takes endpoints or their URLs, not {type(item).__name__}"
    raise ConfigurationError(message)


class EmbeddingFields(CheckedSettings):
    """Who embeds, and how, as immutable data; a class takes them by inheriting this before its framework's base."""

    backend: Literal["endpoint", "fastembed", "hashing"] | None = Field(
        default=None, description="Who embeds. A `base_url` says 'endpoint' by itself."
    )
    model: str | None = Field(default=None, description="Model id, as the endpoint or fastembed knows it.")
    base_url: Annotated[str | None, CHECKED] = Field(
        default=None, exclude=True, repr=False, description="An OpenAI-compatible endpoint that has /embeddings."
    )
    api_key: Annotated[Secret | None, CHECKED] = Field(
        default=None, exclude=True, description="Key for `base_url`. From G4F_API_KEY if it is not given."
    )
    default_headers: Annotated[Headers, CHECKED] = Field(
        default=(), exclude=True, repr=False, description="Further HTTP headers for `base_url`."
    )
    proxy: Annotated[ProxyMap | None, CHECKED] = Field(
        default=None, exclude=True, repr=False, description="Proxy URL, or URLs by scheme (http, https, all)."
    )
    mirrors: Annotated[list[Endpoint], CHECKED] = Field(
        default_factory=list,
        exclude=True,
        repr=False,
        description="Endpoints with the same model, asked when the first fails and its vectors are found to agree.",
    )
    dimensions: int | None = Field(
        default=None, ge=8, le=65_536, description="Numbers per vector, where the model can shorten them."
    )
    batch_size: int = Field(default=128, ge=1, description="Texts of a request at the most.")
    batch_tokens: int | None = Field(default=100_000, ge=1, description="Tokens of a request at the most.")
    max_text_tokens: int | None = Field(
        default=_LONGEST, ge=16, description="Longer texts are embedded in pieces, and their vectors averaged."
    )
    max_concurrency: int = Field(default=4, ge=1, description="Requests at a time.")
    timeout: float | None = Field(default=None, gt=0, description="Seconds for one attempt; see `Resilience`.")
    max_retries: int | None = Field(default=None, ge=0, description="Further attempts of a request after the first.")
    resilience: Resilience = Field(
        default_factory=lambda: _DEFAULT_RESILIENCE,
        exclude=True,
        repr=False,
        description="How hard to try with each request; explicit fields win over `timeout` and `max_retries`.",
    )
    fastembed_options: dict[str, Any] = Field(
        default_factory=dict,
        description="For fastembed: cache_dir, threads, specific_model_path, local_files_only, providers …",
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict, exclude=True, repr=False, description="Further members of an endpoint's request body."
    )

    CHECKS: ClassVar[Mapping[str, Check]] = {
        "api_key": Secret.of,
        "base_url": to_base_url,
        "default_headers": freeze_headers,
        "mirrors": _to_mirrors,
        "proxy": to_proxy,
        "resilience": lambda value: _DEFAULT_RESILIENCE if value is None else value,
    }
    FURTHER_ALIASES: ClassVar[Mapping[str, str]] = {"model_kwargs": "extra_body", "headers": "default_headers"}

    @field_validator("extra_body")
    @classmethod
    def _refuse_own_members(cls, value: builtins.dict[str, Any]) -> builtins.dict[str, Any]:
        taken = sorted(value.keys() & {"input", "model", "dimensions", "encoding_format"})
        if taken:
            message = f"extra_body: {', '.join(taken)} is ours to send; give it to {cls.__name__} itself"
            raise ConfigurationError(message)
        finite: builtins.dict[str, Any] = to_finite("extra_body", value)
        return finite

    @model_validator(mode="after")
    def _complete_embedding_settings(self) -> Self:
        # Written past pydantic, so that `model_fields_set` tells what the user gave.
        settings = self.__dict__
        if self.backend == "endpoint" and self.base_url is None:
            settings["base_url"] = EnvironmentURL.from_env(*BASE_URL_VARIABLES)
        if self.base_url is not None and self.api_key is None:
            settings["api_key"] = Secret.from_env(API_KEY_VARIABLE)
        self._check_choice()
        return self

    def _check_choice(self) -> None:
        problem = None
        if self.backend is None and self.base_url is None:
            problem = _CHOICES
        elif self.backend == "endpoint" and self.base_url is None:
            problem = "backend='endpoint' needs a base_url, or G4F_BASE_URL in the environment"
        elif self.backend not in {None, "endpoint"} and (self.base_url is not None or self.mirrors):
            problem = f"backend={self.backend!r} works on this machine; leave base_url and mirrors out"
        elif self.base_url is not None and not (self.model and self.model.strip()):
            problem = "base_url needs a model: an endpoint may have several, whose vectors do not compare"
        elif self.backend == "hashing" and self.model is not None:
            problem = "backend='hashing' has no models; leave model out"
        elif self.backend == "fastembed" and self.dimensions is not None:
            problem = "fastembed's models have vectors of one length each; leave dimensions out"
        if problem is not None:
            raise ConfigurationError(problem)

    # What is made of them ----------------------------------------------------------------------------------------

    @property
    def space(self) -> Space:
        """The space of the vectors; its `id` tells it apart from every other, in every process."""
        if self.base_url is not None:
            return Space("endpoint", str(self.model).strip(), self.dimensions)
        return self._backend().space

    @property
    def space_id(self) -> str:
        """The space as one word: the namespace for caches of vectors."""
        return self.space.id

    def stamp(self, folder: str | os.PathLike[str]) -> None:
        """Write down, in the folder of an index, that its vectors are of this space.

        Raises:
            ConfigurationError: Vectors of another space lie there already.
        """
        stamp(folder, self.space, self._backend().length())

    def check_stamp(self, folder: str | os.PathLike[str]) -> None:
        """Make sure, before an index is used, that its vectors are of this space.

        Raises:
            ConfigurationError: They are of another one, or nothing says of which.
        """
        backend = self._backend()
        length = check_stamp(folder, backend.space, backend.length())
        if length is not None:
            backend.expect(length)

    def _backend(self, batch_size: int | None = None) -> EndpointBackend | LocalBackend:
        most = self.batch_size if batch_size is None else min(self.batch_size, batch_size)
        if self.backend == "hashing":
            return hashing_backend(self.dimensions or DIMENSION, most)
        if self.backend == "fastembed":
            return fastembed_backend(self.model or FASTEMBED_MODEL, self.fastembed_options, most)
        assert self.base_url is not None
        return EndpointBackend(
            space=self.space,
            endpoint=Endpoint(self.base_url, headers=self.default_headers, api_key=self.api_key),
            mirrors=tuple(self.mirrors),
            batch_size=most,
            batch_tokens=self.batch_tokens,
            longest=self.max_text_tokens,
            concurrency=self.max_concurrency,
            policy=self.resilience.with_shorthands(self.timeout, self.max_retries),
            extra_body=self.extra_body,
            proxy=self.proxy,
        )

    def embed_texts(
        self, texts: Sequence[str], progress: Callable[[int], None] = _nothing_told, *, batch_size: int | None = None
    ) -> list[list[float]]:
        """The vectors of `texts`, in their order; works inside a running event loop, too, which it blocks.

        Args:
            texts: Any number of texts, empty and over-long ones included.
            progress: Is called with the number of texts that are done since it was called last, on any thread.
            batch_size: Texts of a request at the most, where that is less than the field says.

        Raises:
            IntegrationError: A request failed for good. Nothing is returned then.
        """
        checked = _texts(texts)
        return self._backend(batch_size).embed(checked, progress) if checked else []

    async def aembed_texts(
        self, texts: Sequence[str], progress: Callable[[int], None] = _nothing_told, *, batch_size: int | None = None
    ) -> list[list[float]]:
        """The vectors of `texts`; see `embed_texts`. Does not block."""
        checked = _texts(texts)
        return await self._backend(batch_size).aembed(checked, progress) if checked else []

    def plain_settings(self) -> builtins.dict[str, Any]:
        """The settings that are no plain data, as plain data without credentials; the constructor takes them back."""
        plain: builtins.dict[str, Any] = {}
        if self.base_url:
            plain["base_url"] = redact_url(self.base_url)
        if self.default_headers:
            plain["default_headers"] = plain_headers(self.default_headers)
        if self.proxy:
            plain["proxy"] = plain_proxy(self.proxy)
        if self.mirrors:
            plain["mirrors"] = [plain_route(mirror) for mirror in self.mirrors]
        if given := self.resilience.model_fields_set - {"store"}:
            plain["resilience"] = {name: getattr(self.resilience, name) for name in given}
        if self.extra_body:
            plain["extra_body"] = without_secrets(self.extra_body)
        return plain

    def __repr_args__(self) -> Any:
        if "resilience" not in self.__dict__:  # validation failed half way, and a debugger looks
            return []
        shown = [(name, value) for name, value in super().__repr_args__() if value not in ([], {}, None)]
        return [*shown, *self.plain_settings().items()]


def _texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        message = "texts must be a list of texts, and is one text"
        raise ConfigurationError(message)
    checked = [*texts]
    for place, text in enumerate(checked):
        if not isinstance(text, str):
            message = f"text {place} must be a string, not {type(text).__name__}"
            raise ConfigurationError(message)
    return checked
