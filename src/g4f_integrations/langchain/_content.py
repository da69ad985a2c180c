"""Content blocks of every dialect that LangChain knows → parts of an OpenAI chat message.

    text, input_text, output_text, str items         text
    text-plain (of whatever holds it here), document (text)      text
    image_url, input_image, image (v1, v0, Anthropic `source`)   image_url, a data: URI where the block holds bytes;
                                                     also of a path object, a file object or a Pillow image
    audio, input_audio                               input_audio; audio_url for an address; also of the objects
    video                                            video_url; also of the objects
    file, input_file, document (bytes, id, address), text-plain (id, address)    file
    media (Google)                                   by its MIME type
    json, search_result, custom_tool_call_output     text
    refusal                                          refusal from an assistant, else text
    non_standard                                     what it wraps

An assistant's history may hold what no endpoint takes back: reasoning and thinking are dropped, tool calls go where
they belong, pictures, sound and files become a markdown reference, what was spoken its transcript. Blocks that nobody
here knows are dropped from an assistant's turn (another provider wrote them) and passed on from everybody else's (the
user meant them). Bytes become base64, unless they are base64 already.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from g4f_integrations.langchain._payloads import (
    Block,
    base64_of,
    data_uri_of,
    encoded,
    file_name_of,
    held_in,
    mime_type_of,
    source_of,
    url_of,
)

Part: TypeAlias = dict[str, Any]

_FRAMEWORK_KEYS = frozenset({"id", "index", "annotations", "extras"})  # LangChain's own notes on a text block
_TEXT_KEYS = frozenset({"type", "text"})
_SENT_BACK_KEYS = frozenset({"type", "text", "cache_control"})  # of an assistant's text; other models add citations
_DEEPEST = 4
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-m4a": "m4a", "x-flac": "flac"}


def to_parts(content: Sequence[str | Block], *, assistant: bool = False) -> list[Part]:
    """The parts that `content` becomes, in order; blocks that cannot be sent leave none.

    Args:
        content: Blocks of any dialect; they are not changed.
        assistant: Whether the message is an assistant's, whose blocks other models may have written.

    Raises:
        TypeError: A block is neither a string nor a mapping.
    """
    convert = _assistant_part if assistant else _part
    parts = []
    for block in content:
        if isinstance(block, str):
            parts.append({"type": "text", "text": block})
        elif isinstance(block, Mapping):
            part = convert(block)
            if part is not None:
                parts.append(part)
        else:
            message = f"content blocks are strings or dicts, not {type(block).__name__}"
            raise TypeError(message)
    return parts


def _text(block: Block) -> Part:
    if block.keys() <= _TEXT_KEYS:
        return dict(block)
    return {key: value for key, value in block.items() if key not in _FRAMEWORK_KEYS}


def _responses_text(block: Block) -> Part:
    return {"type": "text", "text": str(block.get("text") or "")}


def _image_url(block: Block) -> Part:
    address = block.get("image_url")
    picture = _picture(block)
    if picture is not None:
        return picture
    return {"type": "image_url", "image_url": {"url": address}} if isinstance(address, str) else _plain(block)


def _image(block: Block) -> Part:
    address = block.get("image_url")  # OpenAI's Responses have it beside their own type
    picture = _picture(block)
    if picture is not None:
        return picture
    if isinstance(address, Mapping):
        return _image_url({"type": "image_url", "image_url": address})
    url = address or block.get("image") or url_of(block) or data_uri_of(block, "image")
    if url is None:
        return _file(block)
    image = {"url": url}
    detail = block.get("detail") or (block.get("extras") or {}).get("detail")
    if detail:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def _picture(block: Block) -> Part | None:
    """A picture that only this machine has (a path object, a file object, Pillow's), or that is to be sized down."""
    address = block.get("image_url")
    told = address if isinstance(address, Mapping) else {"url": address}
    held = (told.get("url"), block.get("image"), block.get("path"), source_of(block).get("url"), block.get("base64"))
    source = next((one for one in held if one is not None), None)
    max_side = block.get("max_side")
    is_here = source is not None and not isinstance(source, str | bytes | bytearray | memoryview | Mapping)
    is_bytes = isinstance(block.get("image", told.get("url")), bytes | bytearray | memoryview)
    if not (is_here or is_bytes or (max_side is not None and isinstance(source, str))):
        return None
    from g4f_integrations.core.media.blocks import image_block  # few messages hold pictures

    if isinstance(block.get("base64"), str) and source is block["base64"]:
        source = data_uri_of(block, "image")
    detail = told.get("detail") or block.get("detail") or (block.get("extras") or {}).get("detail")
    return image_block(source, detail=detail, max_side=max_side)


def _audio(block: Block) -> Part:
    held = held_in(block, "audio")
    if held is not None:
        from g4f_integrations.core.media.blocks import audio_block  # few messages hold sound

        return audio_block(held)
    data = base64_of(block)
    if data is not None:
        subtype = mime_type_of(block, "audio", data).partition("/")[2].partition(";")[0]
        sound = {"data": data, "format": _AUDIO_FORMATS.get(subtype, subtype) or "wav"}
        return {"type": "input_audio", "input_audio": sound}
    url = url_of(block)
    return _file(block) if url is None else {"type": "audio_url", "audio_url": {"url": url}}


def _video(block: Block) -> Part:
    held = held_in(block, "video")
    if held is not None:
        from g4f_integrations.core.media.blocks import video_block  # few messages hold films

        return video_block(held)
    url = url_of(block) or data_uri_of(block, "video")
    return _file(block) if url is None else {"type": "video_url", "video_url": {"url": url}}


def _wire_form(block: Block) -> Part:
    """OpenAI's own form of sound and films, which may hold what only this machine has."""
    family = "video" if block.get("type") == "video_url" else "audio"
    return _plain(block) if held_in(block, family) is None else _CONVERTERS[family](block) or {}


def _file(block: Block) -> Part:
    if isinstance(block.get("file"), Mapping):
        return _plain(block)  # OpenAI's own form
    source = source_of(block)
    text = source.get("text")
    if text is None and source.get("type") == "text":
        text = source.get("data")
    if text is None and source.get("type") == "content":
        text = _words(source.get("content"))
    if text is None and block.get("type") == "text-plain":
        text = _decoded(base64_of(block))
    if isinstance(text, str):
        return {"type": "text", "text": text}
    file: dict[str, Any] = {}
    identifier = block.get("file_id") or source.get("file_id")
    if identifier is None and block.get("source_type") == "id":
        identifier = block.get("id")
    data = data_uri_of(block, "file") or url_of(block)
    if data is not None:
        extras = block.get("extras") or block.get("metadata") or {}
        # Endpoints want a name beside the bytes; its ending tells some of them the type.
        file["filename"] = block.get("filename") or extras.get("filename") or block.get("title") or file_name_of(block)
        file["file_data"] = data
    elif identifier is not None:
        file["file_id"] = identifier
    else:
        return _plain(block)
    return {"type": "file", "file": file}


def _decoded(data: str | None) -> str | None:
    """The text in `data`, if it is one: most endpoints take no files but PDFs."""
    try:
        return None if data is None else b64decode(data, validate=True).decode()
    except ValueError:
        return None


def _media(block: Block) -> Part:
    family = str(block.get("mime_type", "")).partition("/")[0]
    return {"image": _image, "audio": _audio, "video": _video}.get(family, _file)(block)


def _refusal(block: Block) -> Part:
    return {"type": "text", "text": str(block.get("refusal", ""))}


def _json(block: Block) -> Part:
    return {"type": "text", "text": json.dumps(block.get("json"), ensure_ascii=False)}


def _search_result(block: Block) -> Part:
    told = (block.get("title"), block.get("source"), _words(block.get("content")))
    return {"type": "text", "text": "\n".join(part for part in told if isinstance(part, str) and part)}


def _tool_output(block: Block) -> Part:
    return {"type": "text", "text": _words(block.get("output"))}


def _wrapped(block: Block) -> Part | None:
    value = block.get("value")
    return _part(value) if isinstance(value, Mapping) else None


def _nothing(_block: Block) -> None:
    return None


_CONVERTERS: dict[Any, Callable[[Block], Part | None]] = {
    "text": _text,
    "input_text": _responses_text,
    "output_text": _responses_text,
    "image_url": _image_url,
    "image": _image,
    "input_image": _image,
    "audio": _audio,
    "video": _video,
    "input_audio": _wire_form,
    "audio_url": _wire_form,
    "video_url": _wire_form,
    "file": _file,
    "input_file": _file,
    "document": _file,
    "text-plain": _file,
    "media": _media,
    "json": _json,
    "search_result": _search_result,
    "custom_tool_call_output": _tool_output,
    "refusal": _refusal,
    "non_standard": _wrapped,
    # What a model wrote about its work, or what has a place of its own on the wire.
    "reasoning": _nothing,
    "reasoning_content": _nothing,
    "thinking": _nothing,
    "redacted_thinking": _nothing,
    "tool_use": _nothing,
    "function_call": _nothing,
    "tool_call": _nothing,
    "tool_call_chunk": _nothing,
    "invalid_tool_call": _nothing,
    "tool_result": _nothing,
    "server_tool_call": _nothing,
    "server_tool_call_chunk": _nothing,
    "server_tool_result": _nothing,
}


def _part(block: Block) -> Part | None:
    convert = _CONVERTERS.get(block.get("type"))
    if convert is not None:
        return convert(block)
    if "type" not in block and isinstance(block.get("text"), str):
        return {"type": "text", "text": block["text"]}
    return _plain(block)


_SHOWN = {
    "image_url": "image",
    "input_image": "image",
    "document": "file",
    "text-plain": "file",
    "input_file": "file",
    "input_audio": "audio",
    "audio_url": "audio",
    "video_url": "video",
}


def _assistant_part(block: Block) -> Part | None:
    kind = block.get("type")
    if kind == "text":
        return {key: value for key, value in block.items() if key in _SENT_BACK_KEYS}
    if kind == "refusal":
        return {"type": "refusal", "refusal": block.get("refusal", "")}
    if kind in {"output_text", "input_text"} or (kind is None and isinstance(block.get("text"), str)):
        return _responses_text(block)
    if kind == "non_standard":
        value = block.get("value")
        return _assistant_part(value) if isinstance(value, Mapping) else None
    shown = _SHOWN.get(str(kind), kind)
    if kind == "media":  # Google's, which tells its kind by the MIME type
        family = str(block.get("mime_type", "")).partition("/")[0]
        shown = family if family in {"image", "audio", "video"} else "file"
    return _reference(block, str(shown)) if shown in {"image", "audio", "video", "file"} else None


def _reference(block: Block, kind: str) -> Part:
    """Words for what no endpoint takes from an assistant; sent inline it would be paid for as text."""
    said = (block.get("extras") or {}).get("transcript")
    if kind == "audio" and isinstance(said, str):
        return {"type": "text", "text": said}
    part = _part(block) or {}
    if part.get("type") == "text":
        return part
    inner = part.get(str(part.get("type")))
    told = inner if isinstance(inner, Mapping) else {}
    url = told.get("url") or told.get("file_data")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        return {"type": "text", "text": f"[{kind}]"}
    return {"type": "text", "text": f"{'!' if kind == 'image' else ''}[{kind}]({url})"}


def _words(content: Any, depth: int = 0) -> str:
    """The text in a tree of blocks."""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        content = [content.get("text") or content.get("content")]
    if not isinstance(content, Sequence) or isinstance(content, bytes) or depth > _DEEPEST:
        return ""
    return "\n".join(filter(None, (_words(item, depth + 1) for item in content)))


def _plain(block: Block) -> Part:
    """A copy without bytes, which JSON does not have."""
    return {key: _without_bytes(value) for key, value in block.items()}


def _without_bytes(value: Any, depth: int = 0) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return encoded(value)
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {key: _without_bytes(item, depth + 1) for key, item in value.items()}
    return value
