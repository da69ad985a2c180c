"""Chunks of a streamed answer, or one whole answer → events. Pure, and tolerant of what sloppy servers send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from g4f_integrations.core.events import (
    AsideDelta,
    Batch,
    Event,
    Finish,
    Logprobs,
    Media,
    ReasoningDelta,
    ResponseInfo,
    Sources,
    TextDelta,
    ToolCallDelta,
)
from g4f_integrations.core.wire.citations import Citations
from g4f_integrations.core.wire.content import Sound, read_media, read_parts
from g4f_integrations.core.wire.decoding import whole_text
from g4f_integrations.core.wire.fragments import FragmentJoiner
from g4f_integrations.core.wire.usage import read_usage

_REASONING = ("reasoning_content", "reasoning")  # DeepSeek's name and OpenRouter's; some servers send both
_KEPT = ("system_fingerprint", "service_tier")
_ADVERT_IDS = ("ad_", "ad-")
_ADVERT_MODELS = ("ad-system", "ads", "ad")
_MOST_CHOICES = 1_024
_REASONS = {
    "eos": "stop",
    "eos_token": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "completed": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "function_call": "tool_calls",
    "tool_use": "tool_calls",
    "safety": "content_filter",
}


def _is_advert(event_id: Any, model: Any) -> bool:
    """Whether an event says of itself that it is an advert, as Pollinations' do."""
    return (isinstance(event_id, str) and event_id.startswith(_ADVERT_IDS)) or model in _ADVERT_MODELS


