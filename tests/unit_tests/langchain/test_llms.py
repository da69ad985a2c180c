"""`G4F`: texts in, texts out; by completions where an endpoint has them, by chat elsewhere."""

import copy
import json
import pickle

import pytest
from langchain_core.caches import InMemoryCache
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.exceptions import ModelAuthenticationError
from langchain_core.load import dumps, load
from langchain_core.prompts import PromptTemplate

from g4f_integrations.errors import ConfigurationError
from g4f_integrations.langchain import G4F
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply
from toy_completions import completions


@pytest.fixture
def served(loopback):
    loopback.replies(completions())
    return loopback


def llm(server, **settings):
    return G4F(base_url=server.base_url, model="m", **settings)


def paths(server):
    return [request.path for request in server.requests]


# Endpoints


def test_a_prompt_goes_as_it_is_to_completions(served):
    assert llm(served, temperature=0.5, max_tokens=9, stop=["!"]).invoke("The lamp") == " and so on 0"

    (request,) = served.requests
    assert request.path == "/v1/completions"
    assert request.body == {
        "model": "m", "prompt": "The lamp", "temperature": 0.5, "max_tokens": 9, "stop": ["!"], "stream": False,
    }  # fmt: skip


async def test_the_same_without_blocking(served):
    assert await llm(served).ainvoke("The lamp") == " and so on 0"


def test_a_text_comes_piece_by_piece(served):
    pieces = list(llm(served).stream("The lamp"))

    assert pieces == [" and", " so", " on", ""]
    assert served.requests[0].body["stream"] is True


async def test_a_text_comes_piece_by_piece_without_blocking(served):
    assert "".join([piece async for piece in llm(served).astream("The lamp")]) == " and so on"


def test_what_only_completions_have_is_sent(served):
    model = llm(served, suffix=".", echo=True, best_of=3)

    assert model.invoke("The lamp", logprobs=2) == "The lamp and so on 0."
    assert {"suffix": ".", "echo": True, "best_of": 3, "logprobs": 2}.items() <= served.requests[0].body.items()


def test_the_fields_of_chats_for_logprobs_become_the_number_of_completions(served):
    llm(served, logprobs=True, top_logprobs=4).invoke("The lamp")

    body = served.requests[0].body
    assert body["logprobs"] == 4
    assert "top_logprobs" not in body


def test_logprobs_come_back_in_the_form_of_chats(loopback):
    told = {"tokens": [" and", " so"], "token_logprobs": [None, -0.5], "top_logprobs": [None, {" so": -0.5}]}
    loopback.replies(completions(logprobs=told))

    (generation,) = llm(loopback).generate(["The lamp"]).generations[0]

    assert generation.generation_info["logprobs"]["content"] == [
        {"token": " and", "logprob": 0.0},
        {"token": " so", "logprob": -0.5, "top_logprobs": [{"token": " so", "logprob": -0.5}]},
    ]


def test_several_answers_are_several_generations(served):
    (generations,) = llm(served, n=2).generate(["The lamp"]).generations

    assert [generation.text for generation in generations] == [" and so on 0", " and so on 1"]


def test_several_prompts_go_in_one_request(served):
    result = llm(served, n=2, echo=True).generate(["a", "b", "c"])

    assert [[one.text for one in prompt] for prompt in result.generations] == [
        [f"{prompt} and so on {number}" for number in range(2)] for prompt in "abc"
    ]
    assert [request.body["prompt"] for request in served.requests] == [["a", "b", "c"]]


async def test_more_prompts_than_fit_go_in_several_requests_and_come_back_in_order(served):
    result = await llm(served, echo=True, batch_size=2).agenerate(["a", "b", "c", "d", "e"])

    assert [prompt[0].text[0] for prompt in result.generations] == [*"abcde"]
    assert len(served.requests) == 3


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (404, "Not Found"),
        (405, "Method Not Allowed"),
        (404, "This is a chat model and not supported in the v1/completions endpoint."),
        (400, "Only the chat completion endpoint is supported for this model"),
    ],
)
def test_an_endpoint_without_completions_is_asked_in_a_chat_from_then_on(loopback, status, said):
    loopback.replies(completions(chat_only=True, status=status, said=said))
    model = llm(loopback, suffix=".", logprobs=True, top_logprobs=2)

    (generation,) = model.generate(["The lamp"]).generations[0]
    again = model.invoke("The sea")

    assert (generation.text, again) == ("chat: The lamp", "chat: The sea")
    assert generation.generation_info["g4f"]["dropped"] == ["suffix"]
    assert paths(loopback) == ["/v1/completions", "/v1/chat/completions", "/v1/chat/completions"]
    assert loopback.requests[1].body["logprobs"] is True


