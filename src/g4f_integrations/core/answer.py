"""The end of one attempt's answer: its tool calls, its form, and whether it stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from g4f_integrations.core.call_state import Mistake
from g4f_integrations.core.events import Batch, InvalidToolCall, TextDelta, ToolCall
from g4f_integrations.core.failures import AttemptFailed, Failure
from g4f_integrations.core.incoming import Incoming

_LIMITS = frozenset({"max_tokens", "max_completion_tokens"})
_SHOWN_REFUSAL = 300  # characters
_SHOWN_ANSWER = 20_000  # characters of a faulty answer that are shown to the model again


class Answer(Incoming):
    """What an attempt has brought, and the verdict on it."""

    __slots__ = ()

    def end(self, released: Batch, *, whole: bool = False) -> Batch:
        """What was still held, when the answer stands.

        Args:
            released: What goes before it.
            whole: Whether `take_whole` was given all.

        Raises:
            AttemptFailed: It does not stand.
        """
        self._shown = self.begun and self._call.request.stream
        if self._shown and not self._call.muted and self._asked.tools and self._asked.format is not None:
            self._call.shown = {choice: "".join(lane.parts) for choice, lane in self._lanes.items()}
        if not whole:
            for choice, lane in self._lanes.items():
                self._judge_text(lane, choice, self._flush(choice, lane, released), released)
        if self._reasoning:
            self._flush_reasoning(released)
        self._take_thoughts(released)
        for lane in self._lanes.values():
            self.removed += lane.removed
        if self._assembler is not None or self._asked.tools:
            self._finish_calls()
        if not self.calls and not self._invalid and not self._has_media and self._is_blank():
            self._judge_empty(released)
        if self._asked.tools or self._asked.format is not None:
            self._judge_form(released)
        released += self.calls
        released += self._invalid
        if not self._aside:
            return released
        aside, self._aside = self._aside, None
        return [*aside, *released]

    def break_off(self) -> dict[int, str]:
        """The stream broke off: the text of each choice that was still held. `calls` are those that came whole."""
        held = {choice: lane.break_off() for choice, lane in self._lanes.items()}
        found: list[ToolCall | InvalidToolCall] = []
        if self._assembler is not None:
            found = self._assembler.close(cut=self.choices)
            if found and isinstance(found[-1], ToolCall) and not found[-1].arguments:
                found.pop()  # its arguments may not have come yet
        for choice, lane in self._lanes.items():
            self.removed += lane.removed
            if lane.parsed is not None:
                found += _of_choice(choice, [*lane.parsed.calls])
        self.calls = [call for call in found if isinstance(call, ToolCall)]
        return {choice: text for choice, text in held.items() if text}

    def _is_blank(self) -> bool:
        for lane in self._lanes.values():
            for part in lane.parts:
                if part and not part.isspace():
                    return False
        return True

    def _take_thoughts(self, released: Batch) -> None:
        """Take the reasoning for the answer where a call brings nothing else for the second time.

        Some servers mix them up, and would do so another time.
        """
        call = self._call
        if not self._thoughts or self._assembler is not None or self._has_media or call.partial is not None:
            return
        if not self._is_blank() or any(lane.parsed is not None and lane.parsed.calls for lane in self._lanes.values()):
            return
        thoughts = "".join(self._thoughts)
        if self.stopped or self.finish_reason(0) != "stop" or not thoughts.strip():
            return
        known, call.only_thoughts = call.only_thoughts, True
        if known:
            self.suspect = "empty"
            lane = self._lane(0)
            self._settle(lane, 0, lane.whole(thoughts), released)

    def _judge_empty(self, released: Batch) -> None:
        call = self._call
        reason = self.finish_reason(0)
        if self._assembler is not None and call.request.tool_choice == "none":
            self._fail_form(("No tool may be called now. Answer in words.",), released)
        if self.stopped or (reason == "length" and not _LIMITS.isdisjoint(call.request.params)):
            return
        if reason == "content_filter":
            raise AttemptFailed(Failure("content_filter", scope="request", message="the route refused by its policy"))
        if call.partial is not None and any(lane.is_met for lane in self._lanes.values()):
            return  # there was nothing more to say, and the route has said so
        if call.request.ends_with_tool_result:
            if call.empty_after_tool:
                return
            call.empty_after_tool = True
        raise AttemptFailed(Failure("empty", message="the answer holds no text, tool call or media"))

    def _texts(self) -> Iterable[tuple[int, str]]:
        return [(choice, "".join(lane.parts).strip()) for choice, lane in self._lanes.items()]

    # Tool calls and formats --------------------------------------------------------------------------------------

    def _finish_calls(self) -> None:
        found: list[ToolCall | InvalidToolCall] = []
        if self._assembler is not None:
            found = self._assembler.close(cut=[one for one in self.finishes if self.finish_reason(one) == "length"])
        if self._call.request.tool_choice == "none":
            found = []
        told = {call.choice for call in found}
        for choice, lane in self._lanes.items():
            # A route that has calls of its own and writes about others means the former.
            if lane.parsed is not None and choice not in told:
                found += _of_choice(choice, [*lane.parsed.calls, *lane.parsed.invalid])
        if self._asked.one_call:
            found = [*{call.choice: call for call in reversed(found)}.values()][::-1]
        if found:
            _renew_ids(found, _ids_of(self._call.request.messages))
        self.calls = [call for call in found if isinstance(call, ToolCall)]
        self._invalid = [call for call in found if isinstance(call, InvalidToolCall)]

    def _judge_form(self, released: Batch) -> None:
        problem = next((lane.problem for lane in self._lanes.values() if lane.problem is not None), None)
        problems = self._asked.problems(self.calls, self._invalid, problem)
        if not problems:
            if self._call.muted and not self.calls:
                self._follow_shown(released)
            return
        if self.finish_reason(0) == "content_filter":
            raise AttemptFailed(Failure("content_filter", scope="request", message="the route refused by its policy"))
        if self.info.extra.get("refusal"):  # asking again would bring another one
            said = " ".join(self.text.split())[:_SHOWN_REFUSAL]
            raise AttemptFailed(Failure("content_filter", scope="request", message=f"the model refused: {said}"))
        if self.finish_reason(0) == "length" and not _LIMITS.isdisjoint(self._call.request.params):
            self.suspect = "invalid"  # it was cut where the user wanted it to be, and would be once more
            return
        if self._shown and problem is not None and not self.calls and not self._invalid:
            self.suspect = "invalid"  # it has been handed over and cannot be taken back
            return
        self._fail_form(problems, released)

    def _follow_shown(self, released: Batch) -> None:
        """An answer of its own, which lacks no call, follows what an earlier attempt has shown already."""
        if self._asked.format is None:
            released += [TextDelta(f"\n\n{text}", choice) for choice, text in self._texts() if text]
            return
        from g4f_integrations.core.joining import Joint  # few answers come to this

        for choice, text in self._texts():
            joint = Joint((self._call.shown or {}).get(choice, ""), anew=True)
            rest = joint.feed(text) + joint.close()
            if joint.problem is not None:
                self._fail_form(("The answer begins otherwise than the one that was shown.",), released)
            if rest:
                released.append(TextDelta(rest, choice))

    def _fail_form(self, problems: tuple[str, ...], released: Batch) -> NoReturn:
        call, key = self._call, self._candidate.key
        if call.mistakes is None:
            call.mistakes = {}
        told = ["".join(lane.raw).strip() for lane in self._lanes.values()]
        if self._assembler is not None:
            told += [f"{call.name}({call.arguments})" for call in self.calls]
            told += [f"{broken.name}({broken.arguments})" for broken in self._invalid]
        known = key in call.mistakes
        call.mistakes[key] = Mistake("\n".join(filter(None, told))[:_SHOWN_ANSWER], problems)
        if "native" in (self._asked.tools_by, self._asked.format_by) and not self.calls and not self._invalid:
            call.by_prompt = {*(call.by_prompt or ()), key}  # it takes tools or formats, they say, and ignores them
        self.suspect = "invalid"
        self.begun = self._shown
        if self._shown:
            call.deadline = None  # it bounds the time to the first thing handed over, and that has come
        self.kept = [*(self._aside or ()), *released, *self.calls, *self._invalid]
        raise AttemptFailed(Failure("invalid", scope="request", message=problems[0]), again=not known)


def _of_choice(choice: int, calls: list[ToolCall | InvalidToolCall]) -> Iterable[ToolCall | InvalidToolCall]:
    for call in calls:
        call.choice = choice
        yield call


def _renew_ids(calls: Iterable[ToolCall | InvalidToolCall], taken: set[str]) -> None:
    """Give calls ids of their own that every provider accepts; many routes count anew in every turn."""
    from g4f_integrations.core.toolcalls.ids import is_call_id, new_call_id

    for call in calls:
        if not is_call_id(call.id) or call.id in taken:
            call.id = new_call_id()
        taken.add(call.id)


def _ids_of(messages: Iterable[Any]) -> set[str]:
    """The ids of all calls that were made in the conversation so far."""
    made = (call for message in messages for call in message.get("tool_calls") or () if isinstance(call, Mapping))
    return {call["id"] for call in made if isinstance(call.get("id"), str)}
