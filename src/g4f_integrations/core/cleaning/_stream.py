"""`CleaningStream`: an answer's text on its way to the user, without adverts and artefacts."""

from __future__ import annotations

from collections.abc import Callable

from g4f_integrations.core.cleaning._results import Removed, removed_by
from g4f_integrations.core.cleaning._ruleset import Ruleset
from g4f_integrations.core.cleaning._scanner import Scanner
from g4f_integrations.core.cleaning._states import BLANKS
from g4f_integrations.core.failures import Failure, NoticeGate, classify_content

_SPACE = "".join(BLANKS)
_ADVERT_IDS = ("ad_", "ad-")
_ADVERT_MODELS = frozenset({"ad-system", "ads", "ad"})


def is_advert_event(event_id: str | None, model: str | None) -> bool:
    """Whether an event's id or model says that its text is an advert (Pollinations: ``ad_<time>``, ``ad-system``)."""
    return (event_id is not None and event_id.startswith(_ADVERT_IDS)) or model in _ADVERT_MODELS


class CleaningStream:
    r"""Cleans a text that comes in pieces; however it is cut, the outcome is that of `Cleaning.clean`.

    Feed it each piece and hand on what comes back. `flush` it at the end, also when the stream is cancelled or breaks:
    what was held while it could still become an advert comes out then.

    Args:
        ruleset: The active rules; ``None`` lets everything pass.
        provider: Who answers.
        prompt: The user's own words of the conversation.
        notices: Whether an answer that is wholly a notice is held back, and told in `notice`.
        on_end: Is given what was taken out, at the end, if anything was.

    Attributes:
        idle: Whether nothing is held, so that a piece that is `quiet` need not be fed.
        notice: After `flush`: the failure that the whole answer is.
        removed: After `flush`: what was taken out, in order.
        flagged: After `flush`: matches of rules that only report.

    Example:
        >>> from g4f_integrations.core.cleaning import Cleaning
        >>> stream = Cleaning().stream(provider="Airforce")
        >>> stream.feed("Yes.\n\nNeed proxies cheaper"), stream.feed(" than the market?\nhttps://op.wtf")
        ('Yes.', '')
        >>> stream.flush(), stream.removed[0].rule
        ('', 'airforce/proxies')
    """

    __slots__ = (
        "_gate",
        "_on_end",
        "_owned",
        "_prompt",
        "_provider",
        "_scanner",
        "flagged",
        "idle",
        "notice",
        "removed",
    )

    def __init__(
        self,
        ruleset: Ruleset | None,
        *,
        provider: str | None = None,
        prompt: str | None = None,
        notices: bool = True,
        on_end: Callable[[list[Removed]], None] | None = None,
    ) -> None:
        self._scanner = Scanner(ruleset, prompt) if ruleset is not None and ruleset.rules else None
        self._gate = NoticeGate(provider, prompt, unseen=False) if notices else None
        self._owned = ruleset is not None and any(
            rule.category == "ads" and "*" not in rule.owners for rule in ruleset.rules
        )
        self._provider, self._prompt = provider, prompt
        self._on_end = on_end
        self.idle = self._scanner is None and self._gate is None
        self.notice: Failure | None = None
        self.removed: list[Removed] = []
        self.flagged: list[Removed] = []

    def quiet(self, text: str) -> bool:
        """Whether `text` passes the `idle` stream whole, as no advert can begin in it; if so, it counts as fed."""
        return self._scanner is None or not text or self._scanner.passes(text)

    def pass_batch(self, texts: list[str]) -> bool:
        """Pass pieces on as they are, if no advert can begin in them; else they have to be fed one by one.

        Args:
            texts: The pieces. If they pass, white space held before goes to the front of the first, and that at the
                very end is taken off and held.
        """
        scanner = self._scanner
        if scanner is None:
            return self._gate is None or self._gate.open
        whole = "".join(texts)
        core = whole.rstrip(_SPACE)
        blanks = scanner.held_blanks if core else None
        if blanks is None or not scanner.passes_after(blanks, core):
            return False
        rest = whole[len(core) :]
        left = len(rest)
        last = len(texts)
        while left:
            last -= 1
            taken = min(left, len(texts[last]))
            texts[last] = texts[last][: len(texts[last]) - taken]
            left -= taken
        if blanks:
            texts[0] = blanks + texts[0]
        if rest:
            scanner.feed(rest)
        self.idle = scanner.idle
        return True

    def clean_whole(self, text: str) -> str:
        """What stays of a whole text: the same as by `feed` and `flush`, sooner."""
        scanner = self._scanner
        return self._finish(text if scanner is None else scanner.clean_whole(text))

    def feed(
        self, text: str, *, event_id: str | None = None, model: str | None = None, after_finish: bool = False
    ) -> str:
        """Take the next piece; gives what may be handed on now.

        Args:
            text: The piece.
            event_id: The id of the event that it came in; some say that it is an advert, which is dropped at once.
            model: The model that the event names.
            after_finish: Whether the finish reason came before it: from a provider with adverts, it is one.
        """
        scanner = self._scanner
        if scanner is not None:
            if is_advert_event(event_id, model) or (after_finish and self._owned):
                scanner.drop(text)
                self.idle = False
                return ""
            text = scanner.feed(text)
        gate = self._gate
        if gate is not None and not gate.open and text:
            text = gate.feed(text)
        self.idle = (scanner is None or scanner.idle) and (gate is None or gate.open)
        return text

    def flush(self) -> str:
        """The rest of the text, at its end; `removed` and `notice` are complete then."""
        return self._finish("" if self._scanner is None else self._scanner.flush())

    def _finish(self, text: str) -> str:
        scanner, gate = self._scanner, self._gate
        if scanner is not None:
            self.removed = removed_by(scanner.cuts)
            self.flagged = removed_by(scanner.flags)
        if gate is not None and not gate.open:
            held = gate.feed(text)
            if not gate.open:
                held, verdict = gate.close()
                text = self._judged(held, verdict)
            else:
                text = held
        elif gate is None and scanner is not None and scanner.is_empty:
            self._judge_nothing()
        if scanner is not None and self.notice is None and any(cut.rule.action == "raise" for cut in scanner.cuts):
            self.notice = Failure("notice", message=" ".join(self.removed[0].text.split())[:200])
        self.idle = True
        if self._on_end is not None and (self.removed or self.notice is not None):
            self._on_end(self.removed)
        return text

    def _judged(self, held: str, verdict: Failure | None) -> str:
        if verdict is None:
            return held
        if verdict.kind == "empty":
            self._judge_nothing()
            return held
        self.notice = verdict
        whole = "".join([*(removed.text for removed in self.removed), held]) if not self.removed else held
        self.removed.append(Removed(f"notice/{verdict.kind}", 0, len(whole), whole, category="notices"))
        return ""

    def _judge_nothing(self) -> None:
        """Nothing was left: what was taken out says what the answer is."""
        adverts = "".join(removed.text for removed in self.removed)
        if not self.removed:
            return
        told = classify_content(adverts, provider=self._provider, unseen=False)
        if told is None or told.kind == "empty":
            markers = all(removed.category != "ads" for removed in self.removed)
            told = Failure("empty" if markers else "notice", message=" ".join(adverts.split())[:200])
        self.notice = told