def test_several_prompts_for_an_endpoint_without_completions_are_asked_one_by_one(loopback):
    loopback.replies(completions(chat_only=True))

    result = llm(loopback).generate(["a", "b"])

    assert [prompt[0].text for prompt in result.generations] == ["chat: a", "chat: b"]
    assert [prompt[0].text for prompt in llm(loopback).generate(["c", "d"]).generations] == ["chat: c", "chat: d"]


def test_a_server_that_answers_fewer_prompts_than_it_was_asked_is_asked_one_by_one(loopback):
    def forgetful(request):
        body = request.body
        if isinstance(body["prompt"], list):
            body["prompt"] = body["prompt"][:1]
            request.raw = json.dumps(body).encode()
        return completions()(request)

    loopback.replies(forgetful)

    assert len(llm(loopback).generate(["a", "b"]).generations) == 2


def test_a_failing_endpoint_gives_way_to_the_next(loopback):
    loopback.replies(Reply.status(500, "oops"))
    model = G4F(routes=[f"{loopback.base_url}", ScriptedProvider("from the chat")], model="m")

    assert model.invoke("The lamp") == "from the chat"


def test_the_truth_about_the_answer_stands_beside_it(served):
    result = llm(served).generate(["The lamp"])

    info = result.generations[0][0].generation_info
    assert info["finish_reason"] == "stop"
    assert info["g4f"]["attempts"][0]["outcome"] == "ok"
    assert result.llm_output["token_usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    assert result.llm_output["model_name"] == "m"


# Providers


def test_a_provider_is_asked_in_a_chat(served):
    provider = ScriptedProvider("Hello")

    result = G4F(provider=provider, echo=True).generate(["Hi"])

    assert provider.calls[0].messages == [{"role": "user", "content": "Hi"}]
    assert "echo" not in provider.calls[0]
    assert result.generations[0][0].generation_info["g4f"]["dropped"] == ["echo"]


def test_prompts_for_a_provider_are_calls_of_their_own():
    provider = ScriptedProvider("Hello")

    result = G4F(provider=provider).generate(["a", "b", "c"])

    assert len(result.generations) == len(provider.calls) == 3


# LangChain's ways with it


def test_it_stands_in_a_chain(served):
    chain = PromptTemplate.from_template("The {thing}") | llm(served, echo=True)

    assert chain.invoke({"thing": "lamp"}) == "The lamp and so on 0"
    assert chain.batch([{"thing": "sea"}, {"thing": "sky"}]) == ["The sea and so on 0", "The sky and so on 0"]


class Listener(BaseCallbackHandler):
    def __init__(self):
        self.tokens, self.started, self.ended = [], [], []

    def on_llm_start(self, serialized, prompts, **details):
        self.started.append((serialized, details))

    def on_llm_new_token(self, token, **details):
        self.tokens.append(token)

    def on_llm_end(self, response, **details):
        self.ended.append(response)


@pytest.mark.parametrize("way", ["invoke", "stream"])
def test_callbacks_are_told_and_never_of_a_key(served, way):
    listener = Listener()
    model = llm(served, api_key="sk-hidden-key", default_headers={"X-Api-Key": "hidden-header"})

    for _ in getattr(model, way)("The lamp", {"callbacks": [listener]}, api_key="sk-hidden-call"):
        pass

    assert listener.started
    assert listener.ended[0].generations[0][0].text.startswith(" and so on")
    assert listener.tokens == ([" and", " so", " on", ""] if way == "stream" else [])
    assert "hidden" not in repr(listener.started)
    assert served.requests[0].headers["authorization"] == "Bearer sk-hidden-call"


def test_errors_are_langchains_and_ours(loopback):
    loopback.replies(Reply.json({"error": {"message": "Incorrect API key"}}, 401))

    with pytest.raises(ModelAuthenticationError):
        llm(loopback).invoke("The lamp")


def test_a_cached_answer_is_not_asked_for_again(served):
    model = llm(served, cache=InMemoryCache())

    assert model.invoke("The lamp") == model.invoke("The lamp")
    assert len(served.requests) == 1


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_copies_answer_alike(served, again):
    assert again(llm(served)).invoke("The lamp") == " and so on 0"


@pytest.mark.filterwarnings("ignore:The function `load` is in beta")
def test_it_goes_round_through_langchains_json_without_its_key(served):
    model = llm(served, api_key="sk-hidden-key", suffix=".")

    text = dumps(model)
    again = load(
        json.loads(text), allowed_objects=[G4F], valid_namespaces=["g4f_integrations"],
        secrets_map={"G4F_API_KEY": "sk-other"},
    )  # fmt: skip

    assert "hidden" not in text
    assert (again.suffix, again.base_url) == (".", served.base_url)


def test_an_unknown_argument_is_refused():
    with pytest.raises(ConfigurationError, match="suffix"):
        G4F(sufix=".")
