import base64
import os
from pathlib import Path

import pytest
from g4f.Provider import ProviderUtils
from g4f.providers.response import AudioResponse

from g4f_integrations import Endpoint, Resilience, errors
from g4f_integrations.core.catalog import reviewed
from g4f_integrations.core.media import DownloadLimits, asynthesize_speech, images, speech, synthesize_speech
from g4f_integrations.testing import ScriptedProvider
from loopback import LoopbackServer, Reply
from toy_media import LIES, NOTICE, PAGE, base64_of, data_uri, mp3, png, wav

ALLOWED = DownloadLimits(allow_private=True)
QUICK = Resilience(backoff_initial=0, attempts_per_route=1)
GOOD = Reply.status(200, mp3(), content_type="audio/mpeg")


def speaking(data, **details):
    return ScriptedProvider(AudioResponse(data, **details))


def outcomes(speech):
    return [attempt.outcome for attempt in speech.attempts]


def test_an_endpoint_is_asked_as_openai_is(loopback):
    loopback.replies(GOOD)

    speech = synthesize_speech(
        "Good evening.",
        base_url=loopback.base_url,
        model="tts",
        voice="coral",
        format="mp3",
        speed=1.5,
        language="en",
        instructions="Calmly.",
    )

    asked = loopback.requests[0]
    assert asked.path == "/v1/audio/speech"
    assert asked.body == {
        "model": "tts",
        "input": "Good evening.",
        "voice": "coral",
        "response_format": "mp3",
        "speed": 1.5,
        "language": "en",
        "instructions": "Calmly.",
    }
    assert (speech.data, speech.mime_type, speech.extension) == (mp3(), "audio/mpeg", ".mp3")


@pytest.mark.parametrize(
    "payload", [{"audio": base64_of(mp3())}, {"data": [{"b64_json": base64_of(mp3())}]}, {"url": "/media/a.mp3"}]
)
def test_sound_inside_json_is_found(loopback, payload):
    loopback.replies(Reply.json(payload), GOOD)

    assert synthesize_speech("Hi.", base_url=loopback.base_url).data == mp3()


def test_the_type_is_told_by_the_bytes_and_not_by_the_wish(loopback):
    loopback.replies(Reply.status(200, wav(), content_type="audio/mpeg"))

    assert synthesize_speech("Hi.", base_url=loopback.base_url, format="mp3").mime_type == "audio/wav"


def test_samples_without_a_header_may_be_asked_for(loopback):
    loopback.replies(Reply.status(200, bytes(100), content_type="audio/pcm"))

    assert synthesize_speech("Hi.", base_url=loopback.base_url, format="pcm").extension == ".pcm"


def test_a_provider_is_asked_by_its_own_names():
    provider = speaking(data_uri(mp3(), "audio/mpeg"), transcript="Hi.")

    speech = synthesize_speech("Hi.", provider=provider, voice="coral", language="en", format="mp3", speed=2)

    (call,) = provider.calls
    assert call.audio == {"voice": "coral", "format": "mp3", "language": "en", "speed": 2}
    assert (call.prompt, call.messages) == ("Hi.", [{"role": "user", "content": "Hi."}])
    assert (speech.data, speech.transcript) == (mp3(), "Hi.")


def test_a_provider_may_give_bytes_or_an_address(files):
    files.replies(GOOD)

    for provider in (speaking(mp3()), speaking(f"{files.root}/a.mp3")):
        assert synthesize_speech("Hi.", provider=provider, limits=ALLOWED).data == mp3()


# Files that providers write


def write(folder):
    folder.mkdir(exist_ok=True)
    (folder / "a b.mp3").write_bytes(mp3())


def writer(folder):
    """A provider that saves to a folder of g4f's, as several of them do."""
    from g4f.image import copy_images
    from g4f.providers.base_provider import AsyncGeneratorProvider

    class Writer(AsyncGeneratorProvider):
        working = True

        @classmethod
        async def create_async_generator(cls, model, messages, prompt=None, audio=None, **kwargs):
            write(Path(copy_images.get_media_dir() if folder is None else folder))
            yield AudioResponse("/media/a b.mp3", text=prompt)

    return Writer


def test_g4fs_own_writers_leave_nothing_in_the_working_directory(here):
    assert synthesize_speech("Hi.", provider=writer(None)).data == mp3()
    assert list(here.iterdir()) == []


