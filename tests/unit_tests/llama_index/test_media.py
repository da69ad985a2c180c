"""Tools, readers and blocks for pictures and sound."""

import asyncio
import base64

import pytest
from g4f.providers.response import AudioResponse, ImageResponse
from llama_index.core import SimpleDirectoryReader
from llama_index.core.base.llms.types import AudioBlock, ChatMessage, ImageBlock, TextBlock

from g4f_integrations import Resilience, errors
from g4f_integrations.llama_index import (
    G4FLLM,
    G4FAudioReader,
    G4FImageToolSpec,
    G4FSpeechToolSpec,
    audio_block,
    image_block,
    video_block,
)
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply
from toy_media import PAGE, base64_of, data_uri, mp3, mp4, png, wav

QUICK = Resilience(backoff_initial=0, max_attempts=1)


def drawing():
    return ScriptedProvider(ImageResponse(data_uri(png()), "x"))


def speaking():
    return ScriptedProvider(AudioResponse(data_uri(mp3(), "audio/mpeg")))


def lying_routes(good):
    return [ScriptedProvider(ConnectionError("boom")), ScriptedProvider(PAGE), good]


def both_ways(tool, **arguments):
    """The output of a tool, called in a thread and in an event loop."""
    return tool(**arguments), asyncio.run(tool.acall(**arguments))


def test_an_image_tool_gives_words_first_and_then_the_picture():
    (tool,) = G4FImageToolSpec(routes=lying_routes(drawing())).to_tool_list()

    for output in both_ways(tool, prompt="a cat"):
        text, picture = output.blocks
        assert isinstance(text, TextBlock)
        assert "3 x 2 pixels" in text.text
        assert isinstance(picture, ImageBlock)
        assert base64.b64decode(picture.image) == png()


def test_a_speech_tool_gives_words_first_and_then_the_sound(tmp_path):
    speak, _ = G4FSpeechToolSpec(routes=lying_routes(speaking()), save_dir=tmp_path).to_tool_list()

    for output in both_ways(speak, text="Good evening."):
        text, sound = output.blocks
        assert str(tmp_path) in text.text
        assert isinstance(sound, AudioBlock)
        assert (base64.b64decode(sound.audio), sound.format) == (mp3(), "mp3")


def test_a_recording_is_written_down_by_url_or_inside_the_folder(tmp_path):
    (tmp_path / "note.mp3").write_bytes(mp3())
    routes = lying_routes(ScriptedProvider("Good evening."))
    _, listen = G4FSpeechToolSpec(routes=routes, folder=tmp_path).to_tool_list()

    for output in both_ways(listen, source="note.mp3"):
        assert output.content == "Good evening."
    with pytest.raises(errors.ConfigurationError):
        listen(source="../note.mp3")


def test_models_are_told_what_each_argument_means():
    tools = [
        *G4FImageToolSpec(provider=drawing()).to_tool_list(),
        *G4FSpeechToolSpec(provider=speaking()).to_tool_list(),
    ]

    for tool in tools:
        function = tool.metadata.to_openai_tool()["function"]
        assert "Path" not in function["description"]
        assert {one["description"] == "" for one in function["parameters"]["properties"].values()} == {False}


def test_programs_get_the_images_themselves():
    spec = G4FImageToolSpec(provider=drawing(), size="64x32")

    assert spec.generate("a cat")[0].data == png()
    assert asyncio.run(spec.agenerate("a cat", n=2))[1].data == png()


def test_a_wrong_setting_is_refused_at_construction():
    for kind in (G4FImageToolSpec, G4FSpeechToolSpec, G4FAudioReader):
        with pytest.raises(errors.ConfigurationError):
            kind(routes=["A:b"], provider="X")


# Readers