class ChunkReader:
    """Reads the chunks of one answer in their order.

    Example:
        >>> reader, events = ChunkReader(), []
        >>> reader.read({"model": "m", "choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}, events)
        >>> [*events, *reader.close()][1:]
        [TextDelta(text='Hi', choice=0), Finish(reason='stop', choice=0)]

    Attributes:
        failed: Whether a choice holds an error, or ended with the finish reason ``"error"``.
        patient: Set by the owner once a chunk held what strict JSON does not (half an emoji); texts are then mended.
    """

    __slots__ = (
        "_citations",
        "_headers",
        "_id",
        "_info",
        "_is_aside",
        "_joiners",
        "_model",
        "_name",
        "_reasons",
        "_sound_format",
        "_sounds",
        "_split",
        "_usage",
        "_uses_delta",
        "_went_on",
        "failed",
        "patient",
    )

    def __init__(self, headers: Mapping[str, str] | None = None, sound_format: str = "wav") -> None:
        self._headers = headers
        self._citations: Citations | None = None
        self._sound_format = sound_format
        self._info: ResponseInfo | None = None
        self._id: Any = None
        self._is_aside = False
        self._model: Any = None
        self._name: Any = None
        self._reasons: dict[int, str | None] = {}  # finish reason of each choice seen
        self._usage: Mapping[str, Any] | None = None
        self._joiners: dict[int, FragmentJoiner] = {}
        self._sounds: dict[int, Sound] = {}
        self._split: dict[tuple[Any, ...], str] = {}  # first halves of characters cut in two
        self._uses_delta = False
        self._went_on: set[int] = set()  # choices that had a chunk without a finish reason
        self.failed = False
        self.patient = False

    @property
    def is_complete(self) -> bool:
        """Whether every choice seen has told its finish reason, and at least one was seen."""
        return bool(self._reasons) and None not in self._reasons.values()

    @property
    def has_choices(self) -> bool:
        """Whether any part of an answer was seen."""
        return bool(self._reasons)

    def read(self, chunk: Mapping[str, Any], out: Batch) -> None:
        """Appends the events of `chunk` to `out`."""
        if chunk.get("id") != self._id or chunk.get("model") != self._model:
            self._id = chunk.get("id")
            self._is_aside = _is_advert(self._id, chunk.get("model"))
            if self._is_aside:
                self._model = chunk.get("model")
        if (
            self._info is None or chunk.get("model") != self._model or chunk.get("provider") != self._name
        ) and not self._is_aside:
            self._read_info(chunk, out)
        usage = chunk.get("usage")
        if usage and isinstance(usage, dict):
            self._usage = usage  # running totals: the last one counts
            if "citations" in chunk or "search_results" in chunk:  # of the first chunk, or of one that tells usage
                self._cited().read_chunk(chunk)
        choices = chunk.get("choices")
        if not choices or not isinstance(choices, list):
            return
        for position, choice in enumerate(choices):
            if isinstance(choice, dict):
                self._read_choice(choice, position, out)

    def close(self) -> Batch:
        """What is known only at the end: sound, sources, usage, and each choice's finish reason (if untold, "stop")."""
        out: Batch = []
        for key, half in sorted(self._split.items(), key=lambda item: item[0][1]):
            if half and key[0] == "content":
                out.append(TextDelta("\ufffd", key[1]))
        for index, sound in self._sounds.items():
            media = sound.close(index, self._sound_format)
            if media is not None:
                out.append(media)
        if self._citations is not None and (items := self._citations.items()):
            out.append(Sources(items))
        counted = read_usage(self._usage) if self._usage else None
        if counted is not None:
            out.append(counted)
        out += self.finishes()
        return out

    def finishes(self) -> Batch:
        """The finish reason of each choice seen so far."""
        return [
            Finish(reason or ("tool_calls" if index in self._joiners else "stop"), index)
            for index, reason in sorted((self._reasons or {0: None}).items())
        ]

    def _read_info(self, chunk: Mapping[str, Any], out: Batch) -> None:
        model, name = chunk.get("model"), chunk.get("provider")
        is_first = self._info is None
        if "citations" in chunk or "search_results" in chunk:
            self._cited().read_chunk(chunk)
        known = self._info or ResponseInfo(headers=dict(self._headers or {}))
        changed = is_first
        if isinstance(model, str) and model and model != known.model:
            changed = True
        self._model, self._name = model, name
        if isinstance(name, dict):  # g4f's long form
            name = name.get("name")
        if isinstance(name, str) and name and name != known.provider:
            changed = True
        if not changed:
            return
        answer_id = chunk.get("id")
        extra = {key: chunk[key] for key in _KEPT if chunk.get(key) is not None}
        self._info = ResponseInfo(
            model if isinstance(model, str) and model else known.model,
            name if isinstance(name, str) and name else known.provider,
            answer_id if isinstance(answer_id, str) and answer_id else known.id,
            known.headers,
            {**known.extra, **extra},
        )
        out.append(self._info)

    def _cited(self) -> Citations:
        if self._citations is None:
            self._citations = Citations()
        return self._citations

    def _read_choice(self, choice: dict[str, Any], position: int, out: Batch) -> None:
        index = choice.get("index")
        if type(index) is not int or not 0 <= index < _MOST_CHOICES:
            index = min(position, _MOST_CHOICES - 1)
        reason = choice.get("finish_reason")
        if (reason is not None and _is_failure(reason)) or choice.get("error"):
            self.failed = True
            return
        delta = self._delta_of(choice)
        if delta and isinstance(delta, dict):
            # Some servers tell a finish reason in every chunk; it ends nothing there.
            is_over = index in self._went_on and self._reasons[index] is not None
            if is_over or self._is_aside:
                self._read_aside(delta, index, out)
            else:
                self._read_delta(delta, index, out)
        if choice.get("logprobs"):
            _read_logprobs(choice["logprobs"], index, out)
        if reason and isinstance(reason, str) and reason != "null":
            self._reasons[index] = _REASONS.get(reason.lower(), reason.lower())
            if "usage" in choice and isinstance(choice["usage"], dict):
                self._usage = self._usage or choice["usage"]  # Moonshot's place for it
        elif index not in self._reasons:
            self._reasons[index] = None
            self._went_on.add(index)

    def _delta_of(self, choice: dict[str, Any]) -> Any:
        delta = choice.get("delta")
        if delta:
            self._uses_delta = True
        elif not self._uses_delta:  # a last chunk may repeat the whole message beside an empty delta
            return choice.get("message") or (choice if isinstance(choice.get("text"), str) else None)
        return delta

    def _read_aside(self, delta: dict[str, Any], index: int, out: Batch) -> None:
        events: Batch = []
        self._read_delta(delta, index, events)
        out += map(self._set_apart, events)

    def _set_apart(self, event: Event) -> Event:
        """Text that stands in an event marked as an advert, or behind the finish reason."""
        if not isinstance(event, TextDelta):
            return event
        if not self._is_aside:
            return AsideDelta(event.text, event.choice, after_finish=True)
        event_id, model = (mark if isinstance(mark, str) else None for mark in (self._id, self._model))
        return AsideDelta(event.text, event.choice, event_id, model)

    def _read_delta(self, delta: dict[str, Any], index: int, out: Batch) -> None:
        content = delta.get("content")
        if type(content) is str and len(delta) <= 1 + ("role" in delta) and not self.patient:
            if content:
                out.append(TextDelta(content, index))
        else:
            self._read_message(delta, index, out)

    def _read_message(self, message: dict[str, Any], index: int, out: Batch) -> None:
        """Everything that a delta or a message can hold; reasoning comes before the text that it led to."""
        for member in _REASONING:
            thought = message.get(member)
            if isinstance(thought, dict):
                thought = thought.get("content") or thought.get("text")
            if isinstance(thought, str) and thought:
                thought = self._mend(thought, "reasoning", index)
                if thought:
                    out.append(ReasoningDelta(thought, index))
                break  # the other name would repeat it
        for member in ("content", "text", "refusal"):
            content = message.get(member)
            if content:
                self._read_content(content, index, out)
        out += [ResponseInfo(extra={"refusal": True})] if message.get("refusal") else ()
        self._read_calls(message, index, out)
        self._read_companions(message, index, out)

    def _read_companions(self, message: dict[str, Any], index: int, out: Batch) -> None:
        """What stands beside the content: pictures, films, sound, and where it is from."""
        if message.get("annotations"):
            self._cited().read_message(message)
        if message.get("images"):
            out += read_media("image", message["images"], index)
        if message.get("videos"):
            out += read_media("video", message["videos"], index)
        if message.get("audio"):
            self._sounds.setdefault(index, Sound()).feed(message["audio"])

    def _read_content(self, content: Any, index: int, out: Batch) -> None:
        for event in read_parts(content, index):
            if not isinstance(event, Media):
                event.text = self._mend(event.text, "content", index)
                if not event.text:
                    continue
            out.append(event)

    def _read_calls(self, message: dict[str, Any], index: int, out: Batch) -> None:
        calls = message.get("tool_calls")
        if not calls and isinstance(message.get("function_call"), dict):
            calls = [{"index": 0, "function": message["function_call"]}]  # OpenAI's form before there were tools
        if isinstance(calls, dict):
            calls = [calls]
        if not calls or not isinstance(calls, list):
            return
        joiner = self._joiners.get(index)
        if joiner is None:
            joiner = self._joiners[index] = FragmentJoiner(index)
        for position, fragment in enumerate(calls):
            delta: ToolCallDelta | None = joiner.feed(fragment, position)
            if delta is not None:
                delta.arguments = self._mend(delta.arguments, "arguments", index, delta.index)
                out.append(delta)

    def _mend(self, text: str, *place: Any) -> str:
        if not self.patient:
            return text
        mended, self._split[place] = whole_text(self._split.get(place, "") + text)
        return mended


