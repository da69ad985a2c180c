import io
import os
import sys

import pytest

from g4f_integrations.core.media import (
    DownloadLimits,
    GeneratedImage,
    GeneratedSpeech,
    audio_block,
    image_block,
    image_url,
    video_block,
)
from g4f_integrations.core.media.inputs import file_within, load_input, read_input
from g4f_integrations.errors import ConfigurationError
from loopback import Reply
from toy_media import PAGE, base64_of, data_uri, gif, mp3, mp4, png


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    path.write_bytes(png())
    return path


def test_a_picture_may_be_handed_over_in_many_forms(picture):
    with picture.open("rb") as opened:
        forms = [picture, png(), bytearray(png()), memoryview(png()), io.BytesIO(png()), opened, data_uri(png())]
        forms.append(GeneratedImage(data=png(), mime_type="image/png"))

        assert {image_url(form) for form in forms} == {data_uri(png())}


def test_pillows_pictures_are_taken():
    images = pytest.importorskip("PIL.Image")

    for mode in ("RGB", "RGBA", "L", "P", "CMYK"):
        url = image_url(images.new(mode, (4, 3)))
        assert url.startswith("data:image/png;base64,")


def test_an_address_goes_to_the_model_as_it_is():
    assert image_url("https://example.com/a.png") == "https://example.com/a.png"


@pytest.mark.parametrize("text", ["/etc/passwd", "picture.png", "C:\\a.png", "~/a.png", "file:///etc/passwd", ""])
def test_a_string_is_never_a_path(text, picture, monkeypatch):
    monkeypatch.chdir(picture.parent)

    with pytest.raises(ConfigurationError):
        image_block(text)


def test_a_block_tells_how_closely_to_look():
    assert image_block(png(), detail="low") == {
        "type": "image_url",
        "image_url": {"url": data_uri(png()), "detail": "low"},
    }


def test_a_file_object_is_left_where_it_was():
    stream = io.BytesIO(b"before" + png())
    stream.seek(6)

    image_url(stream)

    assert stream.tell() == 6


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        (b"", "it is empty"),
        (PAGE.encode(), "a page came"),
        (b"hello", "a text came"),
        (mp3(), "audio/mpeg came"),
        (data_uri(mp3(), "image/png"), "audio/mpeg came"),
        (png()[:40], "is cut off"),
        (io.StringIO("text"), "mode 'rb'"),
        (42, "int"),
        (None, "NoneType"),
        ("data:image/png;base64,@@@", "base64"),
        ("data:image/png", "without data"),
    ],
)
def test_what_is_no_picture_is_refused_by_name(source, complaint):
    with pytest.raises(ConfigurationError, match=complaint):
        image_block(source)


def test_a_hundred_megabytes_are_refused_unread(tmp_path):
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(100 * 1024 * 1024)

    for source in (path, path.open("rb"), bytes(DownloadLimits().max_bytes + 1)):
        with pytest.raises(ConfigurationError, match="MB"):
            image_block(source)
    with pytest.raises(ConfigurationError, match="MB"):
        image_block("data:image/png;base64," + "A" * 3000, limits=DownloadLimits(max_bytes=1000))


def test_what_is_no_file_is_refused(tmp_path):
    for path in (tmp_path, tmp_path / "missing.png", tmp_path / "nul\0.png"):
        with pytest.raises(ConfigurationError):
            image_block(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_device_or_a_pipe_is_not_read(tmp_path):
    from pathlib import Path

    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ConfigurationError, match="no ordinary file"):
            image_block(path)


def test_a_large_picture_is_sized_down_on_request():
    pytest.importorskip("PIL.Image")

    small = read_input(image_url(png(400, 100), max_side=40), "image")

    assert (small.format.width, small.format.height) == (40, 10)


def test_a_small_picture_stays_byte_for_byte():
    assert image_url(png(30, 20), max_side=40) == data_uri(png(30, 20))
    assert image_url(gif()) == data_uri(gif(), "image/gif")


