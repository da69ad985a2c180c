"""Keys and addresses that must not leak: `Secret`, and the redaction of URLs and texts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from pydantic import SecretStr

from g4f_integrations.core.patterns import compiled
from g4f_integrations.errors import ConfigurationError

MASK = "**********"
"""What stands in place of a credential."""
_MISSING = "missing:"  # the origin of a key that a pickle left behind begins so
_CREDENTIAL_HEADERS = (
    r"(?i)authoriz|(?:^|[-_])auth(?:$|[-_])|(?:^|[-_])api$|^(?:x[-_])?key$|token|secret|cookie|passw|credential|signature|session"
    r"|api[-_]?key|(?:access|account|auth|private|shared|signing|subscription)[-_]?key"
)
_CREDENTIAL_QUERY = (
    r"(?i)([?&#;](?:[\w.-]*(?:key|token|secret|passw(?:or)?d|passwd|pwd|auth|credential|signature|sig))=)[^&#\s\"'<>]+"
)
_USERINFO = r"(?i)\b([a-z][a-z0-9+.-]{1,15}://)[^/\s\"'<>]{1,512}@"
_BEARER = r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}"
# A value in quotes is masked whatever it is; one without them has to look like a key, for prose goes on after a colon.
_ASSIGNED = (
    r"(?i)((?:api[-_ ]?key|(?:access|refresh|auth|session|id)[-_]?token|(?:client|api)[-_]?secret|secret[-_]?key"
    r"|passw(?:or)?d)(?: provided| given)?(?:\\*[\"'])?\s{0,4}[:=]\s{0,4})(\\*[\"'])?"
    r"(?(2)[^\"'\\]{1,2048}|(?:(?=[^\s\"'<>&,;\\]*[0-9])[^\s\"'<>&,;\\]{6,}|[^\s\"'<>&,;\\]{20,}))"
)
_KEY_SHAPES = (
    r"(?:\b|(?<=_)|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"  # keys follow upon escapes, too
    r"(?:(?:sk|pk|rk|gsk|hf|xai|r8|gfs|nvapi|gh[opsur]|glpat|pplx|fw|csk|sess|xox[abeprs]|tgp_v1|github_pat"
    r"|g4f(?=[-_][A-Za-z_-]*[0-9]))"  # this package's own name begins so, too
    r"[-_][A-Za-z0-9_-]{8,}"
    r"|AIza[A-Za-z0-9_-]{20,}"
    r"|A[KS]IA[A-Z0-9]{12,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*)"
)


class Secret(SecretStr):
    """A key that shows itself only when asked, and does not travel.

    A copy keeps the key. A pickle keeps only where it came from: a key read from the environment is read anew in the
    process that loads the pickle, a literal one is *missing* there, which the first call that needs it says plainly.

    Example:
        >>> Secret("sk-1234")
        Secret('**********')
        >>> Secret.from_env("NO_SUCH_KEY") is None
        True
    """

    origin: str

    def __init__(self, value: str, origin: str = "literal") -> None:
        super().__init__(value)
        self.origin = origin

    @classmethod
    def from_env(cls, *names: str) -> Secret | None:
        """The first of the environment's variables `names` that is set and not blank, else ``None``."""
        for name in names:
            value = os.environ.get(name, "").strip()
            if value:
                return cls(value, f"env:{name}")
        return None

    @classmethod
    def of(cls, value: str | SecretStr | None) -> Secret | None:
        """`value` as a `Secret`; ``None`` and blank strings give ``None``.

        Raises:
            ConfigurationError: It is no string.
        """
        if value is None or isinstance(value, Secret):
            return value
        if not isinstance(value, str | SecretStr):
            message = f"api_key must be a string, not {type(value).__name__}"
            raise ConfigurationError(message)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        return cls(text) if text.strip() else None

    @property
    def is_missing(self) -> bool:
        """Whether the key was left behind by a pickle."""
        return self.origin.startswith(_MISSING)

    def reveal(self, owner: str) -> str:
        """The key itself; `owner` says in the error whose key is missing.

        Raises:
            ConfigurationError: The key did not travel with a pickle.
        """
        if not self.is_missing:
            return self.get_secret_value()
        origin = self.origin.removeprefix(_MISSING)
        if origin.startswith("env:"):
            message = f"The api_key for {owner} comes from {origin[4:]}, which is not set in this process."
        else:
            message = (
                f"The api_key for {owner} was given as a literal, and literal keys are not pickled. "
                "Give it anew in this process, or set it by an environment variable, which is read on arrival."
            )
        raise ConfigurationError(message)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.origin.removeprefix(_MISSING),)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self