def _read_logprobs(logprobs: Any, index: int, out: Batch) -> None:
    tokens = logprobs.get("content") if isinstance(logprobs, dict) else None
    if isinstance(logprobs, dict) and isinstance(logprobs.get("tokens"), list):
        tokens = _tokens_of_completion(logprobs)
    if tokens and isinstance(tokens, list):
        out.append(Logprobs([token for token in tokens if isinstance(token, dict)], index))


def _tokens_of_completion(logprobs: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns that completions tell (tokens, their logprobs, alternatives by token) in the form of chats."""
    columns = (logprobs.get("token_logprobs"), logprobs.get("top_logprobs"))
    values, others = (column if isinstance(column, list) else [] for column in columns)
    told = []
    for place, token in enumerate(logprobs["tokens"]):
        value = values[place] if place < len(values) else None  # an echoed prompt's first token has none
        row: dict[str, Any] = {"token": token, "logprob": value if isinstance(value, int | float) else 0.0}
        alternatives = others[place] if place < len(others) else None
        if isinstance(alternatives, dict):
            row["top_logprobs"] = [{"token": name, "logprob": chance} for name, chance in alternatives.items()]
        told.append(row)
    return told


def _is_failure(reason: Any) -> bool:
    """OpenRouter's way to say that upstream broke off; what stands beside it is the error's text."""
    return isinstance(reason, str) and reason.lower() == "error"
