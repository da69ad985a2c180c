"""The cleaning step of a chain."""

from __future__ import annotations

import pytest
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import StrOutputParser

from g4f_integrations.core.cleaning import Cleaning
from g4f_integrations.langchain.cleaning import CleaningRunnable

ADVERT = "\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"
STEP = CleaningRunnable(provider="Airforce")


def model(text):
    return GenericFakeChatModel(messages=iter([AIMessage(text)]))


def test_a_chain_gives_clean_answers():
    assert (model(f"Yes, it is.{ADVERT}") | STEP).invoke("Is it?").content == "Yes, it is."
    assert (model(f"Yes, it is.{ADVERT}") | StrOutputParser() | STEP).invoke("Is it?") == "Yes, it is."


async def test_a_chain_gives_clean_answers_without_blocking():
    assert (await (model(f"Yes, it is.{ADVERT}") | STEP).ainvoke("Is it?")).content == "Yes, it is."


def test_a_streamed_chain_streams_clean_chunks():
    chunks = list((model(f"Yes, it is.{ADVERT}") | STEP).stream("Is it?"))

    assert len(chunks) > 2
    assert "".join(chunk.content for chunk in chunks) == "Yes, it is."


async def test_what_is_held_comes_out_at_the_end_of_a_stream():
    chunks = [chunk async for chunk in (model("Yes, it is.\n\nNeed proxies") | STEP).astream("Is it?")]

    assert "".join(chunk.content for chunk in chunks) == "Yes, it is.\n\nNeed proxies"
    assert len({chunk.id for chunk in chunks}) == 1


def test_tool_calls_and_parts_that_are_no_text_stay():
    call = {"name": "send", "args": {"text": f"Hi{ADVERT}"}, "id": "1", "type": "tool_call"}
    message = AIMessage(
        content=[{"type": "text", "text": f"Hi{ADVERT}"}, {"type": "image", "url": "x"}], tool_calls=[call]
    )
    cleaned = STEP.invoke(message)

    assert cleaned.content == [{"type": "text", "text": "Hi"}, {"type": "image", "url": "x"}]
    assert cleaned.tool_calls == [call]
    assert message.content[0]["text"] == f"Hi{ADVERT}"


@pytest.mark.parametrize("value", [{"a": 1}, 3, AIMessage("Plain.")])
def test_what_holds_no_advert_is_handed_on_itself(value):
    assert STEP.invoke(value) is value


def test_settings_and_the_users_words_count():
    assert CleaningRunnable(Cleaning(mode="off")).invoke(f"Hi{ADVERT}") == f"Hi{ADVERT}"
    assert CleaningRunnable(prompt="What is op.wtf?").invoke(f"Hi{ADVERT}") == f"Hi{ADVERT}"


def test_chunks_without_text_pass():
    chunk = AIMessageChunk(content="", id="1")

    assert list(STEP.transform(iter([chunk]))) == [chunk]
