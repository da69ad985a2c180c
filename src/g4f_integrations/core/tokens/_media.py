"""What pictures, sound and files cost, from their first bytes and sizes; nothing is fetched or decoded whole."""

from __future__ import annotations

import struct
from binascii import Error, a2b_base64
from collections.abc import Mapping
from math import ceil
from typing import Any

_UNKNOWN_SIDE = 1024  # pixels, of a picture whose size nobody told
_HEAD = 65_536  # base64 characters that are looked at; a JPEG's size may stand behind its thumbnail
_TOKENS_PER_SECOND = 32  # Gemini's figure for sound; OpenAI's is 10
_MP3_BYTES_PER_SECOND = 8_000  # 64 kbit/s, the least that speech comes in, so that seconds are not too few
_SHORTEST_SOUND = 2.0
_UNKNOWN_SOUND = 60.0
_TOKENS_PER_VIDEO = 16_000  # a minute at Gemini's 263 tokens a second
_BYTES_PER_TOKEN = 3.0  # of text files
_BYTES_PER_DOCUMENT_TOKEN = 12.0  # of PDF and office files: about 20 kB and 1,700 tokens a page
_LEAST_FILE = 250
_UNKNOWN_FILE = 3_000


def image_tokens(url: str, detail: str, rule: Mapping[str, float]) -> int:
    """Tokens of a picture.

    Args:
        url: Its address or ``data:`` URI; from the latter the size is read.
        detail: OpenAI's ``"low"``, ``"high"`` or ``"auto"``, which counts as high.
        rule: One of the rules in ``core/data/tokens.toml``.
    """
    if detail == "low" and "low" in rule:
        return int(rule["low"])
    width, height = _picture_size(url) or (_UNKNOWN_SIDE, _UNKNOWN_SIDE)
    if "pixels" in rule:
        return min(ceil(width * height / rule["pixels"]), int(rule["most"]))
    if "patch" in rule:
        patches = ceil(width / rule["patch"]) * ceil(height / rule["patch"])
        return ceil(min(patches, rule["most"]) * rule["factor"])
    if "side" in rule:
        return int(rule["tile"]) * min(ceil(width / rule["side"]) * ceil(height / rule["side"]), 64)
    scale = min(1.0, 2048 / max(width, height))
    scale *= min(1.0, 768 / (min(width, height) * scale))
    tiles = ceil(width * scale / 512 - 1e-9) * ceil(height * scale / 512 - 1e-9)
    return int(rule.get("base", 85) + rule.get("tile", 170) * tiles)


def audio_tokens(data: str, kind: str) -> int:
    """Tokens of sound in base64, by its length in seconds."""
    size = _decoded_size(data)
    seconds = _UNKNOWN_SOUND
    if size:
        rate = _wav_rate(_head(data, 64)) if kind == "wav" else _MP3_BYTES_PER_SECOND
        seconds = max(size / rate, _SHORTEST_SOUND)
    return ceil(seconds * _TOKENS_PER_SECOND)


def file_tokens(data: str, name: str) -> int:
    """Tokens of a file in base64 or a ``data:`` URI, by its size; of one that is only named, those of a few pages."""
    kind, _, encoded = data.partition(",") if data[:5].lower() == "data:" else ("", "", data)
    size = _decoded_size(encoded)
    if not size:
        return _UNKNOWN_FILE
    is_text = "text/" in kind or "json" in kind or name.lower().endswith((".txt", ".md", ".csv", ".json", ".html"))
    return max(_LEAST_FILE, ceil(size / (_BYTES_PER_TOKEN if is_text else _BYTES_PER_DOCUMENT_TOKEN)))


def video_tokens() -> int:
    """Tokens of a video of unknown length: those of a minute."""
    return _TOKENS_PER_VIDEO


def _decoded_size(encoded: str) -> int:
    return len(encoded) * 3 // 4 - encoded[-2:].count("=")


def _head(encoded: str, length: int) -> bytes:
    part = encoded[:length].strip()
    try:
        return a2b_base64(part[: len(part) // 4 * 4].encode("ascii"))
    except (Error, ValueError):  # UnicodeEncodeError is a ValueError
        return b""


def _wav_rate(head: bytes) -> int:
    """Bytes a second as the header tells, else those of speech at 16 kHz."""
    rate = struct.unpack_from("<I", head, 28)[0] if head[:4] == b"RIFF" and len(head) >= 32 else 0
    return rate if 1_000 <= rate <= 2_000_000 else 32_000


def _picture_size(url: str) -> tuple[int, int] | None:
    """Width and height in pixels of a picture in a ``data:`` URI, ``None`` if they cannot be read."""
    if url[:5].lower() != "data:":
        return None
    comma = url.find(",", 0, 200)
    if comma < 0:
        return None
    head = _head(url[comma + 1 : comma + 1 + _HEAD], _HEAD)
    try:
        size = _size_in(head)
    except struct.error:
        return None
    return size if size is not None and 0 < size[0] <= 100_000 and 0 < size[1] <= 100_000 else None


def _size_in(head: bytes) -> tuple[int, int] | None:
    if head[:8] == b"\x89PNG\r\n\x1a\n":
        return struct.unpack_from(">II", head, 16)
    if head[:4] == b"GIF8":
        return struct.unpack_from("<HH", head, 6)
    if head[:2] == b"BM":
        width, height = struct.unpack_from("<ii", head, 18)
        return abs(width), abs(height)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp_size(head)
    if head[:2] == b"\xff\xd8":
        return _jpeg_size(head)
    return None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", head, 21)[0]
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _jpeg_size(head: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:  # a frame's header
            height, width = struct.unpack_from(">HH", head, at + 5)
            return width, height
        at += 2 + max(2, int(struct.unpack_from(">H", head, at + 2)[0]))
    return None


def _address(inner: Any, details: Mapping[str, Any], part: Mapping[str, Any]) -> str:
    """Where a picture is: in Chat Completions' form, in that of the Responses API, or in Anthropic's."""
    url = inner if isinstance(inner, str) else details.get("url") or part.get("image_url")
    source = part.get("source")
    if url is None and isinstance(source, Mapping):
        data = source.get("data")
        url = f"data:;base64,{data[:_HEAD]}" if isinstance(data, str) else source.get("url")
    return url if isinstance(url, str) else ""


def part_tokens(part: Mapping[str, Any], rule: Mapping[str, float]) -> int | None:
    """Tokens of a content part that is no text; ``None`` if it is of no kind that is known."""
    kind = part.get("type")
    if not isinstance(kind, str):
        return None
    inner = part.get(kind)
    details = inner if isinstance(inner, Mapping) else {}
    if kind in {"image_url", "image", "input_image"}:
        detail = details.get("detail") or part.get("detail")
        return image_tokens(_address(inner, details, part), str(detail), rule)
    if kind in {"input_audio", "audio"}:
        data = details.get("data")
        return audio_tokens(data if isinstance(data, str) else "", str(details.get("format", "")).lower())
    if kind in {"file", "input_file", "document"}:
        data = details.get("file_data")
        return file_tokens(data if isinstance(data, str) else "", str(details.get("filename", "")))
    if kind in {"video_url", "video", "input_video"}:
        return video_tokens()
    return None
