"""The media tools, alone and through LangChain's own contract tests."""

import copy
import io
import pickle

import pytest
from g4f.providers.response import AudioResponse, ImageResponse, VideoResponse
from langchain_core.documents.base import Blob
from langchain_core.exceptions import ModelError
from langchain_core.messages import HumanMessage
from langchain_core.tools import ToolException
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests

from g4f_integrations import Resilience, errors
from g4f_integrations.core.media import DownloadLimits
from g4f_integrations.langchain import (
    ChatG4F,
    G4FAudioParser,
    G4FImageTool,
    G4FSpeechTool,
    G4FTranscriptionTool,
    G4FVideoTool,
)
from g4f_integrations.testing import ScriptedProvider
from loopback import Reply
from toy_media import PAGE, base64_of, data_uri, mp3, mp4, png, wav

Drawing = ScriptedProvider(ImageResponse(data_uri(png()), "x"), name="ToolsDrawing")
Speaking = ScriptedProvider(AudioResponse(data_uri(mp3(), "audio/mpeg")), name="ToolsSpeaking")
Listening = ScriptedProvider("Good evening.", name="ToolsListening")
Filming = ScriptedProvider(VideoResponse(data_uri(mp4(), "video/mp4"), "x"), name="ToolsFilming")
RECORDING = data_uri(mp3(), "audio/mpeg")
QUICK = Resilience(backoff_initial=0, max_attempts=1)

TOOLS = {
    G4FImageTool: (Drawing, {"prompt": "a cat"}),
    G4FSpeechTool: (Speaking, {"text": "Good evening."}),
    G4FTranscriptionTool: (Listening, {"source": RECORDING}),
    G4FVideoTool: (Filming, {"prompt": "a wave"}),
}


def call(tool, arguments):
    return {"name": tool.name, "args": arguments, "id": "1", "type": "tool_call"}


def suites():
    for kind, (provider, arguments) in TOOLS.items():
        members = {
            "tool_constructor": property(lambda _, kind=kind: kind),
            "tool_constructor_params": property(lambda _, provider=provider: {"provider": provider}),
            "tool_invoke_params_example": property(lambda _, arguments=arguments: arguments),
        }
        for suite in (ToolsUnitTests, ToolsIntegrationTests):
            name = f"Test{kind.__name__}{suite.__name__}"
            yield name, type(name, (suite,), {"__module__": __name__, **members})


globals().update(suites())


@pytest.mark.parametrize("kind", TOOLS)
def test_a_result_is_words_for_the_model_and_an_artifact_for_the_program(kind):
    provider, arguments = TOOLS[kind]
    tool = kind(provider=provider)

    message = tool.invoke(call(tool, arguments))

    assert message.status == "success"
    made = message.artifact[0] if isinstance(message.artifact, list) else message.artifact
    assert made.provider == provider.__name__
    assert isinstance(message.content, str)
    assert "base64" not in message.content


@pytest.mark.parametrize("kind", TOOLS)
async def test_a_failing_and_a_lying_route_are_passed_over_for_a_good_one(kind):
    provider, arguments = TOOLS[kind]
    tool = kind(routes=[ScriptedProvider(ConnectionError("boom")), ScriptedProvider(PAGE), provider])

    for message in (tool.invoke(call(tool, arguments)), await tool.ainvoke(call(tool, arguments))):
        made = message.artifact[0] if isinstance(message.artifact, list) else message.artifact
        assert (message.status, made.provider) == ("success", provider.__name__)


@pytest.mark.parametrize("kind", TOOLS)
async def test_an_error_is_told_to_the_model(kind):
    _, arguments = TOOLS[kind]
    tool = kind(provider=ScriptedProvider(PAGE), resilience=QUICK)

    for message in (tool.invoke(call(tool, arguments)), await tool.ainvoke(call(tool, arguments))):
        assert message.status == "error"
        assert "a page came" in message.content


def test_an_error_is_raised_where_the_program_wants_it():
    tool = G4FImageTool(provider=ScriptedProvider(PAGE), resilience=QUICK, handle_tool_error=False)

    with pytest.raises(ToolException, match="a page came") as raised:
        tool.invoke({"prompt": "a cat"})

    assert isinstance(raised.value.__cause__, errors.IntegrationError)


def test_arguments_that_break_the_schema_are_told_to_the_model():
    tool = G4FImageTool(provider=Drawing)

    message = tool.invoke(call(tool, {"prompt": "a cat", "n": "many"}))

    assert message.status == "error"
    assert message.content.startswith("The arguments are wrong. n: Input should be a valid integer")


def test_a_tool_has_settings_of_its_own_and_a_model_may_choose_others(tmp_path):
    provider = ScriptedProvider(ImageResponse(data_uri(png()), "x"))
    tool = G4FImageTool(provider=provider, size="64x32", negative_prompt="dogs", max_images=2, save_dir=tmp_path)

    message = tool.invoke(call(tool, {"prompt": "a cat", "n": 9}))
    tool.invoke({"prompt": "a cat", "size": "16x16"})

    assert [call.width for call in provider.calls] == [64, 64, 16]
    assert provider.calls[0].negative_prompt == "dogs"
    assert str(message.artifact[0].path) in message.content


