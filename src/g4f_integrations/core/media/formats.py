"""What some bytes are: pictures, sound and films told by their own first bytes, and pictures measured by their headers.

Nothing is decoded, so this costs microseconds and needs no library, and a hostile file has nothing to attack.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

Kind: TypeAlias = Literal["image", "audio", "video"]


class MediaFormat(NamedTuple):
    """What some bytes are.

    Attributes:
        kind: ``"image"``, ``"audio"`` or ``"video"``.
        mime_type: Media type (``"image/png"``).
        extension: File name ending, with its dot.
        width: Pixels of a picture, where its header tells.
        height: The same.
    """

    kind: Kind
    mime_type: str
    extension: str
    width: int | None = None
    height: int | None = None


_MOST_STEPS = 10_000  # segments of a JPEG or boxes of an AVIF that are looked at on the way to the size
_IMAGE_BRANDS = {b"avif": "image/avif", b"avis": "image/avif"} | dict.fromkeys(
    (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1"), "image/heic"
)
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")
_MP3_RATES = 16
_MOST_PACKED = 1032
_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_JPEG_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})


def read_format(data: bytes) -> MediaFormat | None:
    """What `data` is, or ``None`` if it is nothing that is known here.

    Example:
        >>> read_format(b"GIF89a" + bytes([2, 0, 3, 0]) + bytes(10)).width
        2
        >>> read_format(b"<html>") is None
        True
    """
    return next((found for look in _LOOKS if (found := look(data)) is not None), None)


def is_complete(data: bytes, found: MediaFormat) -> bool:
    """Whether a picture's file has an end; cut ones look right at their beginning. True where nothing can be told."""
    match found.mime_type:
        case "image/png":
            return data.rfind(b"IEND") > 0
        case "image/jpeg":
            # The small picture inside a camera's file has an end of its own, before the pixels of the large one.
            return data.rfind(b"\xff\xd9") > max(_jpeg_pixels(data), 0)
        case "image/webp" | "audio/wav":
            return found.mime_type == "audio/wav" or len(data) >= int.from_bytes(data[4:8], "little") + 8
        case "image/gif":
            return data.rstrip(b"\x00")[-1:] == b";"
    return True


