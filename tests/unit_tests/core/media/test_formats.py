import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from g4f_integrations.core.failures import AttemptFailed
from g4f_integrations.core.media.checking import check_media
from g4f_integrations.core.media.formats import is_complete, read_format
from toy_media import NOTICE, PAGE, gif, mp3, mp4, png, wav


@pytest.mark.parametrize(
    ("data", "kind", "mime_type", "extension"),
    [
        (png(), "image", "image/png", ".png"),
        (gif(), "image", "image/gif", ".gif"),
        (wav(), "audio", "audio/wav", ".wav"),
        (mp3(), "audio", "audio/mpeg", ".mp3"),
        (b"ID3\x04" + bytes(100), "audio", "audio/mpeg", ".mp3"),
        (b"\xff\xf1\x50\x80" + bytes(100), "audio", "audio/aac", ".aac"),
        (b"OggS" + bytes(100), "audio", "audio/ogg", ".ogg"),
        (b"fLaC" + bytes(100), "audio", "audio/flac", ".flac"),
        (b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00" + bytes(100), "audio", "audio/mp4", ".m4a"),
        (mp4(), "video", "video/mp4", ".mp4"),
        (b"\x1a\x45\xdf\xa3" + bytes(10) + b"webm" + bytes(20) + b"V_VP9", "video", "video/webm", ".webm"),
        (b"\x1a\x45\xdf\xa3" + bytes(10) + b"webm" + bytes(20) + b"A_OPUS", "audio", "audio/webm", ".webm"),
    ],
)
def test_a_file_is_told_by_its_first_bytes(data, kind, mime_type, extension):
    assert read_format(data)[:3] == (kind, mime_type, extension)


@pytest.mark.parametrize("name", ["PNG", "JPEG", "GIF", "WEBP", "BMP", "AVIF"])
def test_a_pictures_size_is_read_from_its_header_as_pillow_reads_it(name):
    images = pytest.importorskip("PIL.Image")
    buffer = io.BytesIO()
    try:
        images.new("RGB", (31, 17), "red").save(buffer, name)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow writes no {name}")
    data = buffer.getvalue()

    found = read_format(data)

    assert (found.mime_type, found.width, found.height) == (f"image/{name.lower()}", 31, 17)
    assert is_complete(data, found)


@pytest.mark.parametrize("data", [b"", b"<html>", b"hello there", b"{}", bytes(100), b"\xff\xff\xff\xff", b"BM12"])
def test_other_bytes_are_nothing(data):
    assert read_format(data) is None


@given(st.binary(max_size=300), st.sampled_from([b"", png(), gif(), mp4(), b"\xff\xd8\xff", b"RIFF....WEBPVP8X"]))
def test_no_bytes_make_it_raise(data, start):
    found = read_format(start[:20] + data)

    assert found is None or found.kind in {"image", "audio", "video"}


def test_a_good_file_passes():
    assert check_media(png(), "image", "text/html").mime_type == "image/png"


@pytest.mark.parametrize(
    ("data", "content_type", "outcome"),
    [
        (b"", "image/png", "empty"),
        (PAGE.encode(), "image/png", "blocked"),
        (NOTICE.encode(), "text/plain", "overloaded"),
        (b'{"error": {"message": "Rate limit exceeded"}}', "application/json", "rate_limit"),
        (b"Here is a lovely picture for you.", "text/plain", "invalid"),
        (bytes(range(128, 250)), "", "invalid"),
        (png()[:30], "image/png", "invalid"),
        (png(width=0), "image/png", "invalid"),
        (png()[:-12], "image/png", "invalid"),
        (png()[:16] + (60_000).to_bytes(4, "big") * 2 + png()[24:], "image/png", "invalid"),
        (wav(), "image/png", "invalid"),
    ],
)
def test_what_is_no_picture_is_a_failure_of_its_own_kind(data, content_type, outcome):
    with pytest.raises(AttemptFailed) as raised:
        check_media(data, "image", content_type)

    assert raised.value.failure.kind == outcome


def test_a_large_picture_of_one_colour_passes_though_it_is_packed_small():
    assert check_media(png(width=3000, height=2000), "image").width == 3000


def test_a_cut_photo_is_told_from_the_whole_small_picture_inside_it():
    images = pytest.importorskip("PIL.Image")
    small, large = io.BytesIO(), io.BytesIO()
    images.new("RGB", (8, 8)).save(small, "JPEG")
    images.effect_noise((64, 64), 90).save(large, "JPEG", exif=b"Exif\x00\x00" + small.getvalue())

    assert check_media(large.getvalue(), "image").width == 64
    with pytest.raises(AttemptFailed, match="cut off"):
        check_media(large.getvalue()[:-500], "image")


def test_the_media_type_that_came_instead_is_named():
    with pytest.raises(AttemptFailed, match="audio/wav came where a picture"):
        check_media(wav(), "image")
    with pytest.raises(AttemptFailed, match="text/plain"):
        check_media(b"Sorry, no.", "audio", "text/plain")


def test_samples_without_a_header_are_sound_only_where_they_were_asked_for():
    assert check_media(bytes(200), "audio", raw=True).mime_type == "audio/L16"
    with pytest.raises(AttemptFailed):
        check_media(bytes(200), "audio")
    with pytest.raises(AttemptFailed):
        check_media(NOTICE.encode(), "audio", raw=True)
