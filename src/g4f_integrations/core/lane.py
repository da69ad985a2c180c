"""The text of one choice on its way through the filters: reasoning tags, stops, limits, tool calls, JSON, notices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from g4f_integrations.core.events import AsideDelta
from g4f_integrations.core.failures import Failure, NoticeGate, classify_content
from g4f_integrations.core.filters import JSONStage, OutputLimit, PromptSource, ReasoningTags, StopSequences

if TYPE_CHECKING:  # loaded when tools are offered
    from g4f_integrations.core.cleaning import AICleaningStream, Cleaning, CleaningStream, Complete, Removed
    from g4f_integrations.core.joining import Doubt, Joint
    from g4f_integrations.core.toolcalls import CallSplitter, Parsed

    Cleaner: TypeAlias = CleaningStream | AICleaningStream


class Lane:
    """One choice's filters, in their order.

    Args:
        provider: Name of the route's provider, whose notices are looked for.
        call: Tells the user's own words.
        cleaning: What is taken out of the text, if anything is.
        complete: Asks a model about adverts, where the settings want one to look for them.
        at_once: Whether nothing has to go on before the end, so that this model may see all of the text.
        stops: Texts that end the answer, also where the route ignores them.
        output_limit: Tokens after which the text ends, where the route is known to ignore ``max_tokens``.
        make_splitter: Makes what takes tool calls out of the text, if tools were offered.
        form: Makes bare JSON of the text, if that was asked for.
        joint: Joins the text to what an earlier attempt has brought of it.
        guesses: Whether a text counts as a notice that merely reads like one.

    Attributes:
        cleaner: What cleans a text that comes in pieces, once the first has come.
        parts: The text handed over so far.
        passing: Whether text passes untouched from now on, so that it need not be fed.
        parsed: The tool calls that stood in the text, once it is closed.
        problem: What is wrong with the text's form, once it is closed.
        removed: What was cleaned away, once it is closed.
        raw: The text as the model wrote it, if tools were offered or JSON was asked for.
    """

    __slots__ = (
        "_at_once", "_call", "_cleaning", "_complete", "_doubt", "_ended", "_form", "_gate", "_guesses", "_joint",
        "_limit", "_make_splitter", "_provider", "_splitter", "_stops", "_tags", "cleaner", "parsed", "parts",
        "passing", "problem", "raw", "removed",
    )  # fmt: skip

    def __init__(
        self,
        provider: str,
        call: PromptSource,
        *,
        cleaning: Cleaning | None = None,
        complete: Complete | None = None,
        at_once: bool = False,
        stops: tuple[str, ...] = (),
        output_limit: int | None = None,
        make_splitter: Callable[[], CallSplitter | None] | None = None,
        form: JSONStage | None = None,
        joint: Joint | None = None,
        guesses: bool = False,
    ) -> None:
        self._provider = provider
        self._call = call
        self._cleaning = cleaning
        self._complete = complete
        self._at_once = at_once
        self._ended: tuple[str, str] | None = None  # what the reasoning tags held, once a model has looked at the end
        self._tags: ReasoningTags | None = None
        self._gate: NoticeGate | None = None
        self._stops = StopSequences(stops) if stops else None
        self._limit = OutputLimit(output_limit) if output_limit is not None else None
        self._make_splitter = make_splitter
        self._splitter = None if make_splitter is None else make_splitter()
        self._form = form
        self._joint = joint
        self._guesses = guesses
        self._doubt: Doubt | None = None
        self.cleaner: Cleaner | None = None
        self.removed: list[Removed] = []
        self.parts: list[str] = []
        self.passing = False
        self.parsed: Parsed | None = None
        self.problem: str | None = None
        self.raw: list[str] = []

    @property
    def stopped(self) -> bool:
        """Whether a stop sequence or the output limit has ended the text."""
        return (self._stops is not None and self._stops.hit) or self.limited

    @property
    def limited(self) -> bool:
        """Whether the output limit has ended the text."""
        return self._limit is not None and self._limit.hit

    def feed(self, text: str, aside: AsideDelta | None = None) -> tuple[str, str]:
        """The text and the reasoning that may go out now.

        Args:
            text: The next piece.
            aside: What the route itself said of that piece, if it set it apart.
        """
        if self._tags is None or self._gate is None:
            self._tags = ReasoningTags()
            self._gate = NoticeGate(self._provider, unseen=self._guesses)
            self.cleaner = self._new_cleaner()
        text, reasoning = self._tags.feed(text)
        if text and self.cleaner is not None:
            text = self._clean(self.cleaner, text, aside)
        if text:
            text = self._onward(text)
        self.passing = (
            self._tags.passing
            and self._gate.open
            and self._stops is None
            and self._limit is None
            and self._splitter is None
            and self._form is None
            and self._complete is None
            and self._joint is None
        )
        return text, reasoning

    @staticmethod
    def _clean(cleaner: Cleaner, text: str, aside: AsideDelta | None) -> str:
        if aside is None:
            return cleaner.feed(text)
        return cleaner.feed(text, event_id=aside.event_id, model=aside.model, after_finish=aside.after_finish)

    def _onward(self, text: str) -> str:
        """Cleaned text on its way through all that follows."""
        if self._joint is not None:
            return self._through_joint(self._joint, text)
        if self._splitter is not None or self._form is not None:
            self.raw.append(text)
        return self._guard(self._filter(text))

    def _through_joint(self, joint: Joint, text: str) -> str:
        """The same for the rest of an answer that broke off: JSON is joined when it is bare, other text before all."""
        if self._doubt is not None:
            self._doubt.feed(text)
            return ""
        text = text if self._form is not None else joint.feed(text)
        self.raw.append(text)
        text = self._guard(self._filter(text)) if text else ""
        text = text if self._form is None else joint.feed(text)
        self._check(joint)
        return text

    def _check(self, joint: Joint, *, is_over: bool = False) -> None:
        if joint.problem is None:
            return
        if self._doubt is None:
            from g4f_integrations.core.joining import Doubt  # few answers break off

            self._doubt = Doubt(joint, self._provider)
            self._doubt.feed(joint.refused)
        if is_over:
            self._doubt.close(self._provider, self._call.prompt)

    @property
    def is_met(self) -> bool:
        """Whether the text is certainly the rest of what an earlier attempt has brought."""
        return self._joint is not None and self._joint.met

    def _filter(self, text: str) -> str:
        if self._stops is not None:
            text = self._stops.feed(text)
        if self._limit is not None:
            text = self._limit.feed(text)
        if self._splitter is not None:
            text = self._splitter.feed(text)
        if self._form is not None and text:
            text = self._form.feed(text)
        return text

    def _guard(self, text: str) -> str:
        assert self._gate is not None
        return text if self._gate.open or not text else self._gate.feed(text)

    def _rest(self, *, cut: bool) -> str:
        """What the filters beyond the reasoning tags still held."""
        rest = ""
        if self._stops is not None and not self._stops.hit:
            rest = self._stops.close()
            if self._limit is not None:
                rest = self._limit.feed(rest)
        if self._splitter is not None:
            rest = self._splitter.feed(rest) if rest else ""
            rest += self._end_splitting(self._splitter, cut=cut or self.stopped)
        if self._form is not None:
            rest = self._form.feed(rest) if rest else ""
            last, self.problem = self._form.close()
            rest += last
        return rest

    def interrupt(self) -> str:
        """The text that has to stand before what comes between: a picture, beside which it is no mere notice."""
        if self._gate is None:
            return ""
        held = "" if self._gate.open else self._gate.close()[0]
        if self.cleaner is not None and not self.cleaner.idle:
            held += self._onward(self._end_cleaning(self.cleaner))
            self.cleaner = self._new_cleaner()
        if self._splitter is not None and self._splitter.holding:
            parsed = self._end_splitting(self._splitter, cut=False)
            held += parsed if self._form is None else self._form.feed(parsed)
            self._splitter = self._make_splitter() if self._make_splitter is not None else None
        return held

    def _end_splitting(self, splitter: CallSplitter, *, cut: bool) -> str:
        """The text that the splitter still held; its calls are added to those found before."""
        parsed = splitter.close(cut=cut)
        if self.parsed is not None:
            parsed.calls[:0] = self.parsed.calls
            parsed.invalid[:0] = self.parsed.invalid
        self.parsed = parsed
        return parsed.text

    def _new_cleaner(self) -> Cleaner | None:
        if self._cleaning is None:
            return None
        if self._complete is not None:
            return self._cleaning.ai_stream(
                self._complete, provider=self._provider, prompt=self._call.prompt, notices=False, report=False,
                whole=self._at_once,
            )  # fmt: skip
        return self._cleaning.stream(provider=self._provider, prompt=self._call.prompt, notices=False, report=False)

    async def consider(self) -> None:
        """Have a model look at the end of the text for adverts, if one is to; only `close` is still to come."""
        cleaner = self.cleaner
        if self._complete is None or cleaner is None or self._tags is None or self._ended is not None:
            return
        text, reasoning = self._tags.close()
        self._ended = (cleaner.feed(text) if text else ""), reasoning
        if TYPE_CHECKING:
            assert isinstance(cleaner, AICleaningStream)
        if not self.stopped and not self._holds_calls(cleaner.held):
            await cleaner.look()

    def _holds_calls(self, text: str) -> bool:
        """Whether there are tool calls in a text, which nobody but the parser may take anything out of."""
        splitter = None if self._make_splitter is None else self._make_splitter()
        if splitter is None:
            return False
        splitter.feed(text)
        parsed = splitter.close(cut=False)
        return bool(parsed.calls or parsed.invalid)

    def _end_cleaning(self, cleaner: Cleaner) -> str:
        rest = cleaner.flush()
        self.removed += cleaner.removed
        return rest

    def close(self, *, cut: bool = False) -> tuple[str, str, Failure | None]:
        """The text and the reasoning still held, and the verdict on an answer that is no answer.

        Args:
            cut: Whether the route ended the text at its token limit, so that a call at its end may be half a call.
        """
        if self._tags is None or self._gate is None:
            return "", "", None
        cleaner = self.cleaner
        if self._ended is not None:
            text, reasoning = self._ended
        else:
            text, reasoning = self._tags.close()
            if text and cleaner is not None:
                text = cleaner.feed(text)
        if cleaner is not None:
            text += self._end_cleaning(cleaner)
        if text:
            text = self._onward(text)
        joint = self._joint
        if joint is not None and self._form is None:
            text += self._guard(self._filter(joint.close()))
            self._check(joint, is_over=True)
        rest = self._guard(self._rest(cut=cut))
        if joint is not None and self._form is not None:
            rest = joint.feed(rest) + joint.close()
            self._check(joint, is_over=True)
        text += rest
        if self._gate.open:
            return text, reasoning, None
        held, verdict = self._gate.close()
        text += held
        verdict = self._unless_asked_for(text, verdict)
        if cleaner is not None and cleaner.notice is not None and (verdict is None or verdict.kind == "empty"):
            verdict = cleaner.notice  # what was taken out says what the answer is
        return text, reasoning, verdict

    def break_off(self) -> str:
        """The text that was still held when the stream broke off; what is no text yet, half a call say, is lost."""
        if self._tags is None or self._gate is None or (self._joint is not None and not self._joint.passing):
            return ""
        text, _ = self._tags.close()
        if self.cleaner is not None:
            text = (self.cleaner.feed(text) if text else "") + self._end_cleaning(self.cleaner)
        text = self._onward(text) if text else ""
        rest = "" if self._stops is None else self._stops.close()
        if self._limit is not None:
            rest = self._limit.feed(rest)
        if self._splitter is not None:
            rest = self._splitter.feed(rest) + self._end_splitting(self._splitter, cut=True)
        if self._form is not None and rest:
            rest = self._form.feed(rest)
        text += self._guard(rest)
        if not self._gate.open:
            held, verdict = self._gate.close()
            text += held if verdict is None else ""
        return text

    def _unless_asked_for(self, text: str, verdict: Failure | None) -> Failure | None:
        """The verdict, in the light of the user's own words, which are gathered only for that."""
        if verdict is None:
            return None
        return classify_content(text, provider=self._provider, prompt=self._call.prompt, unseen=self._guesses)

    def whole(self, text: str, *, cut: bool = False) -> tuple[str, str, Failure | None]:
        """The same for a text that came in one piece: the text, the reasoning, the verdict."""
        reasoning = ""
        if text[:1] == "<" or text[:1].isspace():
            tags = ReasoningTags()
            text, reasoning = tags.feed(text)
            rest, more = tags.close()
            text, reasoning = text + rest, reasoning + more
        notice = None
        if self._cleaning is not None:
            text, notice = self._clean_whole(self._cleaning, text)
        if self._splitter is not None or self._form is not None:
            self.raw.append(text)
        form, self._form = self._form, None  # which does better when it sees all at once
        if self._stops is not None or self._limit is not None or self._splitter is not None:
            text = self._filter(text)
            text += self._rest(cut=cut)
        if form is not None:
            text, self.problem = form.whole(text)
        if (verdict := classify_content(text, provider=self._provider, unseen=self._guesses)) is not None:
            verdict = self._unless_asked_for(text, verdict)
        return text, reasoning, notice if notice is not None and not text.strip() else verdict

    def _clean_whole(self, cleaning: Cleaning, text: str) -> tuple[str, Failure | None]:
        ruleset = cleaning.ruleset(self._provider)
        if ruleset is None or not ruleset.may_match(text):
            return text, None
        stream = cleaning.stream(provider=self._provider, prompt=self._call.prompt, notices=False, report=False)
        text = stream.clean_whole(text)
        self.removed = stream.removed
        return text, stream.notice