def test_images_are_put_before_models_that_see_in_tool_messages():
    tool = G4FImageTool(provider=Drawing, show_images=True)

    message = tool.invoke(call(tool, {"prompt": "a cat"}))

    assert [block["type"] for block in message.content] == ["text", "image"]
    assert message.content[1]["base64"] == base64_of(png())


def test_a_model_names_recordings_by_url_or_inside_the_folder_only(tmp_path):
    (tmp_path / "note.mp3").write_bytes(mp3())
    shut, open_ = G4FTranscriptionTool(provider=Listening), G4FTranscriptionTool(provider=Listening, folder=tmp_path)

    assert shut.invoke(call(shut, {"source": str(tmp_path / "note.mp3")})).status == "error"
    assert open_.invoke(call(open_, {"source": "/etc/passwd"})).status == "error"
    assert open_.invoke(call(open_, {"source": "note.mp3"})).content == "Good evening."


def test_times_are_told_on_request(loopback):
    segments = [{"start": 61.0, "end": 62.0, "text": "Good evening."}]
    loopback.replies(Reply.json({"text": "Good evening.", "segments": segments}))
    tool = G4FTranscriptionTool(base_url=loopback.base_url)

    assert tool.invoke({"source": RECORDING, "timestamps": True}) == "[01:01] Good evening."


def test_no_key_is_shown_and_tools_copy_and_pickle():
    tool = G4FImageTool(provider=Drawing, api_key="key-123456", base_url=None)

    assert "key-123456" not in f"{tool!r} {tool}"
    assert copy.deepcopy(tool).provider is Drawing
    assert pickle.loads(pickle.dumps(tool)).provider is Drawing


@pytest.mark.parametrize("kind", [G4FImageTool, G4FAudioParser])
def test_no_pickle_takes_a_credential_along(kind):
    made = kind(
        base_url="http://user:password-1@h.example/v1", api_key="key-123456", proxy="http://u:secret-2@p.example"
    )

    pickled = pickle.dumps(made)

    assert not [secret for secret in (b"password-1", b"key-123456", b"secret-2") if secret in pickled]


def test_a_key_that_is_set_later_is_no_less_a_key():
    tool = G4FImageTool(base_url="http://h.example/v1")
    tool.api_key = "key-123456"

    assert "key-123456" not in repr(tool.api_key) + repr(tool.model_copy(update={"api_key": "key-123456"}).api_key)


@pytest.mark.parametrize("arguments", [{"provder": "X"}, {"routes": ["A:b"], "provider": "X"}, {"base_url": "nowhere"}])
def test_a_wrong_setting_is_refused_at_construction(arguments):
    with pytest.raises(ValueError, match=r"."):
        G4FImageTool(**arguments)


# Recordings as documents


def test_a_recording_becomes_a_document(tmp_path, loopback):
    path = tmp_path / "note.wav"
    path.write_bytes(wav())
    loopback.replies(Reply.json({"text": "Good evening.", "language": "english", "duration": 2.5}))
    parser = G4FAudioParser(base_url=loopback.base_url)

    (document,) = parser.parse(Blob.from_path(path, metadata={"mine": 1}))

    assert document.page_content == "Good evening."
    assert document.metadata["source"] == str(path)
    assert {"mine": 1, "language": "english", "duration": 2.5}.items() <= document.metadata.items()


def test_a_recording_becomes_a_document_for_each_piece(loopback):
    segments = [{"start": 0, "end": 1.5, "text": "Good evening."}, {"start": 1.5, "end": 2, "text": "Good night."}]
    loopback.replies(Reply.json({"text": "", "segments": segments}))
    parser = G4FAudioParser(base_url=loopback.base_url, by_segment=True)

    first, second = parser.parse(Blob.from_data(wav()))

    assert (first.page_content, first.metadata["end"]) == ("Good evening.", 1.5)
    assert (second.page_content, second.metadata["start"]) == ("Good night.", 1.5)


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.truncate(100 * 2**20)

    with pytest.raises(errors.ConfigurationError, match="100 MB are more than the 64 MB"):
        G4FAudioParser(provider=Listening).parse(Blob.from_path(path))


def test_a_parser_whose_routes_all_fail_raises_langchains_error_too():
    with pytest.raises(ModelError):
        G4FAudioParser(provider=ScriptedProvider(PAGE), resilience=QUICK).parse(Blob.from_data(wav()))


@pytest.mark.parametrize("data", [b"", png(), b"hello"])
def test_what_is_no_recording_is_an_error(data):
    with pytest.raises(errors.ConfigurationError):
        G4FAudioParser(provider=Listening).parse(Blob.from_data(data))


# Pictures in messages and answers