def test_g4fs_setting_is_as_before_afterwards(here):
    from g4f.image import copy_images

    before = (copy_images.media_dir, copy_images.images_dir)

    synthesize_speech("Hi.", provider=writer(None))

    assert (copy_images.media_dir, copy_images.images_dir) == before


def test_what_a_provider_puts_into_the_working_directory_by_itself_is_taken_from_there(here):
    assert synthesize_speech("Hi.", provider=writer("./generated_media")).data == mp3()
    assert list(here.iterdir()) == []


def test_the_users_own_files_stay(here):
    (here / "generated_media").mkdir()
    (here / "generated_media" / "mine.mp3").write_bytes(mp3())
    os.utime(here / "generated_media" / "mine.mp3", (1, 1))

    synthesize_speech("Hi.", provider=writer("./generated_media"))
    with pytest.raises(errors.IntegrationError):
        synthesize_speech("Hi.", provider=speaking("/media/mine.mp3"))

    assert [path.name for path in (here / "generated_media").iterdir()] == ["mine.mp3"]


@pytest.mark.parametrize(
    "name", ["/media/../secret.mp3", "/media/..%2fsecret.mp3", "/media/", "/media/%00", "/media/.."]
)
def test_no_name_leads_out_of_the_folder(here, name):
    (here / "secret.mp3").write_bytes(mp3())

    with pytest.raises(errors.IntegrationError):
        synthesize_speech("Hi.", provider=speaking(name), resilience=QUICK)

    assert (here / "secret.mp3").exists()


async def test_two_writers_at_a_time_do_not_disturb_each_other(here):
    import asyncio

    both = await asyncio.gather(
        *(asynthesize_speech("Hi.", provider=writer(None)) for _ in range(2)), return_exceptions=True
    )

    # One name for two files is the provider's own fault; nobody may be given anything but sound, or leave anything.
    assert any(getattr(one, "data", None) == mp3() for one in both)
    assert list(here.iterdir()) == []


# Rotation


@pytest.mark.parametrize("lie", LIES)
def test_a_failing_and_a_lying_endpoint_are_passed_over_for_a_good_one(lie):
    with LoopbackServer() as failing, LoopbackServer() as lying, LoopbackServer() as right:
        failing.replies(Reply.json({"error": {"message": "boom"}}, 500))
        lying.replies(LIES[lie]())
        right.replies(GOOD)
        routes = [Endpoint(server.base_url, "m") for server in (failing, lying, right)]

        speech = synthesize_speech("Hi.", routes=routes, resilience=QUICK)

    assert speech.data == mp3()
    assert len(outcomes(speech)) == 3
    assert "ok" not in outcomes(speech)[:2]


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ([NOTICE], "overloaded"),
        ([PAGE], "blocked"),
        ([], "empty"),
        ([AudioResponse(data_uri(png(), "audio/mpeg"))], "invalid"),
        ([AudioResponse("/media/never-written.mp3")], "invalid"),
        ([AudioResponse("data:audio/mpeg;base64,")], "empty"),
    ],
)
def test_a_lying_provider_is_passed_over(script, outcome):
    routes = [ScriptedProvider(*script), speaking(mp3())]

    speech = synthesize_speech("Hi.", routes=routes, resilience=QUICK)

    assert outcomes(speech) == [outcome, "ok"]


def test_the_file_is_saved_whole_in_a_folder(tmp_path):
    speech = synthesize_speech("Hi.", provider=speaking(mp3()), save_dir=tmp_path)

    assert [path.read_bytes() for path in tmp_path.iterdir()] == [mp3()]
    assert speech.path.name.startswith("speech-")


@pytest.mark.parametrize(
    "arguments", [{"text": " "}, {"format": "../x"}, {"format": 3}, {"speed": 9}, {"speed": True}, {"tone": 1}]
)
def test_a_wrong_argument_is_refused_before_anything_is_sent(arguments):
    provider = speaking(mp3())

    with pytest.raises(errors.ConfigurationError):
        synthesize_speech(**{"text": "Hi.", "provider": provider, **arguments})

    assert provider.calls == []


def test_the_bytes_as_a_notebook_shows_them():
    speech = synthesize_speech("Hi.", provider=speaking(mp3()))

    assert base64.b64encode(mp3()).decode() in speech._repr_html_()


def test_nobody_serves_unnamed_but_those_who_were_reviewed_as_safe():
    named = {*images._DEFAULT_ROUTES, *speech._DEFAULT_ROUTES}

    assert [name for name in named if not reviewed(ProviderUtils.convert[name]).safe] == []
