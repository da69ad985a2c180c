"""Against g4f's own API server, started on this machine with a scripted provider inside: what works, and its quirks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.tools import tool
from llama_index.core.llms import ChatMessage

from g4f_integrations import G4FLLM, ChatG4F, Endpoint, Resilience
from g4f_integrations.core.media import generate_images, synthesize_speech
from g4f_integrations.errors import (
    AuthenticationError,
    IntegrationError,
    ProviderUnavailableError,
    RateLimitError,
    StreamInterruptedError,
)
from g4f_integrations.langchain import G4F, G4FEmbeddings

for needed in ("fastapi", "uvicorn", "multipart"):
    pytest.importorskip(needed, reason="the extra `api` of g4f is not installed")

SERVER = Path(__file__).resolve().parents[1] / "g4f_api_server.py"
ONCE = Resilience(max_attempts=1)
AGAIN = Resilience(max_attempts=3, backoff_initial=0)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The server's address without a path; one for all tests, because it takes seconds to start."""
    home = tmp_path_factory.mktemp("home")
    folders = {"HOME": home, "USERPROFILE": home, "G4F_CONFIG_DIR": home / "g4f", "G4F_CACHE_DIR": home / "cache"}
    with subprocess.Popen(
        [sys.executable, str(SERVER)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=(home / "errors.txt").open("w"),
        cwd=home,
        env={**os.environ, **{name: str(path) for name, path in folders.items()}},
        text=True,
    ) as process:
        port = process.stdout.readline().strip()
        if not port:
            pytest.fail((home / "errors.txt").read_text()[-2000:])
        yield f"http://127.0.0.1:{port}"
        process.stdin.close()  # which it takes for its end


def chat(server, model="hello", **settings):
    return ChatG4F(**{"base_url": f"{server}/v1", "provider": "InProc", "model": model, "resilience": ONCE, **settings})


@tool
def find_lighthouse(place: str) -> str:
    """Finds the lighthouse of a place."""
    return f"The lighthouse of {place}"


# What works


def test_an_answer_comes_whole_with_its_usage_and_the_provider_that_gave_it(server):
    answer = chat(server).invoke("Hi")

    assert answer.text == "Hello from the inside"
    assert answer.usage_metadata["total_tokens"] == 7
    assert (answer.response_metadata["g4f"]["provider"], answer.response_metadata["model_name"]) == ("InProc", "hello")


async def test_an_answer_comes_in_pieces(server):
    pieces = [chunk.text async for chunk in chat(server).astream("Hi")]

    assert [piece for piece in pieces if piece] == ["Hello", " from the inside"]


def test_reasoning_is_kept_apart(server):
    answer = chat(server, "thinking").invoke("Hi")

    assert answer.text == "Hello from the inside"
    assert "It was asked." in answer.additional_kwargs["reasoning_content"]


def test_llamaindex_has_the_same(server):
    llm = G4FLLM(base_url=f"{server}/v1", provider="InProc", model="hello")

    assert llm.chat([ChatMessage("Hi")]).message.content == "Hello from the inside"
    assert [chunk.delta for chunk in llm.stream_complete("Hi")][:2] == ["Hello", " from the inside"]


def test_a_tool_is_called_and_its_result_answered(server):
    model = chat(server, "tools").bind_tools([find_lighthouse])
    call = model.invoke("Which lighthouse?")
    result = find_lighthouse.invoke(call.tool_calls[0])

    answer = model.invoke([("human", "Which lighthouse?"), call, result])

    assert call.tool_calls[0]["args"] == {"place": "Roundstone"}
    assert call.response_metadata["g4f"]["tools"] == "native"
    assert answer.text == "Hello from the inside"


def test_the_models_are_listed(server):
    everywhere = Endpoint(f"{server}/v1").list_models()
    own = Endpoint(f"{server}/api/InProc").list_models()

    assert len(everywhere) > 50
    assert {"hello", "tools", "picture"} <= {model["id"] for model in own}


def test_a_picture_is_made(server):
    (image,) = generate_images("a lighthouse", base_url=f"{server}/api/InProc", model="picture")

    assert image.mime_type == "image/png"
    assert image.data.startswith(b"\x89PNG")


def test_a_text_is_spoken(server):
    speech = synthesize_speech("Hello", base_url=f"{server}/api/InProc", model="voice")

    assert speech.data.startswith(b"ID3")


# Its quirks


def test_a_named_tool_choice_which_it_refuses_with_a_422_is_asked_for_in_words(server):
    model = chat(server, "tools", resilience=AGAIN).bind_tools([find_lighthouse], tool_choice="find_lighthouse")

    call = model.invoke("Which lighthouse?")

    told = call.response_metadata["g4f"]
    assert call.tool_calls[0]["args"] == {"place": "Roundstone"}
    assert ([attempt["outcome"] for attempt in told["attempts"]], told["tools"]) == (["bad_request", "ok"], "prompt")


def test_a_500_that_hides_its_cause_is_asked_again_and_then_says_where_the_cause_is_to_be_found(server):
    with pytest.raises(ProviderUnavailableError, match="Request execution failed") as caught:
        chat(server, "broken", resilience=AGAIN).invoke("Hi")

    assert len(caught.value.attempts) == 3
    assert "its log" in str(caught.value)
    assert "sk-of-the-server" not in str(caught.value)


def test_a_500_gives_way_to_the_next_route(server):
    routes = [Endpoint(f"{server}/api/InProc", "broken"), Endpoint(f"{server}/api/InProc", "hello")]

    answer = ChatG4F(routes=routes).invoke("Hi")

    assert [attempt["model"] for attempt in answer.response_metadata["g4f"]["attempts"]] == ["broken", "hello"]


@pytest.mark.parametrize(("model", "error"), [("rate", RateLimitError), ("auth", AuthenticationError)])
def test_statuses_that_it_tells_are_understood(server, model, error):
    with pytest.raises(error):
        chat(server, model).invoke("Hi")


def test_a_stream_that_ends_with_an_error_inside_is_no_answer(server):
    seen = []
    with pytest.raises((StreamInterruptedError, ProviderUnavailableError)):
        seen.extend(chunk.text for chunk in chat(server, "cut", resilience=Resilience(
            max_attempts=1, on_stream_failure="raise")).stream("Hi"))  # fmt: skip
    with pytest.raises(ProviderUnavailableError):
        chat(server, "cut").invoke("Hi")


def test_it_has_no_completions_so_the_prompt_is_asked_in_a_chat(server):
    llm = G4F(base_url=f"{server}/v1", provider="InProc", model="hello")

    assert llm.invoke("Hi") == "Hello from the inside"
    assert llm.generate(["a", "b"]).generations[1][0].text == "Hello from the inside"


def test_it_has_no_embeddings_and_the_error_says_so(server):
    embeddings = G4FEmbeddings(base_url=f"{server}/v1", model="text-embedding-3-small", resilience=ONCE)

    with pytest.raises(IntegrationError, match="has no /embeddings"):
        embeddings.embed_query("Hi")


def test_it_has_no_edits_and_the_error_says_so(server):
    from g4f_integrations.core.media import edit_image

    picture = generate_images("a lighthouse", base_url=f"{server}/api/InProc", model="picture")[0].data

    with pytest.raises(IntegrationError, match="has no /images/edits"):
        edit_image(picture, "at night", base_url=f"{server}/v1", model="picture")


def test_a_picture_comes_though_it_stumbles_over_a_provider_in_the_body(server):
    (image,) = generate_images("a lighthouse", base_url=f"{server}/v1", provider="InProc", model="picture")

    assert image.mime_type == "image/png"