def test_a_message_may_hold_pictures_in_every_form(tmp_path, loopback):
    path = tmp_path / "a.png"
    path.write_bytes(png())
    loopback.replies(Reply.chat("A cat."))
    blocks = [
        {"type": "image", "path": path},
        {"type": "image", "image": png()},
        {"type": "image", "url": path},
        {"type": "image", "image": io.BytesIO(png())},
        {"type": "image_url", "image_url": path},
        {"type": "image_url", "image_url": {"url": path, "detail": "low"}},
        {"type": "image", "base64": base64_of(png()), "mime_type": "image/png"},
    ]

    ChatG4F(base_url=loopback.base_url, model="m").invoke([HumanMessage(blocks)])

    sent = loopback.requests[0].body["messages"][0]["content"]
    assert [part["image_url"]["url"] for part in sent] == [data_uri(png())] * len(blocks)
    assert sent[5]["image_url"]["detail"] == "low"


def test_a_message_may_hold_sound_and_films_in_every_form(tmp_path, loopback):
    sound, film = tmp_path / "a.mp3", tmp_path / "a.mp4"
    sound.write_bytes(mp3())
    film.write_bytes(mp4())
    loopback.replies(Reply.chat("A voice."))
    sounds = [
        {"type": "audio", "path": sound},
        {"type": "audio", "audio": mp3()},
        {"type": "audio", "base64": io.BytesIO(mp3())},
        {"type": "audio", "base64": mp3()},
        {"type": "audio", "base64": base64_of(mp3())},
        {"type": "input_audio", "input_audio": {"data": sound, "format": "mp3"}},
    ]
    films = [{"type": "video", "path": film}, {"type": "video_url", "video_url": {"url": film}}]

    ChatG4F(base_url=loopback.base_url, model="m").invoke([HumanMessage(sounds + films)])

    sent = loopback.requests[0].body["messages"][0]["content"]
    assert [part.get("input_audio") for part in sent[:6]] == [{"data": base64_of(mp3()), "format": "mp3"}] * 6
    assert [part["video_url"]["url"] for part in sent[6:]] == [data_uri(mp4(), "video/mp4")] * 2


def test_a_pillow_picture_is_sized_down_on_request(loopback):
    images = pytest.importorskip("PIL.Image")
    from g4f_integrations.core.media.inputs import read_input

    loopback.replies(Reply.chat("Red."))
    block = {"type": "image", "image": images.new("RGB", (400, 100)), "max_side": 40}

    ChatG4F(base_url=loopback.base_url, model="m").invoke([HumanMessage([block])])

    sent = loopback.requests[0].body["messages"][0]["content"][0]["image_url"]["url"]
    assert read_input(sent, "image").format[3:] == (40, 10)


@pytest.mark.parametrize("text", ["/etc/passwd", "file:///etc/passwd", "a.png"])
def test_a_string_in_a_message_is_never_read_as_a_path(text, loopback):
    loopback.replies(Reply.chat("No."))
    blocks = [{"type": "image_url", "image_url": {"url": text}}, {"type": "image", "url": text}]

    ChatG4F(base_url=loopback.base_url, model="m").invoke([HumanMessage(blocks)])

    sent = loopback.requests[0].body["messages"][0]["content"]
    assert [part["image_url"]["url"] for part in sent] == [text, text]


@pytest.mark.parametrize("picture", [b"", b"hello", mp3()])
def test_what_is_no_picture_is_refused_before_anything_is_sent(picture, loopback):
    with pytest.raises(errors.ConfigurationError, match="image"):
        ChatG4F(base_url=loopback.base_url).invoke([HumanMessage([{"type": "image", "image": picture}])])

    assert loopback.requests == []


def test_media_in_an_answer_are_standard_blocks():
    provider = ScriptedProvider(
        "Look: ", ImageResponse(data_uri(png()), "x"), AudioResponse(data_uri(mp3(), "audio/mpeg"))
    )
    model = ChatG4F(provider=provider)

    streamed = None
    for chunk in model.stream("Draw a cat."):
        streamed = chunk if streamed is None else streamed + chunk

    for message in (model.invoke("Draw a cat."), streamed):
        kinds = [block["type"] for block in message.content_blocks]
        assert kinds == ["text", "image", "audio"]
        assert message.content_blocks[1]["base64"] == base64_of(png())
    assert DownloadLimits().allow_private is False


def test_conversations_with_pictures_go_to_the_provider_that_was_named_for_them():
    talks, sees = ScriptedProvider("I talk."), ScriptedProvider("I see.")
    model = ChatG4F(provider=talks, image_provider=sees)
    picture = HumanMessage([{"type": "image", "image": png()}])

    assert model.invoke("Hello.").content == "I talk."
    assert model.invoke([picture]).content == "I see."
    assert "".join(chunk.content for chunk in model.stream([picture])) == "I see."
    assert model.invoke([picture], provider=talks).content == "I talk."
    assert model.invoke([picture], image_provider=None).content == "I talk."
    assert ChatG4F(provider=talks).invoke([picture], image_provider=sees).content == "I see."


def test_the_key_of_one_provider_does_not_go_to_the_provider_for_pictures():
    talks, sees = ScriptedProvider("I talk."), ScriptedProvider("I see.")

    ChatG4F(provider=talks, image_provider=sees, api_key="key-123456").invoke(
        [HumanMessage([{"type": "image", "image": png()}])]
    )

    assert "api_key" not in sees.calls[0]