def _restore(origin: str) -> Secret:
    found = Secret.from_env(origin[4:]) if origin.startswith("env:") else None
    return found if found is not None else Secret("", f"{_MISSING}{origin}")


def is_secret_header(name: str) -> bool:
    """Whether an HTTP header of that name usually holds a credential."""
    return compiled(_CREDENTIAL_HEADERS).search(name) is not None


@lru_cache(maxsize=256)
def redact_url(url: str) -> str:
    """`url` without userinfo and without the values of query keys that look like credentials."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # is none when a password with a slash in it has ended the host too early
    except ValueError:
        return MASK
    if not parts.netloc:  # "user:password@host", say
        parts = parts._replace(scheme="", path=url.partition("?")[0].partition("#")[0].rpartition("@")[2])
    netloc = parts.netloc.rpartition("@")[2]
    query = compiled(_CREDENTIAL_QUERY).sub(rf"\g<1>{MASK}", f"?{parts.query}")[1:] if parts.query else ""
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def scrub(text: str, secrets: Iterable[Secret | None] = (), *, limit: int = 500) -> str:
    """`text` fit for an error or a log: known secrets, key shapes and URL credentials masked, cut to `limit`.

    Args:
        text: Any text, usually an upstream error body.
        secrets: Keys that were in use; their literal text is masked wherever it stands.
        limit: Characters to keep; what lies beyond is replaced by an ellipsis.
    """
    known = {value for secret in secrets if secret is not None and len(value := secret.get_secret_value()) >= 4}
    longest = max(map(len, known), default=0)
    head = text[: limit * 8 + longest]  # masking is linear, but bodies can be megabytes
    for value in sorted(known, key=len, reverse=True):  # one may be a part of another
        head = head.replace(value, MASK)
    if longest and len(text) > limit * 8 + longest:
        head = head[:-longest]  # may be the beginning of a secret that was cut in two
    head = _without_cut_secret(head, known)
    head = compiled(_BEARER).sub(rf"\g<1> {MASK}", head)
    head = compiled(_USERINFO).sub(rf"\g<1>{MASK}@", head)
    head = compiled(_CREDENTIAL_QUERY).sub(rf"\g<1>{MASK}", head)
    head = compiled(_KEY_SHAPES).sub(MASK, head)
    head = compiled(_ASSIGNED).sub(rf"\g<1>\g<2>{MASK}", head)
    return head if len(head) <= limit else head[: limit - 1] + "…"


def leave_credentials(url: str) -> str:
    """`url` as a pickle takes it along: its credentials replaced by a mark, by which the other process sees the loss.

    Example:
        >>> leave_credentials("http://user:pw@host/v1?key=abc")
        'http://**********@host/v1?key=**********'
    """
    shown = redact_url(url)
    has_account = "@" in url.partition("://")[2].partition("/")[0]
    return shown.replace("://", f"://{MASK}@", 1) if has_account else shown


def _without_cut_secret(text: str, known: Iterable[str]) -> str:
    """`text`, which others may have cut already, without the beginning of a secret at its end."""
    body = text.removesuffix("…")
    for value in known:
        size = next((size for size in range(min(len(value) - 1, len(body)), 3, -1) if body.endswith(value[:size])), 0)
        if size:
            return f"{body[:-size]}{MASK}…"
    return text
