"""The settings that all models share: who is asked, for what, and how hard.

A class takes them by inheriting `ModelFields` before its framework's own base. They are checked and frozen at
construction, without a look at the network or the disk, and shown without credentials wherever a model is shown.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from functools import partial
from importlib import import_module
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, field_serializer, model_validator

from g4f_integrations.core.credentials import redact_url
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.settings.base import CHECKED, Check, RoutedSettings
from g4f_integrations.core.settings.names import ALIASES, without_secrets
from g4f_integrations.core.settings.plain import (
    key_variable,
    plain_headers,
    plain_policy,
    plain_provider,
    plain_proxy,
    plain_route,
    plain_search,
)
from g4f_integrations.core.settings.values import (
    default_cleaning,
    default_trimming,
    to_cleaning,
    to_finite,
    to_folder,
    to_provider,
    to_search,
    to_tool_calling,
    to_trimming,
)
from g4f_integrations.core.status import HealthReport
from g4f_integrations.errors import ConfigurationError

_DEFAULT_RESILIENCE = Resilience()
_STORE = {"store"}  # of a `Resilience`, and no plain data
_NUMBERS = ("temperature", "top_p", "presence_penalty", "frequency_penalty")
_CHECKS: dict[str, Check] = {
    **RoutedSettings.CHECKS,
    "cleaning": to_cleaning,
    "extra_body": lambda value: {} if value is None else to_finite("extra_body", value),
    "image_provider": to_provider,
    "model": lambda value: value or "auto",
    "model_kwargs": lambda value: {} if value is None else to_finite("model_kwargs", value),
    "prompts": to_folder,
    "resilience": lambda value: _DEFAULT_RESILIENCE if value is None else value,
    "stop": lambda value: [value] if isinstance(value, str) else value,
    "tool_calling": to_tool_calling,
    "trimming": to_trimming,
    "web_search": to_search,
    **{name: partial(to_finite, name) for name in _NUMBERS},
}


class ModelFields(RoutedSettings):
    """Routes, parameters and resilience of a model, as immutable data.

    Live state (health, connections, loops) lies outside, so models copy, pickle and reconfigure freely, and share it
    where they name the same routes. Names that users bring from other classes are understood, unknown ones refused.
    """

    model: str = Field(default="auto", description="Model id; 'auto' takes what is known to work.")
    image_provider: Annotated[Any, CHECKED] = Field(
        default=None,
        exclude=True,
        repr=False,
        description="Who serves conversations that hold pictures; by default whoever serves the others.",
    )
    temperature: float | None = Field(default=None, description="Randomness of the answer.")
    top_p: float | None = Field(default=None, description="Share of probability that tokens are drawn from.")
    max_tokens: int | None = Field(default=None, description="Tokens of the answer at the most.")
    stop: list[str] | None = Field(default=None, description="Texts that end the answer and are not part of it.")
    n: int | None = Field(default=None, ge=1, description="Answers to ask for, in blocking calls.")
    seed: int | None = Field(default=None, description="For answers that can be had again, where a route can do it.")
    presence_penalty: float | None = Field(default=None, description="Penalty on tokens that occurred at all.")
    frequency_penalty: float | None = Field(default=None, description="Penalty on tokens by how often they occurred.")
    reasoning_effort: str | None = Field(default=None, description="How long to think, in the route's own words.")
    web_search: Any = Field(
        default=None,
        description="True, a query, or a `WebSearch`: what is found goes into the question, with numbered sources.",
    )
    logprobs: bool | None = Field(default=None, description="Whether token probabilities are wanted.")
    top_logprobs: int | None = Field(default=None, description="How many alternatives per token.")
    resilience: Resilience = Field(
        default_factory=lambda: _DEFAULT_RESILIENCE,
        exclude=True,
        repr=False,
        description="Every knob of the engine; its explicit fields win over `timeout` and `max_retries`.",
    )
    model_kwargs: dict[str, Any] = Field(
        default_factory=dict, exclude=True, repr=False, description="Further parameters that the route takes."
    )
    extra_body: dict[str, Any] = Field(
        default_factory=dict, exclude=True, repr=False, description="Further members of an endpoint's request body."
    )
    context_window: int | None = Field(
        default=None, ge=1, description="Tokens that the model reads and writes at once."
    )
    # Any: the rooms that know these types load with the first model, not with the class.
    trimming: Annotated[Any, CHECKED] = Field(
        default_factory=default_trimming,
        exclude=True,
        repr=False,
        description="How a conversation that outgrows a route's window is made to fit (`Trimming`); None: not at all.",
    )
    cleaning: Annotated[Any, CHECKED] = Field(
        default_factory=default_cleaning,
        exclude=True,
        repr=False,
        description="What is taken out of answers (`Cleaning`): adverts and artefacts; None takes nothing.",
    )
    tool_calling: Literal["auto", "native", "prompt"] = Field(
        default="auto",
        description="How tools reach a route: 'native' as the route takes them, 'prompt' by description and parsing, "
        "'auto' the former where the route has it.",
    )
    prompts: str | None = Field(
        default=None, description="Folder whose files replace the package's own prompts of the same names."
    )

    CHECKS: ClassVar[Mapping[str, Check]] = _CHECKS
    ROUTE_NAMES: ClassVar[frozenset[str]] = frozenset()
    """Fields of the framework whose names parameters of routes have too; `model_kwargs` takes these."""
    COMPLETES: ClassVar[bool] = False
    """Whether what is asked are prompts to be carried on, and no conversations."""

    @model_validator(mode="after")
    def _complete_g4f_settings(self) -> Self:
        self.settle_routes()
        if self.model_kwargs:
            self._refuse_fields()
        for name in _NUMBERS:
            to_finite(name, self.__dict__[name])  # once more: pydantic takes "nan" for a number, too
        return self

    def _refuse_fields(self) -> None:
        own = type(self).model_fields.keys() - self.ROUTE_NAMES
        taken = sorted(name for name in self.model_kwargs if ALIASES.get(name, name) in own)
        if taken:
            owner = type(self).__name__
            message = f"model_kwargs: {', '.join(map(repr, taken))} is an argument of {owner} itself; give it there"
            raise ConfigurationError(message)

    @property
    def model_name(self) -> str:
        """The model id, under the name that older code asks for."""
        return self.model

    def health(self) -> HealthReport:
        """The state of this model's routes, in its order: breakers, latencies, errors, learned windows; no keys.

        ``print(model.health())`` shows a table, ``.to_dict()`` gives plain data. It is what this process knows, with a
        shared store what the others have told it by now. Nothing is sent to a provider; the first time g4f is
        imported, which takes about a second.

        Raises:
            ConfigurationError: The settings contradict each other, or name an unknown provider.
            ModelNotFoundError: Nobody is known to serve the model.
        """
        # Only who asks for it loads what it needs.
        status = import_module("g4f_integrations.core.settings.status")
        found: HealthReport = status.health_of(self)
        return found

    def key_variable(self) -> str | None:
        """The environment's variable from which `api_key` is to come where this model is written down without it."""
        return key_variable(self.provider, self.base_url, self.api_key)

    def plain_settings(self) -> builtins.dict[str, Any]:  # noqa: C901  one plain question for each setting
        """The settings that are no plain data, as plain data without credentials; the constructor takes them back."""
        attributes: builtins.dict[str, Any] = {}  # asked for on every call, so what is not set costs nothing
        if self.provider is not None:
            attributes["provider"] = plain_provider(self.provider)
        if self.image_provider is not None:
            attributes["image_provider"] = plain_provider(self.image_provider)
        if self.routes:
            attributes["routes"] = [plain_route(route) for route in self.routes]
        if self.base_url:
            attributes["base_url"] = redact_url(self.base_url)
        if self.default_headers:
            attributes["default_headers"] = plain_headers(self.default_headers)
        if self.proxy:
            attributes["proxy"] = plain_proxy(self.proxy)
        if given := self.resilience.__pydantic_fields_set__ - _STORE:
            # In one order in every process: LlamaIndex's caches go by the text of this.
            attributes["resilience"] = {name: getattr(self.resilience, name) for name in sorted(given)}
        for name, default in (("cleaning", default_cleaning()), ("trimming", default_trimming())):
            value = self.__dict__[name]
            if value is not default and value != default:  # a copy's own is not the same one
                attributes[name] = plain_policy(value)
        if self.web_search is not None:
            attributes["web_search"] = plain_search(self.web_search)
        if self.model_kwargs:
            attributes["model_kwargs"] = without_secrets(self.model_kwargs)
        if self.extra_body:
            attributes["extra_body"] = without_secrets(self.extra_body)
        return attributes

    @field_serializer("web_search")
    def _plain_search(self, value: Any) -> Any:
        return plain_search(value)  # pydantic would show a proxy's password

    def __repr_args__(self) -> Any:
        if "resilience" not in self.__dict__:  # validation failed half way, and a debugger looks
            return []
        shown = [(name, value) for name, value in super().__repr_args__() if value not in ([], {})]
        return [*shown, *self.plain_settings().items()]
