"""Media over g4f's own OpenAI template, which many of its providers are built on."""

import pytest

from g4f_integrations.core.media import DownloadLimits, edit_image, generate_images, synthesize_speech
from loopback import Reply, completion
from toy_media import base64_of, mp3, png

ALLOWED = DownloadLimits(allow_private=True)


@pytest.fixture
def template(loopback):
    from g4f.Provider.template import OpenaiTemplate

    class Template(OpenaiTemplate):
        working = True
        base_url = loopback.base_url
        models = ("m",)
        default_model = "m"
        image_models = ("painter",)

        @classmethod
        def get_model(cls, model, **_):
            return model

    return Template


def test_pictures_come_by_its_own_method(template, loopback):
    loopback.replies(Reply.json({"data": [{"b64_json": base64_of(png())}]}))

    (image,) = generate_images("a cat", provider=template, size="64x32", style="vivid")

    asked = loopback.requests[0]
    assert asked.path == "/v1/images/generations"
    assert (asked.body["prompt"], asked.body["model"]) == ("a cat", "painter")
    assert (asked.body["width"], asked.body["height"]) == (64, 32)
    assert image.data == png()
    assert image.dropped == ("style",)


def test_a_picture_to_change_is_handed_over(template, loopback):
    loopback.replies(
        Reply.json({"data": [{"url": f"{loopback.root}/a.png"}]}), Reply.status(200, png(), content_type="image/png")
    )

    (image,) = edit_image(png(), "red", provider=template, limits=ALLOWED)

    assert image.data == png()


def test_sound_comes_out_of_a_chat(template, loopback, here):
    answer = completion("", audio={"data": base64_of(mp3()), "transcript": "Hi."})
    loopback.replies(Reply.json(answer))

    speech = synthesize_speech("Hi.", provider=template, model="m", voice="coral")

    assert speech.data == mp3()
    assert list(here.iterdir()) == []