def test_a_directory_of_recordings_becomes_documents(tmp_path, loopback):
    (tmp_path / "a.wav").write_bytes(wav())
    (tmp_path / "b.txt").write_text("words")
    loopback.replies(Reply.json({"text": "Good evening.", "language": "english"}))
    reader = G4FAudioReader(base_url=loopback.base_url)

    documents = SimpleDirectoryReader(str(tmp_path), file_extractor={".wav": reader}).load_data()

    assert [document.text for document in documents] == ["Good evening.", "words"]
    assert documents[0].metadata["file_name"] == "a.wav"
    assert documents[0].metadata["language"] == "english"


async def test_a_recording_is_read_without_blocking_and_piece_by_piece(tmp_path, loopback):
    path = tmp_path / "a.mp3"
    path.write_bytes(mp3())
    segments = [{"start": 0, "end": 1, "text": "Good"}, {"start": 1, "end": 2, "text": "evening."}]
    loopback.replies(Reply.json({"text": "Good evening.", "segments": segments}))

    documents = await G4FAudioReader(base_url=loopback.base_url, by_segment=True).aload_data(path, {"mine": 1})

    assert [(document.text, document.metadata["start"]) for document in documents] == [("Good", 0.0), ("evening.", 1.0)]
    assert documents[0].metadata["mine"] == 1


def test_a_file_system_of_the_users_is_read(loopback):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/note.mp3", mp3())
    loopback.replies(Reply.json({"text": "Good evening."}))

    (document,) = G4FAudioReader(base_url=loopback.base_url).load_data("/note.mp3", fs=memory)

    assert document.text == "Good evening."


def test_what_is_no_recording_is_an_error(tmp_path):
    path = tmp_path / "a.mp3"
    for data in (b"", png(), b"hello"):
        path.write_bytes(data)
        with pytest.raises(errors.ConfigurationError):
            G4FAudioReader(provider=ScriptedProvider("x")).load_data(path)


# Blocks


def test_a_picture_in_every_form_becomes_a_block(tmp_path, loopback):
    path = tmp_path / "a.png"
    path.write_bytes(png())
    loopback.replies(Reply.chat("A cat."))
    blocks = [image_block(path), image_block(png()), image_block(data_uri(png()), detail="low")]

    G4FLLM(base_url=loopback.base_url, model="m").chat([ChatMessage(role="user", blocks=blocks)])

    sent = loopback.requests[0].body["messages"][0]["content"]
    assert [part["image_url"]["url"] for part in sent] == [data_uri(png())] * 3


def test_sound_and_films_in_every_form_become_blocks(tmp_path, loopback):
    path = tmp_path / "a.mp3"
    path.write_bytes(mp3())
    loopback.replies(Reply.chat("A voice."))
    blocks = [audio_block(path), audio_block(mp3()), video_block(mp4())]

    G4FLLM(base_url=loopback.base_url, model="m").chat([ChatMessage(role="user", blocks=blocks)])

    sent = loopback.requests[0].body["messages"][0]["content"]
    assert [part["input_audio"] for part in sent[:2]] == [{"data": base64_of(mp3()), "format": "mp3"}] * 2
    assert sent[2]["video_url"]["url"] == data_uri(mp4(), "video/mp4")


@pytest.mark.parametrize("source", ["/etc/passwd", b"", b"hello", mp3()])
def test_what_is_no_picture_is_refused(source):
    with pytest.raises(errors.ConfigurationError):
        image_block(source)


def test_media_in_an_answer_are_blocks():
    provider = ScriptedProvider("Look: ", ImageResponse(data_uri(png()), "x"))

    message = G4FLLM(provider=provider, resilience=QUICK).chat([ChatMessage("Draw a cat.")]).message

    (picture,) = [block for block in message.blocks if isinstance(block, ImageBlock)]
    assert picture.image.decode() == base64_of(png())


def test_a_number_that_a_model_writes_as_a_word_is_refused_in_words():
    (tool,) = G4FImageToolSpec(provider=drawing()).to_tool_list()

    with pytest.raises(errors.ConfigurationError, match="n must be a whole number"):
        tool(prompt="a cat", n="two")
