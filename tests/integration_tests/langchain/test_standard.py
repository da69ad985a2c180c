"""LangChain's own integration suite for chat models, against stand-ins that reject what real servers reject.

Everything that the suite can ask for is switched on. Three configurations, the latter two on the provider thread and
in the caller's loop: an OpenAI-compatible endpoint over HTTP, a g4f provider that has only text, and one that has
tools. Whatever a test asks is looked at afterwards: exactly so many requests as there were calls, each of them without
a fault, and each saying what the test meant. Structured output is asked for as an answer and as
a tool's arguments; the suite has a test of its own for JSON mode.
"""

import base64
import re

import httpx
import pytest
from langchain_tests.integration_tests import ChatModelIntegrationTests

from g4f_integrations import Route
from g4f_integrations.langchain import ChatG4F
from loopback import LoopbackServer
from strict_openai import message_fault, request_fault
from toy_model import text_of, wish_of
from toy_provider import strict_provider

FILES = {
    ".png": base64.b64decode(
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
    ),
    ".pdf": b"%PDF-1.4\n%%EOF\n",
    ".wav": b"RIFF$\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00@\x1f\x00\x00@\x1f\x00\x00\x01\x00\x08\x00data\x00\x00\x00\x00",
}
OTHER_MODEL = "stand-in-large"


def parts_of(request, kind):
    """The parts of that kind in a request, without their type."""
    lists = [message["content"] for message in request["messages"] if isinstance(message["content"], list)]
    return [part[kind] for parts in lists for part in parts if part["type"] == kind]


def roles_of(request):
    return [message["role"] for message in request["messages"]]


def holds_a_picture(request):
    [picture] = parts_of(request, "image_url")
    return picture["url"].startswith(("data:image/png;base64,iVBOR", "https://raw.githubusercontent.com/"))


def holds_a_sound(request):
    return [sound["format"] for sound in parts_of(request, "input_audio")] == ["wav"]


def holds_a_document(request):
    return [file["file_data"][:28] for file in parts_of(request, "file")] == ["data:application/pdf;base64,"]


def answers_a_call(request):
    """Whether the newest message is a tool's result, for a call that stands before it, and tools are offered."""
    call, result = request["messages"][-2:]
    if request.get("tools"):
        return result["tool_call_id"] == call["tool_calls"][0]["id"] and len(request["tools"]) == 1
    [told] = re.findall(r'"id": "([^"]+)", "name"', text_of(call["content"]))
    return f'<tool_result id="{told}" name=' in text_of(result["content"]) and "Your tools: " in text_of(
        result["content"]
    )


def tells_of_an_error(request):
    """Whether the tool's failure is told in words, where the protocol has no word for it."""
    return bool(request.get("tools")) or 'status="error"' in text_of(request["messages"][-1]["content"])


def offers(name, forced=None):
    """A check: that tool alone is offered; called it must be if `forced`, by name if that is given."""

    def check(request):
        wish = wish_of(request)
        return [tool["name"] for tool in wish.tools] == [name] and wish.forced == forced

    return check


def wants_an_object(request):
    """Whether a joke of two lines was asked for, as a form or as a tool's arguments."""
    wish = wish_of(request)
    [schema] = [tool["parameters"] for tool in wish.tools] or [wish.schema]
    return wish.any_object or [*schema["properties"]] == ["setup", "punchline"]


def is_streamed(request):
    return request["stream"] is True


def is_whole(request):
    return request["stream"] is False


def asks_the_other_model(request):
    return request["model"] == OTHER_MODEL


ASKED = {
    "test_invoke": [is_whole],
    "test_ainvoke": [is_whole],
    "test_stream": [is_streamed],
    "test_astream": [is_streamed],
    "test_stream_events_v3": [is_streamed],
    "test_astream_events_v3": [is_streamed],
    "test_invoke_with_model_override": [asks_the_other_model],
    "test_ainvoke_with_model_override": [asks_the_other_model],
    "test_stream_with_model_override": [asks_the_other_model],
    "test_astream_with_model_override": [asks_the_other_model],
    "test_batch": [is_whole] * 2,
    "test_abatch": [is_whole] * 2,
    "test_conversation": [lambda request: roles_of(request) == ["user", "assistant", "user"]],
    "test_double_messages_conversation": [
        lambda request: roles_of(request) == [*["system"] * 2, *["user"] * 2, *["assistant"] * 2, "user"]
    ],
    "test_usage_metadata": [is_whole] * 6,
    "test_usage_metadata_streaming": [is_streamed] * 6,
    "test_tool_calling": [offers("magic_function", "")] * 2,
    "test_tool_calling_async": [offers("magic_function", "")] * 2,
    "test_bind_runnables_as_tools": [offers("greeting_generator", "")],
    "test_tool_message_histories_string_content": [answers_a_call],
    "test_tool_message_histories_list_content": [answers_a_call],
    "test_tool_choice": [lambda request: len(wish_of(request).tools) == 2 and wish_of(request).forced is not None] * 2,
    "test_tool_calling_with_no_arguments": [offers("magic_function_no_args", "")] * 2,
    "test_tool_message_error_status": [lambda request: answers_a_call(request) and tells_of_an_error(request)],
    "test_structured_few_shot_examples": [lambda request: wish_of(request).forced == ""],
    "test_structured_output": [wants_an_object] * 2,
    "test_structured_output_async": [wants_an_object] * 2,
    "test_structured_output_pydantic_2_v1": [wants_an_object] * 4,
    "test_structured_output_optional_param": [wants_an_object] * 4,
    "test_json_mode": [lambda request: wish_of(request).any_object] * 4,
    "test_agent_loop": [offers("get_weather"), answers_a_call],
    "test_unicode_tool_call_integration": [lambda request: wish_of(request).forced == ""] * 2,
    "test_stop_sequence": [lambda request: request["stop"] == ["you"]] * 2,
    "test_image_inputs": [holds_a_picture] * 3,
    "test_pdf_inputs": [holds_a_document] * 2,
    "test_audio_inputs": [holds_a_sound] * 2,
    "test_image_tool_message": [lambda request: answers_a_call(request) and holds_a_picture(request)] * 2,
    "test_pdf_tool_message": [lambda request: answers_a_call(request) and holds_a_document(request)],
    "test_anthropic_inputs": [
        lambda request: answers_a_call(request) and holds_a_picture(request),
        lambda request: request["messages"][1]["content"] == [{"type": "text", "text": "Hello, how are you?"}],
    ],
    "test_message_with_name": [lambda request: request["messages"][0]["name"] == "example_user"],
    "test_stream_time": [is_streamed],
}
"""What each test asks of the model, request by request; those that are not named ask nothing."""


