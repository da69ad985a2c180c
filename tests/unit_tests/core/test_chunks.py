"""g4f's chunks as events: which type becomes what, and what is left out on purpose."""

from __future__ import annotations

import asyncio
import inspect
import itertools

import pytest
from g4f.providers import response
from g4f.providers.response import (
    AudioResponse,
    FinishReason,
    HeadersResponse,
    ImagePreview,
    ImageResponse,
    JsonConversation,
    JsonResponse,
    MediaResponse,
    ProviderInfo,
    RawResponse,
    Reasoning,
    SearchResults,
    SourceLink,
    Sources,
    ToolCalls,
    Usage,
    VideoResponse,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from g4f_integrations.core import events
from g4f_integrations.core.assembly import ToolCallAssembler
from g4f_integrations.core.chunks import CHUNK_TABLE, ChunkReader
from g4f_integrations.core.events import Finish, Media, ReasoningDelta, ResponseInfo, TextDelta, ToolCall

fuzz = settings(deadline=None, max_examples=200)

# Mixins and the root have no form of their own; what they are mixed into decides.
NO_CHUNKS = {"ResponseType", "JsonMixin", "ObjectMixin"}


def read(*chunks):
    return ChunkReader().read(list(chunks))


def calls_of(*lists):
    """The complete calls that come of the fragments of each chunk in turn."""
    assembler = ToolCallAssembler()
    for delta in ChunkReader().read([ToolCalls(fragments) for fragments in lists]):
        assembler.feed(delta)
    return [(call.name, call.arguments) for call in assembler.close()]


def call(name=None, arguments=None, **more):
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    return {**more, "type": "function", "function": function}


# The table


@pytest.mark.parametrize(
    "kind",
    [kind for _, kind in inspect.getmembers(response, inspect.isclass) if kind.__module__ == response.__name__],
    ids=lambda kind: kind.__name__,
)
def test_every_chunk_type_of_g4f_is_in_the_table_by_itself_or_by_an_ancestor(kind):
    named = [ancestor.__name__ for ancestor in kind.__mro__ if ancestor.__name__ in CHUNK_TABLE]

    assert named or kind.__name__ in NO_CHUNKS


def test_every_entry_of_the_table_names_a_reader():
    assert all(callable(getattr(ChunkReader, name)) for name in CHUNK_TABLE.values())


@pytest.mark.parametrize(
    "chunk",
    [
        None,
        "",
        b"",
        Reasoning(status="Searching …"),
        Reasoning(is_thinking="<think>"),
        Reasoning(""),
        JsonConversation(id="session"),
        RawResponse(type="tool_result"),
        ImagePreview("http://h/small.png", "a cat"),
        ImageResponse([], "nothing"),
        Sources([]),
        ToolCalls([]),
        ToolCalls(None),
        Usage(prompt_tokens=0, completion_tokens=0),
        HeadersResponse.from_dict({"x-powered-by": "g4f"}),
        response.TitleGeneration("A title"),
        response.DebugResponse("log"),
        response.PreviewResponse("so far"),
        response.RequestLogin("Somebody", "http://h"),
        response.SuggestedFollowups(["And then?"]),
        response.Parameters(a=1),
        response.JsonRequest.from_dict({"model": "m"}),
    ],
    ids=repr,
)
def test_what_is_not_the_answer_gives_no_event(chunk):
    assert read(chunk) == []


class Odd:
    def __str__(self):
        return "odd"


class Named(str):
    __slots__ = ()


@pytest.mark.parametrize("chunk", ["text", Named("text"), b"text"])
def test_text_in_any_form_is_text(chunk):
    assert read(chunk) == [TextDelta("text")]


def test_a_chunk_of_an_unknown_type_is_taken_as_text():
    assert read(Odd()) == [TextDelta("odd")]


@fuzz
@given(st.text(max_size=20), st.lists(st.integers(0, 60)))
def test_bytes_may_cut_characters_in_two(text, cuts):
    data = text.encode()
    places = sorted({0, *(cut for cut in cuts if cut < len(data)), len(data)})

    told = read(*(data[start:end] for start, end in itertools.pairwise(places)))

    assert "".join(event.text for event in told) == text
    assert all(event.text for event in told)


# One chunk, one event


@pytest.mark.parametrize(
    ("chunk", "event"),
    [
        (Reasoning("hm"), ReasoningDelta("hm")),
        (Reasoning(token="hm", status="thinking"), ReasoningDelta("hm")),
        (FinishReason("length"), Finish("length")),
        (FinishReason(None), Finish("stop")),
        (
            VideoResponse("http://h/v.mp4", "a cat"),
            Media("video", ["http://h/v.mp4"], '<video src="http://h/v.mp4"></video>'),
        ),
        (MediaResponse(["http://h/a"], "a"), Media("image", ["http://h/a"], "http://h/a")),
        (AudioResponse("http://h/a.mp3", transcript="Hi"), Media("audio", ["http://h/a.mp3"], "Hi")),
        (AudioResponse(b"abc"), Media("audio", ["data:audio/mpeg;base64,YWJj"], "")),
        (SourceLink("1", "http://h"), events.Sources([{"url": "http://h", "title": "1"}])),
        (ProviderInfo(name="P", url="http://h", model="m"), ResponseInfo(model="m", provider="P")),
        (
            HeadersResponse.from_dict({"X-RateLimit-Left": "1", "x-a": "b"}),
            ResponseInfo(headers={"x-ratelimit-left": "1"}),
        ),
        (JsonResponse.from_dict({"id": "a1", "choices": []}), ResponseInfo(id="a1")),
    ],
)
def test_a_chunk_becomes_its_event(chunk, event):
    assert read(chunk) == [event]


def test_pictures_keep_their_markdown():
    (picture,) = read(ImageResponse(["http://h/1.png", "http://h/2.png"], "cats"))

    assert (picture.kind, picture.items) == ("image", ["http://h/1.png", "http://h/2.png"])
    assert picture.text.count("](http://h/") == 4


def test_a_picture_of_megabytes_costs_no_more_than_a_copy():
    uri = "data:image/png;base64," + "A" * 20_000_000  # g4f's own text form of it takes ten seconds

    (picture,) = read(ImageResponse(uri, "a [large] cat"))

    assert picture.text == f"![a (large) cat]({uri})"


def test_a_picture_whose_text_form_fails_is_a_picture_all_the_same():
    (picture,) = read(ImageResponse("http://h/1.png", None, {"width": 1, "height": 1}))

    assert picture == Media("image", ["http://h/1.png"], "http://h/1.png")


def test_sources_and_search_results_have_one_form():
    given = [{"link": "http://h", "name": "A", "text": "about a", "rank": 1}]
    wanted = [events.Sources([{"url": "http://h", "title": "A", "snippet": "about a"}])]

    assert read(SearchResults(given)) == wanted
    assert read(Sources(given)) == wanted
    assert read(Sources(["http://h"])) == [events.Sources([{"url": "http://h"}])]


# Usage


@pytest.mark.parametrize(
    ("told", "counted"),
    [
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4, 7)),
        ({"input_tokens": 3, "output_tokens": 4}, (3, 4, 7)),
        ({"promptTokens": 3, "completionTokens": 4}, (3, 4, 7)),
        ({"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 9}, (3, 4, 9)),
        ({"prompt": 3, "completion": 4}, (3, 4, 7)),
        ({"prompt_tokens": 3}, (3, 0, 3)),
        ({"total_tokens": 9}, (0, 0, 9)),
        ({"prompt_tokens": float("inf"), "completion_tokens": 4, "total_tokens": float("nan")}, (0, 4, 4)),
    ],
)
def test_usage_is_read_in_every_spelling(told, counted):
    (usage,) = read(Usage(**told))

    assert (usage.input_tokens, usage.output_tokens, usage.total_tokens) == counted


def test_the_details_of_a_usage_have_openais_names():
    told = Usage(
        prompt_tokens=9,
        completion_tokens=5,
        prompt_tokens_details={"cached_tokens": 4},
        output_tokens_details={"reasoning_tokens": 3},
    )

    assert read(told)[0].details == {"cached_tokens": 4, "reasoning_tokens": 3}


# What the upstream's own JSON tells


def blocking_answer(**message):
    return JsonResponse.from_dict({"id": "a1", "choices": [{"message": {"role": "assistant", **message}}]})


def test_the_reasoning_of_a_blocking_answer_is_found_in_its_json():
    assert read(blocking_answer(reasoning_content="hm"), "Yes.")[1:] == [ReasoningDelta("hm"), TextDelta("Yes.")]


def test_reasoning_that_was_told_already_is_not_told_twice():
    told = read(Reasoning("hm"), blocking_answer(reasoning="hm"), "Yes.")

    assert [event for event in told if isinstance(event, ReasoningDelta)] == [ReasoningDelta("hm")]


def test_the_id_of_an_answer_is_told_once():
    chunk = JsonResponse.from_dict({"id": "a1", "choices": [{"delta": {"content": "x"}}]})

    assert read(chunk, chunk) == [ResponseInfo(id="a1")]


# Ends and errors


def test_a_finish_reason_may_be_followed_by_more():
    reader = ChunkReader()

    told = reader.read(["a", FinishReason("stop"), "b", Usage(prompt_tokens=1, completion_tokens=1)])

    assert [type(event).__name__ for event in told] == ["TextDelta", "Finish", "TextDelta", "Usage"]
    assert reader.finished


def test_a_yielded_exception_ends_the_answer_and_what_came_before_it_stands():
    reader, error = ChunkReader(), ValueError("Response 500")

    assert reader.read(["a", error, "b"]) == [TextDelta("a")]
    assert reader.error is error


@pytest.mark.parametrize("chunk", [KeyboardInterrupt(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()])
def test_a_yielded_exception_never_ends_more_than_the_attempt(chunk):
    reader = ChunkReader()
    reader.read([chunk])

    assert isinstance(reader.error, RuntimeError)


# Tool calls


@pytest.mark.parametrize(
    "fragments",
    [
        [[call("add", "", index=0, id="a")], [call(arguments='{"x"', index=0)], [call(arguments=":1}", index=0)]],
        [[call("add", "", id="a")], [call(arguments='{"x"')], [call(arguments=":1}")]],
        [[call("add", "", index=0, id="a")], [call(arguments='{"x"', index=1)], [call(arguments=":1}", index=2)]],
        [[call("add", '{"x"', id="a")], [call(arguments=":1}", id="a")]],
        [[call("add", '{"x"', index=0, id="a")], [call("add", ":1}", index=0, id="a")]],
        [[call("add", '{"x":1}')]],
        [[call("add", {"x": 1})]],
        [[call("add", {"x": 1}, index=None, id=None)]],
        [call("add", '{"x":1}')],
        [[None, "junk", 5, call("add", {"x": 1})]],
    ],
)
def test_the_fragments_of_one_call_make_one_call(fragments):
    assert calls_of(*fragments) == [("add", {"x": 1})]


@pytest.mark.parametrize(
    "fragments",
    [
        [[call("f", "{}", index=0, id="a"), call("g", "{}", index=1, id="b")]],
        [[call("f", "{}", id="a"), call("g", "{}", id="b")]],
        [[call("f", "{}"), call("g", "{}")]],
        [[call("f", "{}")], [call("g", "{}")]],
        [[call("f", "{}", index=0, id="a")], [call("g", "{}", index=0, id="b")]],
        [[call("f", "{", id="a")], [call(arguments="}")], [call("g", "{", id="b")], [call(arguments="}")]],
        [
            [call("f", "{", index=0, id="a")],
            [call(arguments="}", index=1)],
            [call("g", "{", index=2, id="b")],
            [call(arguments="}", index=3)],
        ],
    ],
)
def test_two_calls_stay_two_calls(fragments):
    assert calls_of(*fragments) == [("f", {}), ("g", {})]


class Function:
    def __init__(self, name, arguments):
        self.name, self.arguments = name, arguments


class Call:
    def __init__(self, **members):
        self.__dict__.update(members)

    def get_dict(self):
        return self.__dict__


def test_calls_may_come_as_objects():
    nested = Call(id="a", function=Function("add", {"x": Call(y=[1])}))

    assert calls_of([nested]) == [("add", {"x": {"y": [1]}})]


def test_id_and_name_stand_on_the_first_fragment_only():
    told = read(ToolCalls([call("f", "{", id="a", index=0)]), ToolCalls([call("f", "}", id="a", index=0)]))

    assert [(event.id, event.name) for event in told] == [("a", "f"), (None, None)]


WILD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "index", "function", "name", "arguments", "type"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@fuzz
@given(st.lists(WILD, max_size=4))
def test_no_list_of_tool_calls_is_too_odd_to_be_read(fragments):
    assembler = ToolCallAssembler()
    for delta in read(ToolCalls(fragments)):
        assembler.feed(delta)

    for made in assembler.close():
        assert isinstance(made.arguments, dict if isinstance(made, ToolCall) else str)


def test_arguments_that_hold_themselves_come_to_an_end():
    endless = {"x": 1}
    endless["self"] = endless

    (event,) = read(ToolCalls([call("f", endless)]))

    assert event.name == "f"
