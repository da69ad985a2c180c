"""`plan_trim` and its plan: what would be trimmed, before a summary is made of it."""

from __future__ import annotations

import inspect
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from g4f_integrations.core.tokens import Counter, OwnCounter, counter_for, counter_from, estimate_message_tokens
from g4f_integrations.core.trimming._choosing import Choice, Chooser, Limits
from g4f_integrations.core.trimming._conversation import History
from g4f_integrations.core.trimming._newest import choose_newest
from g4f_integrations.core.trimming._report import Report, Trimmed
from g4f_integrations.core.trimming._summaries import SUMMARIES, SummaryRequest, summary_message
from g4f_integrations.core.trimming.settings import Message, Trimming
from g4f_integrations.errors import ConfigurationError, ContextLengthError

_COUNTED = 200  # messages left out that are counted; of more, a sample is estimated
_SAMPLE = 24
_FRAME = 16  # characters that a message's role and separators are worth
_DEFAULTS = Trimming()
_DEEPER = 0.6  # with a summary, so much of the budget is filled: it lasts for the next turns as well


@dataclass(slots=True)
class TrimPlan:
    """What trimming will do. Pure data: `apply` makes the conversation.

    Attributes:
        summary: What to ask a summariser for, ``None`` when no new summary is needed.
    """

    summary: SummaryRequest | None
    _history: History
    _choice: Choice | None
    _tools_cost: int
    _limit: int
    _limit_source: str
    _known_summary: str | None = None

    @property
    def changed(self) -> bool:
        """Whether anything will be left out or cut."""
        return self._choice is not None

    def apply(self, summary: str | None = None) -> Trimmed:
        """The conversation that fits.

        Args:
            summary: The text that `summary` asks for; without it, what is left out is only left out.
        """
        history, choice = self._history, self._choice
        if choice is None:
            total = self._tools_cost + history.all_tokens()
            report = Report(0, 0, total, total, self._limit, self._limit_source)
            return Trimmed(_as_list(history.messages), report)
        kept = choice.kept
        messages = _messages_of(history, kept, choice.cuts)
        after = self._tools_cost + choice.tokens
        text = self._text_of(summary)
        if text is not None:
            place = bisect_left(kept, history.system_part()[0])
            messages.insert(place, text)
            after += history.counter.message(text)
        report = Report(
            messages_removed=len(history.messages) - len(kept),
            messages_cut=len(choice.cuts),
            tokens_before=self._tools_cost + _tokens_before(history),
            tokens_after=after,
            limit=self._limit,
            limit_source=self._limit_source,
            summarized=text is not None,
        )
        return Trimmed(messages, report)

    def _text_of(self, summary: str | None) -> Message | None:
        if self.summary is not None and summary and summary.strip():
            SUMMARIES.keep(self.summary.key, summary.strip())
            return summary_message(summary.strip(), self.summary.max_tokens, self._history.counter)
        if self._known_summary is not None:
            return summary_message(self._known_summary, _summary_room(self._limit), self._history.counter)
        return None


def plan_trim(
    messages: Sequence[Message],
    max_tokens: int,
    *,
    counter: OwnCounter | Counter | None = None,
    tools: Sequence[Mapping[str, Any]] | None = None,
    settings: Trimming = _DEFAULTS,
    model: str = "auto",
    max_messages: int | None = None,
    limit_source: str = "given",
    scores: Sequence[float] | None = None,
) -> TrimPlan:
    """Plan how `messages` are made to fit; nothing is changed, and no summariser is called.

    Args:
        messages: The conversation in OpenAI wire form.
        max_tokens: What messages and tool schemas may count together.
        counter: The user's own way of counting texts or messages; with `len` the limit is one of characters.
        tools: Tools in OpenAI's form, which are sent along.
        settings: What may be left out.
        model: Model whose vocabulary counts, where no counter is given.
        max_messages: Messages at the most, where a route limits their number.
        limit_source: Who says so, for the report.
        scores: What each message is worth; needed only where ``settings.score`` is async, because it is asked here
            otherwise.

    Raises:
        ContextLengthError: What has to stay does not fit, and cannot be cut; or it is too long and ``on_overflow`` is
            ``"raise"``.
    """
    counts = counter_for(model) if counter is None else counter_from(counter, model)
    if settings.max_tokens is not None and settings.max_tokens < max_tokens:
        max_tokens, limit_source = settings.max_tokens, "settings"
    history = History(messages, counts, keeps_system=settings.keep_system)
    tools_cost = counts.tools(tools)
    limits = Limits(max_tokens - tools_cost, max_messages, settings.keep_last if settings.strategy == "last" else None)
    too_long = not history.tail_within(limits.tokens) or (max_messages is not None and len(messages) > max_messages)
    if settings.strategy == "none" or not (too_long or _too_many(history, limits)):
        if too_long and settings.on_overflow == "raise":
            raise _overflow(history, limits, tools_cost, max_tokens)
        return TrimPlan(None, history, None, tools_cost, max_tokens, limit_source)
    if too_long and settings.on_overflow == "raise":
        raise _overflow(history, limits, tools_cost, max_tokens)
    if limits.tokens <= 0 < tools_cost:
        problem = f"the schemas of the tools alone take {tools_cost:,} tokens, and {max_tokens:,} are there"
        raise ContextLengthError(problem, limit=max_tokens, requested=tools_cost)
    if scores is None and settings.score is not None:
        scores = [to_score(settings.score(message)) for message in messages]
    choice = _choose(history, limits, settings, scores)
    changed = len(choice.kept) < len(messages) or choice.cuts
    plan = TrimPlan(None, history, choice if changed else None, tools_cost, max_tokens, limit_source)
    if settings.summarize and len(choice.kept) < len(messages):
        return _with_summary(limits, settings, scores, plan)
    return plan


