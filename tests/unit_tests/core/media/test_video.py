import pytest
from g4f.providers.response import VideoResponse

from g4f_integrations import Endpoint, Resilience, errors
from g4f_integrations.core.media import DownloadLimits, GeneratedMedia, GeneratedVideo, generate_video
from g4f_integrations.testing import ScriptedProvider
from loopback import LoopbackServer, Reply
from toy_media import LIES, NOTICE, base64_of, data_uri, mp4, png

QUICK = Resilience(backoff_initial=0, attempts_per_route=1)
ALLOWED = DownloadLimits(allow_private=True)
GOOD = Reply.json({"data": [{"b64_json": base64_of(mp4())}]})


def filming(*items):
    return ScriptedProvider(VideoResponse(list(items), "a film"))


def test_a_provider_is_asked_by_its_own_names(files):
    files.replies(Reply.status(200, mp4(), content_type="video/mp4"))
    provider = filming(f"{files.root}/a.mp4")

    film = generate_video("A wave.", provider=provider, image=png(), duration=3, aspect_ratio="16:9", limits=ALLOWED)

    (call,) = provider.calls
    assert (call.prompt, call.duration, call.aspect_ratio) == ("A wave.", 3, "16:9")
    assert call.media[0][0] == data_uri(png())
    assert (film.data, film.mime_type, film.url) == (mp4(), "video/mp4", f"{files.root}/a.mp4")


def test_an_endpoint_is_asked_at_g4fs_route_and_then_at_the_usual_one(loopback):
    loopback.replies(Reply.json({"detail": "Not Found"}, 404), GOOD)

    film = generate_video("A wave.", base_url=loopback.base_url, model="m", resolution="720p")

    assert [asked.path for asked in loopback.requests] == ["/v1/media/generate", "/v1/videos/generations"]
    assert loopback.requests[1].body == {"model": "m", "prompt": "A wave.", "resolution": "720p"}
    assert film.data == mp4()


def test_a_film_is_kept_as_pictures_and_recordings_are(loopback, tmp_path):
    loopback.replies(GOOD)

    film = generate_video("A wave.", base_url=loopback.base_url, model="m")

    assert isinstance(film, GeneratedVideo)
    assert isinstance(film, GeneratedMedia)
    assert film.save(tmp_path).read_bytes() == mp4()


def test_a_g4f_server_that_fails_over_a_provider_in_the_body_gets_it_in_the_path(loopback):
    missing = Reply.json({"detail": "Not Found"}, 404)
    loopback.replies(Reply.json({"error": {"message": "Request execution failed"}}, 500), missing, missing, GOOD)

    assert generate_video("A wave.", base_url=loopback.base_url, provider="Film").data == mp4()
    assert loopback.requests[-1].path == "/api/Film/images/generations"


@pytest.mark.parametrize("lie", LIES)
def test_a_failing_and_a_lying_endpoint_are_passed_over_for_a_good_one(lie):
    with LoopbackServer() as failing, LoopbackServer() as lying, LoopbackServer() as right:
        failing.replies(Reply.json({"error": {"message": "boom"}}, 500))
        lying.replies(LIES[lie]())
        right.replies(GOOD)
        routes = [Endpoint(server.base_url, "m") for server in (failing, lying, right)]

        film = generate_video("A wave.", routes=routes, resilience=QUICK)

    assert film.data == mp4()
    assert len(film.attempts) == 3


@pytest.mark.parametrize("script", [[NOTICE], [], [VideoResponse(data_uri(b"<html>", "video/mp4"), "x")]])
def test_a_lying_provider_is_passed_over(script):
    right = filming(data_uri(mp4(), "video/mp4"))

    film = generate_video("A wave.", routes=[ScriptedProvider(*script), right], resilience=QUICK)

    assert (film.data, film.provider) == (mp4(), right.__name__)


def test_somebody_has_to_be_named():
    with pytest.raises(errors.ConfigurationError, match="nobody is known"):
        generate_video("A wave.")


def test_it_is_saved_and_shown(tmp_path):
    film = generate_video("A wave.", provider=filming(data_uri(mp4(), "video/mp4")), save_dir=tmp_path)

    assert film.path.read_bytes() == mp4()
    assert film._repr_html_().startswith("<video controls")
