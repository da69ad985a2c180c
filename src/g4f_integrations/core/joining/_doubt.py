"""A continuation that does not fit: it may be a notice, which says more of its route."""

from __future__ import annotations

from g4f_integrations.core.failures import AttemptFailed, Failure, NoticeGate, classify_content
from g4f_integrations.core.joining._joint import Joint


class Doubt:
    """Looks at a continuation that a joint has refused, as long as it may be a notice.

    Args:
        joint: Which has refused it.
        provider: Name of the route's provider, whose notices are looked for.
    """

    __slots__ = ("_gate", "_joint", "_text")

    def __init__(self, joint: Joint, provider: str) -> None:
        self._joint = joint
        self._gate = NoticeGate(provider)
        self._text = ""

    def feed(self, text: str) -> None:
        """The next piece.

        Raises:
            AttemptFailed: It is no notice.
        """
        if not text:
            return
        self._text += text  # the gate opens long before this could grow
        self._gate.feed(text)
        if self._gate.open:
            self._refuse()

    def close(self, provider: str, prompt: str) -> None:
        """The end of it.

        Raises:
            AttemptFailed: It is a notice, or does not fit.
        """
        verdict = classify_content(self._text, provider=provider, prompt=prompt) if self._text.strip() else None
        if verdict is not None:
            raise AttemptFailed(verdict)
        self._refuse()

    def _refuse(self) -> None:
        message = f"it was to carry on an answer that had broken off: {self._joint.problem}"
        raise AttemptFailed(Failure("invalid", scope="request", message=message))