METHODS = ("json_schema", "function_calling")
IN_BOTH_METHODS = {
    "test_structured_output",
    "test_structured_output_async",
    "test_structured_output_pydantic_2_v1",
    "test_structured_output_optional_param",
}


def pytest_generate_tests(metafunc):
    if "_method" in metafunc.fixturenames:
        wanted = METHODS if metafunc.function.__name__ in IN_BOTH_METHODS else METHODS[:1]
        metafunc.parametrize("_method", wanted, indirect=True, ids=wanted if len(wanted) > 1 else [""])


@pytest.fixture(scope="module")
def vcr_config():
    return {"ignore_localhost": True}  # nothing is recorded: the stand-ins are as steady as a cassette


@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")  # the suite measures recorded answers only
class Suite(ChatModelIntegrationTests):
    """The suite with everything switched on."""

    requests: list[dict]
    settings: dict
    method = METHODS[0]

    @property
    def chat_model_class(self):
        return ChatG4F

    @property
    def chat_model_params(self):
        return {"model": "stand-in", **self.settings}

    @property
    def has_tool_choice(self):
        return True

    @property
    def supports_json_mode(self):
        return True

    @property
    def structured_output_kwargs(self):
        return {"method": self.method}

    @property
    def model_override_value(self):
        return OTHER_MODEL

    @property
    def supports_image_inputs(self):
        return True

    @property
    def supports_image_urls(self):
        return True

    @property
    def supports_pdf_inputs(self):
        return True

    @property
    def supports_audio_inputs(self):
        return True

    @property
    def supports_video_inputs(self):
        return True

    @property
    def supports_anthropic_inputs(self):
        return True

    @property
    def supports_image_tool_message(self):
        return True

    @property
    def supports_pdf_tool_message(self):
        return True

    @property
    def enable_vcr_tests(self):
        return True

    @property
    def supported_usage_metadata_details(self):
        known = ["audio_input", "audio_output", "reasoning_output", "cache_read_input", "cache_creation_input"]
        return {"invoke": known, "stream": known}

    def _ask(self, stream=False):
        model = ChatG4F(**self.chat_model_params)
        if not stream:
            return model.invoke("Hello")
        first, *others = model.stream("Hello")
        return first + others

    def invoke_with_audio_input(self, *, stream=False):
        return self._ask(stream)

    def invoke_with_audio_output(self, *, stream=False):
        return self._ask(stream)

    def invoke_with_reasoning_output(self, *, stream=False):
        return self._ask(stream)

    def invoke_with_cache_read_input(self, *, stream=False):
        return self._ask(stream)

    def invoke_with_cache_creation_input(self, *, stream=False):
        return self._ask(stream)

    @pytest.fixture(autouse=True)
    def _method(self, request):
        self.method = request.param

    @pytest.fixture(autouse=True)
    def _files_without_a_network(self, monkeypatch):
        monkeypatch.setenv("LANGCHAIN_TESTS_USER_AGENT", "tests")
        monkeypatch.setattr(httpx, "get", lambda url, **_: httpx.Response(200, content=FILES[url[-4:]]))

    @pytest.fixture(autouse=True)
    def _every_request_is_as_it_should_be(self, request, _stand_in):
        yield
        expected = ASKED.get(request.function.__name__, [])
        assert [self.fault(body) for body in self.requests] == [None] * len(expected)
        assert all(is_right(body) for is_right, body in zip(expected, self.requests, strict=True)), self.requests


class TestOverHttp(Suite):
    """A pooled connection to a server that follows OpenAI's rules to the letter and checks the key."""

    fault = staticmethod(request_fault)

    @pytest.fixture
    def _stand_in(self):
        with LoopbackServer(api_key="sk-test") as server:
            self.server = server
            self.settings = {"base_url": server.base_url, "api_key": "sk-test"}
            yield

    @property
    def requests(self):
        return [received.body for received in self.server.requests]


class InProcess(Suite):
    """A provider that lives in this process."""

    has_tools = True

    @staticmethod
    def fault(request):
        return message_fault(request["messages"])

    @pytest.fixture
    def _stand_in(self):
        provider, self.requests = strict_provider(has_tools=self.has_tools)
        self.settings = self.how(provider)

    @staticmethod
    def how(provider):
        """As g4f's own providers run."""
        return {"provider": provider}


class TestOnTheProviderThread(InProcess):
    """As g4f's own providers run."""


class TestInTheCallersLoop(InProcess):
    """As a route that is marked inline runs."""

    @staticmethod
    def how(provider):
        return {"routes": [Route(provider, inline=True)]}


class TestInWords(InProcess):
    """A provider that has nothing but text."""

    has_tools = False


class TestInWordsInTheCallersLoop(TestInTheCallersLoop):
    """The same, inline."""

    has_tools = False
