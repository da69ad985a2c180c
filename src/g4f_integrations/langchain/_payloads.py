"""What a content block carries: an address, base64, bytes, or something that only this machine has."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any, TypeAlias

Block: TypeAlias = Mapping[str, Any]

_BASE64 = re.compile(rb"(?:data:[^,]{0,200},)?[A-Za-z0-9+/_\-\r\n]+={0,2}\s{0,2}")
_DEFAULT_TYPES = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "file": "application/pdf"}
_LOOKED_AT = 4096  # characters of base64 in which a file tells what it is


def held_in(block: Block, family: str) -> Any:
    """What only this machine has (a path object, a file object, bytes), or ``None`` if the block has words for it.

    Args:
        block: A block of a picture, a sound or a film.
        family: ``"image"``, ``"audio"`` or ``"video"``.
    """
    source = source_of(block)
    address = block.get(f"{family}_url")
    wire = block.get(f"input_{family}")  # OpenAI's own form
    inner = wire.get("data") if isinstance(wire, Mapping) else None
    url = address.get("url") if isinstance(address, Mapping) else address
    for value in (url, block.get(family), block.get("path"), source.get("url")):
        if value is not None and not isinstance(value, str | Mapping):
            return value
    for value in (source.get("base64"), source.get("data"), inner):  # bytes may be base64 already here
        if value is not None and not isinstance(value, str | bytes | bytearray | memoryview | Mapping):
            return value
    return None


def source_of(block: Block) -> Block:
    """Where the block keeps its payload: in itself, or under Anthropic's ``source``."""
    source = block.get("source")
    return source if isinstance(source, Mapping) else block


def url_of(block: Block) -> str | None:
    """The address of the payload, if the block has one."""
    source = source_of(block)
    url = source.get("url") or source.get("file_url") or source.get("file_uri")
    return url if isinstance(url, str) else None


def base64_of(block: Block) -> str | None:
    """The payload as base64, if the block holds it."""
    source = source_of(block)
    data = source.get("base64") or source.get("file_data")
    if data is None and source.get("type") != "text" and block.get("source_type") != "text":
        data = source.get("data")
    return data if isinstance(data, str) else encoded(data)


def encoded(data: Any) -> str | None:
    """Bytes as base64, unless they are base64 already: `b64encode` gives bytes, and files are read as bytes."""
    if not isinstance(data, bytes | bytearray | memoryview):
        return None
    raw = bytes(data)
    text = b"".join(raw.split()) if _BASE64.fullmatch(raw) else base64.b64encode(raw)
    return text.decode("ascii")


def mime_type_of(block: Block, family: str, data: str) -> str:
    """The media type that the block names, else the one that its payload shows, else the family's usual one."""
    source = source_of(block)
    named = source.get("mime_type") or source.get("media_type")
    if named:
        return str(named)
    from g4f_integrations.core.media.formats import read_format  # few messages hold files

    head = "".join(data[:_LOOKED_AT].split())
    try:
        found = read_format(base64.b64decode(head[: len(head) // 4 * 4]))
    except (binascii.Error, ValueError):
        found = None
    return found.mime_type if found is not None and family != "file" else _DEFAULT_TYPES[family]


def data_uri_of(block: Block, family: str) -> str | None:
    """The payload as a ``data:`` URI, if the block holds it."""
    data = base64_of(block)
    if data is None or data.startswith("data:"):
        return data
    return f"data:{mime_type_of(block, family, data)};base64,{data}"


def file_name_of(block: Block) -> str:
    """A name whose ending tells the type."""
    source = source_of(block)
    subtype = str(source.get("mime_type") or source.get("media_type") or "application/pdf").partition("/")[2]
    return f"file.{'txt' if subtype == 'plain' else subtype or 'bin'}"