def test_a_format_that_models_do_not_take_becomes_png():
    images = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    images.new("RGB", (5, 4)).save(buffer, "BMP")

    found = read_input(image_url(buffer.getvalue()), "image").format

    assert (found.mime_type, found.width, found.height) == ("image/png", 5, 4)


def test_without_pillow_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)

    with pytest.raises(ConfigurationError, match=r"g4f-integrations\[media\]"):
        image_url(png(400, 100), max_side=40)


def test_an_address_cannot_be_sized_down():
    with pytest.raises(ConfigurationError, match="not fetched"):
        image_url("https://example.com/a.png", max_side=40)


async def test_an_address_to_work_on_is_fetched(loopback):
    loopback.replies(Reply.status(200, png()), Reply.status(404))
    limits = DownloadLimits(allow_private=True)

    assert (await load_input(f"{loopback.root}/a.png", "image", limits)).data == png()
    with pytest.raises(ConfigurationError, match="404"):
        await load_input(f"{loopback.root}/a.png", "image", limits)


@pytest.mark.parametrize("name", ["../secret.mp3", "/etc/passwd", "a/../../secret.mp3", ".", "", "link.mp3", "x\0.mp3"])
def test_a_model_names_files_inside_its_folder_only(tmp_path, name):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "secret.mp3").write_bytes(mp3())
    (folder / "link.mp3").symlink_to(tmp_path / "secret.mp3")

    with pytest.raises(ConfigurationError, match="no file inside"):
        file_within(folder, name)


def test_a_model_may_name_files_inside_its_folder(tmp_path):
    assert file_within(tmp_path, "a/b.mp3") == (tmp_path / "a" / "b.mp3").resolve()
    assert file_within(tmp_path, "https://h.example/a.mp3") == "https://h.example/a.mp3"
    assert file_within(None, "a.mp3") == "a.mp3"


# Sound and films for models


def test_sound_may_be_handed_over_in_many_forms(tmp_path):
    path = tmp_path / "note"
    path.write_bytes(mp3())
    speech = GeneratedSpeech(data=mp3(), mime_type="audio/mpeg")
    forms = [path, mp3(), io.BytesIO(mp3()), data_uri(mp3(), "audio/mpeg"), speech]

    blocks = [audio_block(form) for form in forms]

    wanted = {"type": "input_audio", "input_audio": {"data": base64_of(mp3()), "format": "mp3"}}
    assert blocks == [wanted] * len(forms)


def test_a_film_may_be_handed_over_as_bytes_or_by_its_address():
    assert video_block(mp4())["video_url"]["url"] == data_uri(mp4(), "video/mp4")
    assert video_block("https://example.com/a.mp4")["video_url"]["url"] == "https://example.com/a.mp4"
    assert audio_block("https://example.com/a.mp3")["audio_url"]["url"] == "https://example.com/a.mp3"


@pytest.mark.parametrize(("block", "source"), [(audio_block, "/etc/passwd"), (audio_block, png()), (video_block, b"")])
def test_what_is_no_sound_or_film_is_refused(block, source):
    with pytest.raises(ConfigurationError, match=r"^(audio|video): "):
        block(source)


@pytest.mark.parametrize("sides", [(60_000, 60_000), (12_000, 12_000)])
def test_a_picture_that_would_fill_the_memory_is_not_unpacked(sides):
    bomb = io.BytesIO()
    images = pytest.importorskip("PIL.Image")
    images.new("1", (8, 8)).save(bomb, "PNG")
    data = bytearray(bomb.getvalue())
    data[16:24] = b"".join(side.to_bytes(4, "big") for side in sides)
    claimed = bytes(data) + bytes(sides[0] * sides[1] // 4096)  # as many bytes as such a picture might have

    with pytest.raises(ConfigurationError, match="million"):
        image_url(claimed, max_side=100)
