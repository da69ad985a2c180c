"""LangChain's own integration suite for chat models, against stand-ins that reject what real servers reject.

Three configurations: an OpenAI-compatible endpoint over HTTP, a g4f provider on the provider thread, and the same in
the caller's loop. Whatever a test asks is looked at afterwards: exactly so many requests as there were calls, each of
them without a fault, and each saying what the test meant.
"""

import base64

import httpx
import pytest
from g4f.providers.base_provider import AsyncGeneratorProvider
from g4f.providers.response import FinishReason, Usage
from langchain_tests.integration_tests import ChatModelIntegrationTests

from g4f_integrations import Route
from g4f_integrations.langchain import ChatG4F
from loopback import LoopbackServer
from stand_in import USAGE, reply_to
from strict_openai import message_fault, request_fault

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
    [call] = request["messages"][-2]["tool_calls"]
    return request["messages"][-1]["tool_call_id"] == call["id"] and len(request["tools"]) == 1


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


@pytest.fixture(scope="module")
def vcr_config():
    return {"ignore_localhost": True}  # nothing is recorded: the stand-ins are as steady as a cassette


@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")  # the suite measures recorded answers only
class Suite(ChatModelIntegrationTests):
    """The suite with everything switched on that is not about tool calls or structured output."""

    requests: list[dict]
    settings: dict

    @property
    def chat_model_class(self):
        return ChatG4F

    @property
    def chat_model_params(self):
        return {"model": "stand-in", **self.settings}

    @property
    def has_tool_calling(self):
        return False

    @property
    def has_tool_choice(self):
        return False

    @property
    def has_structured_output(self):
        return False

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


def strict_provider():
    """A g4f provider that takes roles, tools and parameters natively, and answers by the stand-in's rules."""

    received = []

    class Strict(AsyncGeneratorProvider):
        working = supports_stream = supports_system_message = supports_message_history = supports_native_tools = True

        @classmethod
        async def create_async_generator(cls, model, messages, stream=True, tools=None, media=None, **params):
            received.append({"model": model, "messages": messages, "stream": stream, "tools": tools, **params})
            complaint = message_fault(messages)
            if complaint:
                raise ValueError(complaint)
            for word in reply_to(messages):
                yield word
            yield Usage(**USAGE)
            yield FinishReason("stop")

    return Strict, received


class InProcess(Suite):
    """A provider that lives in this process."""

    @staticmethod
    def fault(request):
        return message_fault(request["messages"])


class TestOnTheProviderThread(InProcess):
    """As g4f's own providers run."""

    @pytest.fixture
    def _stand_in(self):
        provider, self.requests = strict_provider()
        self.settings = {"provider": provider}


class TestInTheCallersLoop(InProcess):
    """As a route that is marked inline runs."""

    @pytest.fixture
    def _stand_in(self):
        provider, self.requests = strict_provider()
        self.settings = {"routes": [Route(provider, inline=True)]}