def to_score(told: Any) -> float:
    """What a user's scorer told of a message.

    Raises:
        ConfigurationError: It is no number.
    """
    if inspect.iscoroutine(told):
        told.close()
        told = None
    try:
        return float(told)
    except (TypeError, ValueError):
        problem = "Trimming.score must return a number; a function whose answer is awaited has to be an `async def`"
        raise ConfigurationError(problem) from None


def _as_list(messages: Sequence[Message]) -> list[Message]:
    return messages if isinstance(messages, list) else list(messages)


def _too_many(history: History, limits: Limits) -> bool:
    if limits.others is None:
        return False
    return len(history.messages) - len(history.system_part()[1]) > limits.others


def _choose(history: History, limits: Limits, settings: Trimming, scores: Sequence[float] | None) -> Choice:
    keep_last = settings.keep_last or 0 if settings.strategy == "fraction" else 0
    by_age_alone = scores is None and not settings.keep_first and not keep_last
    if by_age_alone and limits.messages is None and limits.others is None:
        choice = choose_newest(history, limits.tokens, may_cut=settings.truncate_long)
        if choice is not None:
            return choice
    return Chooser(
        history,
        limits,
        keep_first=settings.keep_first,
        keep_last=keep_last,
        may_cut=settings.truncate_long,
        scores=scores,
    ).choose()


def _overflow(history: History, limits: Limits, tools_cost: int, max_tokens: int) -> ContextLengthError:
    if limits.messages is not None and len(history.messages) > limits.messages:
        problem = f"the conversation has {len(history.messages)} messages, and the limit is {limits.messages}"
        return ContextLengthError(problem, limit=limits.messages, requested=len(history.messages))
    total = tools_cost + _tokens_before(history)
    problem = f"the conversation has about {total:,} tokens, and {max_tokens:,} are there"
    return ContextLengthError(problem, limit=max_tokens, requested=total)


def _tokens_before(history: History) -> int:
    """Tokens of the whole history: counted where that is cheap, extrapolated where many messages were left out."""
    messages, total = history.messages, len(history.messages)
    newest, older = history.counted()
    oldest = total - newest
    if oldest - len(older) <= _COUNTED:
        return history.all_tokens()
    known = history.newest(newest) + sum(older.values())
    sample = [messages[at] for at in range(0, oldest, max(1, total // _SAMPLE)) if at not in older]
    # Tokens for each character, by those that were counted.
    last = min(newest, _SAMPLE // 3)
    others = list(islice(older, _SAMPLE // 3 - last))
    seen = [*messages[total - last :], *(messages[at] for at in others)]
    rate = (history.newest(last) + sum([older[at] for at in others])) / max(1, _size(seen))
    average = rate * _size(sample) / max(1, len(sample))
    return known + round(average * (oldest - len(older)))


def _size(messages: Sequence[Message]) -> int:
    """About how many characters are sent of some messages."""
    size = 0
    for message in messages:
        content = message.get("content")
        if type(content) is str:
            size += _FRAME + len(content)
        elif content is None:
            size += _FRAME
        else:
            size += estimate_message_tokens(message) * 4
            continue
        calls = message.get("tool_calls")
        if calls:
            size += sum(map(_size_of_call, calls))
    return size


def _size_of_call(call: Any) -> int:
    function = call.get("function") if type(call) is dict else None
    arguments = function.get("arguments") if type(function) is dict else None
    return 2 * _FRAME + (len(arguments) if type(arguments) is str else 0)


# Summaries -----------------------------------------------------------------------------------------------------------


def _summary_room(limit: int) -> int:
    return max(32, min(limit // 8, 1024))


def _with_summary(limits: Limits, settings: Trimming, scores: Sequence[float] | None, plain: TrimPlan) -> TrimPlan:
    """A plan with a summary in the place of what is left out: a kept one if it covers enough, else a new one.

    More is left out than has to be, so that the next turns fit beside the same summary.

    Args:
        limits: What the messages must fit into.
        settings: What may be left out.
        scores: What each message is worth.
        plain: The plan without a summary.
    """
    history = plain._history  # noqa: SLF001  of this module
    room = _summary_room(plain._limit)  # noqa: SLF001  see above
    left = limits.tokens - room
    places = None if limits.messages is None else limits.messages - 1
    try:
        least = _choose(history, Limits(left, places, limits.others), settings, scores)
        deep = _choose(history, Limits(int(left * _DEEPER), places, limits.others), settings, scores)
    except ContextLengthError:
        # There is no room for a summary beside what has to stay.
        return plain
    removed = _removed(history, deep)
    if not removed:
        return plain
    known = SUMMARIES.longest(history.messages, removed, whose=settings.summarize)
    needed = set(_removed(history, least))
    covered = set(removed[: known.covered])
    if covered and needed <= covered:
        kept = [at for at in range(len(history.messages)) if at not in covered]
        cuts = {at: cut for at, cut in {**least.cuts, **deep.cuts}.items() if at not in covered}
        tokens = history.counter.messages(_messages_of(history, kept, cuts))
        if tokens <= left:
            return replace(plain, _choice=Choice(kept, tokens, cuts), _known_summary=known.text)
    fresh = [history.messages[at] for at in removed[known.covered :]]
    request = SummaryRequest(tuple(fresh), known.text, room, known.key)
    return replace(plain, summary=request, _choice=deep)


def _messages_of(history: History, kept: Sequence[int], cuts: Mapping[int, Message]) -> list[Message]:
    messages = history.messages
    return [cuts.get(at) or messages[at] for at in kept] if cuts else [messages[at] for at in kept]


def _removed(history: History, choice: Choice) -> list[int]:
    kept = set(choice.kept)
    return [at for at in range(len(history.messages)) if at not in kept]