def holds_pixels(data: bytes, width: int, height: int) -> bool:
    """Whether a PNG's bytes can be as many pixels as its header claims; deflate packs 1032 bytes into one at the most.

    Source: https://www.zlib.net/zlib_tech.html (maximum compression factor).
    """
    samples = {2: 3, 4: 2, 6: 4}.get(data[25] if len(data) > 25 else 0, 1)
    bits = width * samples * (data[24] if len(data) > 24 else 8)
    return (bits // 8 + 1) * height <= len(data) * _MOST_PACKED


def _png(data: bytes) -> MediaFormat | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    if data[12:16] != b"IHDR" or len(data) < 24:
        return MediaFormat("image", "image/png", ".png")
    return _sized("image/png", ".png", _big(data, 16, 4), _big(data, 20, 4))


def _gif(data: bytes) -> MediaFormat | None:
    if not data.startswith((b"GIF87a", b"GIF89a")) or len(data) < 10:
        return None
    return _sized("image/gif", ".gif", _little(data, 6, 2), _little(data, 8, 2))


def _jpeg(data: bytes) -> MediaFormat | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    place = 2
    for _ in range(_MOST_STEPS):
        if place + 9 > len(data) or data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker == 0xFF:  # padding
            place += 1
        elif marker in _JPEG_ALONE:
            place += 2
        elif marker in _JPEG_SIZES:
            return _sized("image/jpeg", ".jpg", _big(data, place + 7, 2), _big(data, place + 5, 2))
        else:
            place += 2 + max(_big(data, place + 2, 2), 2)
    return MediaFormat("image", "image/jpeg", ".jpg")


def _jpeg_pixels(data: bytes) -> int:
    """Where a JPEG's first run of pixels begins; -1 if it has none within reach."""
    place = 2
    for _ in range(_MOST_STEPS):
        if place + 4 > len(data) or data[place] != 0xFF:
            break
        marker = data[place + 1]
        if marker == 0xDA:
            return place
        if marker == 0xFF:
            place += 1
        else:
            place += 2 if marker in _JPEG_ALONE else 2 + max(_big(data, place + 2, 2), 2)
    return -1


def _riff(data: bytes) -> MediaFormat | None:
    if data[:4] != b"RIFF":
        return None
    if data[8:12] == b"WAVE":
        return MediaFormat("audio", "audio/wav", ".wav")
    if data[8:12] == b"AVI ":
        return MediaFormat("video", "video/x-msvideo", ".avi")
    return _webp(data) if data[8:12] == b"WEBP" else None


def _webp(data: bytes) -> MediaFormat:
    chunk = data[12:16]
    if chunk == b"VP8X" and len(data) >= 30:
        return _sized("image/webp", ".webp", _little(data, 24, 3) + 1, _little(data, 27, 3) + 1)
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a" and len(data) >= 30:
        return _sized("image/webp", ".webp", _little(data, 26, 2) & 0x3FFF, _little(data, 28, 2) & 0x3FFF)
    if chunk == b"VP8L" and data[20:21] == b"\x2f" and len(data) >= 25:
        bits = _little(data, 21, 4)
        return _sized("image/webp", ".webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    return MediaFormat("image", "image/webp", ".webp")


def _boxes(data: bytes) -> MediaFormat | None:
    """MP4 and its kin: AVIF and HEIC, M4A, QuickTime."""
    if data[4:8] != b"ftyp":
        return None
    end = min(max(_big(data, 0, 4), 16), 256, len(data))
    brands = [data[8:12], *(data[place : place + 4] for place in range(16, end - 3, 4))]
    image = next((_IMAGE_BRANDS[brand] for brand in brands if brand in _IMAGE_BRANDS), None)
    if image is not None:
        place = data.find(b"ispe", 0, 65_536)  # the property that holds a picture's extent
        extension = ".avif" if image == "image/avif" else ".heic"
        if place < 0 or len(data) < place + 16:
            return MediaFormat("image", image, extension)
        return _sized(image, extension, _big(data, place + 8, 4), _big(data, place + 12, 4))
    if brands[0] in _AUDIO_BRANDS:
        return MediaFormat("audio", "audio/mp4", ".m4a")
    if brands[0] == b"qt  ":
        return MediaFormat("video", "video/quicktime", ".mov")
    return MediaFormat("video", "video/mp4", ".mp4")


def _bmp(data: bytes) -> MediaFormat | None:
    if data[:2] != b"BM" or len(data) < 26 or _little(data, 14, 4) not in {12, 40, 52, 56, 64, 108, 124}:
        return None
    if _little(data, 14, 4) == 12:
        return _sized("image/bmp", ".bmp", _little(data, 18, 2), _little(data, 20, 2))
    height = int.from_bytes(data[22:26], "little", signed=True)
    return _sized("image/bmp", ".bmp", _little(data, 18, 4), abs(height))


def _tiff(data: bytes) -> MediaFormat | None:
    if data[:4] in {b"II*\x00", b"MM\x00*"}:
        return MediaFormat("image", "image/tiff", ".tiff")
    return None


def _ogg(data: bytes) -> MediaFormat | None:
    if data[:4] != b"OggS":
        return None
    if b"theora" in data[:128]:
        return MediaFormat("video", "video/ogg", ".ogv")
    return MediaFormat("audio", "audio/ogg", ".ogg")


def _flac(data: bytes) -> MediaFormat | None:
    return MediaFormat("audio", "audio/flac", ".flac") if data[:4] == b"fLaC" else None


def _matroska(data: bytes) -> MediaFormat | None:
    if data[:4] != b"\x1a\x45\xdf\xa3":
        return None
    head = data[:4096]
    has_picture = b"V_" in head
    if b"webm" not in head[:128]:
        return MediaFormat("video", "video/x-matroska", ".mkv")
    if not has_picture and b"A_" in head:
        return MediaFormat("audio", "audio/webm", ".webm")
    return MediaFormat("video", "video/webm", ".webm")


def _mpeg_audio(data: bytes) -> MediaFormat | None:
    if data[:3] == b"ID3":
        return MediaFormat("audio", "audio/mpeg", ".mp3")
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    layer = data[1] >> 1 & 3
    if layer == 0:  # ADTS, which AAC comes in
        return MediaFormat("audio", "audio/aac", ".aac") if data[1] & 0xF0 == 0xF0 else None
    has_version = data[1] >> 3 & 3 != 1
    has_rates = data[2] >> 4 != _MP3_RATES - 1 and data[2] >> 2 & 3 != 3
    return MediaFormat("audio", "audio/mpeg", ".mp3") if has_version and has_rates else None


def _other_audio(data: bytes) -> MediaFormat | None:
    if data[:4] == b"FORM" and data[8:12] in {b"AIFF", b"AIFC"}:
        return MediaFormat("audio", "audio/aiff", ".aiff")
    if data[:6] == b"#!AMR\n":
        return MediaFormat("audio", "audio/amr", ".amr")
    return None


def _mpeg_video(data: bytes) -> MediaFormat | None:
    if data[:4] in {b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3"}:
        return MediaFormat("video", "video/mpeg", ".mpg")
    return None


_LOOKS: tuple[Callable[[bytes], MediaFormat | None], ...] = (
    _png, _jpeg, _gif, _riff, _boxes, _mpeg_audio, _ogg, _flac, _matroska, _bmp, _tiff, _other_audio, _mpeg_video,
)  # fmt: skip


def _sized(mime_type: str, extension: str, width: int, height: int) -> MediaFormat:
    return MediaFormat("image", mime_type, extension, width, height)


def _big(data: bytes, place: int, size: int) -> int:
    return int.from_bytes(data[place : place + size], "big")


def _little(data: bytes, place: int, size: int) -> int:
    return int.from_bytes(data[place : place + size], "little")
