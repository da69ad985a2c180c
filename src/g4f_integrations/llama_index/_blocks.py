"""LlamaIndex's content blocks → parts of an OpenAI chat message.

    text, citable, citation       text (a citation with where it comes from)
    image                         image_url
    audio                         input_audio; audio_url for an address
    video                         video_url
    document                      text if it is one, else file
    thinking, tool_call           nothing from an assistant, whose calls have a place of their own, else text
    cache                         nothing

An assistant and a system have text only, so pictures and files of theirs become a short reference. A tool's result may
hold pictures and files beside its text. Nothing is fetched; a block's own `path` is read, as its maker asked for.
"""

from __future__ import annotations

import base64
import binascii
import json
import mimetypes
from collections.abc import Callable, Iterable
from io import IOBase
from pathlib import Path
from typing import Any, TypeAlias

from llama_index.core.base.llms.types import (
    AudioBlock,
    BaseContentBlock,
    CachePoint,
    CitableBlock,
    CitationBlock,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    ThinkingBlock,
    ToolCallBlock,
    VideoBlock,
)

Part: TypeAlias = dict[str, Any]

_TEXT_ONLY = frozenset({"system", "developer", "assistant"})
_NOT_IN_RESULTS = frozenset({"input_audio", "audio_url", "video_url"})
_SIGNATURES = {  # of base64
    "iVBOR": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "SUQz": "audio/mpeg",
    "//u": "audio/mpeg",
    "T2dnUw": "audio/ogg",
    "ZkxhQ": "audio/flac",
    "JVBERi": "application/pdf",
}
_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-m4a": "m4a", "x-flac": "flac"}
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/x-yaml", "application/yaml")
_TEXT_ENDINGS = frozenset({".md", ".markdown", ".txt", ".rst", ".csv", ".json", ".toml", ".yaml", ".yml", ".log"})


def to_parts(blocks: Iterable[BaseContentBlock], role: str) -> list[Part]:
    """The parts that `blocks` become, in order, in a message of `role`; blocks that say nothing leave none.

    Raises:
        OSError: A block's path cannot be read.
    """
    parts: list[Part] = []
    for block in blocks:
        if role == "assistant" and isinstance(block, ThinkingBlock | ToolCallBlock):
            continue  # no endpoint takes a model's thoughts back, and its calls stand beside the text
        for part in _CONVERTERS.get(type(block), _unknown)(block):
            fitted = _fit(part, role)
            if fitted is not None:
                parts.append(fitted)
    return parts


def _fit(part: Part, role: str) -> Part | None:
    kind = part["type"]
    if kind == "text":
        return part if part["text"] else None
    if role in _TEXT_ONLY or (role == "tool" and kind in _NOT_IN_RESULTS):
        return _text(_reference(part))
    return part


def _reference(part: Part) -> str:
    """What a reader of text sees of a picture, a sound or a file."""
    kind = part["type"]
    if kind == "file":
        return f"[file: {part['file'].get('filename')}]"
    noun = {"image_url": "image", "video_url": "video"}.get(kind, "audio")
    held = part.get(kind)
    url = held.get("url", "") if isinstance(held, dict) else ""
    if not url or url.startswith("data:"):
        return f"[{noun}]"  # inline bytes would be paid for as text
    return f"![image]({url})" if noun == "image" else f"[{noun}]({url})"


def _text(text: str) -> Part:
    return {"type": "text", "text": text}


def _from_text(block: TextBlock) -> list[Part]:
    return [_text(block.text)]


def _from_image(block: ImageBlock) -> list[Part]:
    url = _address(block.url) or _data_uri(block.image, block.path, block.image_mimetype, "image/png")
    if url is None:
        return [_text(_described("image", block.url))] if block.url else []
    image: dict[str, Any] = {"url": url}
    if block.detail:
        image["detail"] = block.detail
    return [{"type": "image_url", "image_url": image}]


def _from_audio(block: AudioBlock) -> list[Part]:
    url = _address(block.url)
    if url is not None and not url.startswith("data:"):
        return [{"type": "audio_url", "audio_url": {"url": url}}]
    named = f"audio/{block.format}" if block.format else None
    uri = url or _data_uri(block.audio, block.path, named, "audio/wav")
    if uri is None:
        return [_text(_described("audio", block.url))] if block.url else []
    head, _, data = uri.partition(";base64,")
    subtype = head.rpartition("/")[2]
    sound = {"data": data, "format": _AUDIO_FORMATS.get(subtype, subtype)}
    return [{"type": "input_audio", "input_audio": sound}]


def _from_video(block: VideoBlock) -> list[Part]:
    url = _address(block.url) or _data_uri(block.video, block.path, block.video_mimetype, "video/mp4")
    if url is None:
        return [_text(_described("video", block.url))] if block.url else []
    return [{"type": "video_url", "video_url": {"url": url}}]


def _from_document(block: DocumentBlock) -> list[Part]:
    title = block.title or "document"
    address = _address(block.url)
    if address is None and block.url and block.data is None and block.path is None:
        return [_text(_described(title, block.url))]
    if address is not None and not address.startswith("data:"):
        return [_text(f"[{title}]({address})")]  # no endpoint fetches files, and neither do we
    path = Path(block.path) if block.path else None
    mime = block.document_mimetype or (mimetypes.guess_type(path.name)[0] if path else None)
    uri = address or _data_uri(block.data, path, mime, "application/pdf")
    if uri is None:
        return []
    head, _, data = uri.partition(";base64,")
    name = path.name if path is not None and title == "input_document" else title
    if head[5:].startswith(_TEXT_TYPES) or (path is not None and path.suffix.lower() in _TEXT_ENDINGS):
        text = base64.b64decode(data).decode("utf-8", "replace")
        return [_text(text if name == "input_document" else f"{name}:\n\n{text}")]
    ending = mimetypes.guess_extension(head[5:]) or ""
    # Endpoints want a name beside the bytes; its ending tells some of them the type.
    return [{"type": "file", "file": {"filename": name if "." in name else name + ending, "file_data": uri}}]


def _from_citable(block: CitableBlock) -> list[Part]:
    inner = [part for held in block.content for part in _CONVERTERS.get(type(held), _unknown)(held)]
    return [_text(_heading(block.title, block.source)), *inner]


def _from_citation(block: CitationBlock) -> list[Part]:
    held = block.cited_content
    return [_text(_heading(block.title, block.source)), *_CONVERTERS.get(type(held), _unknown)(held)]


def _heading(title: str, source: str) -> str:
    return f"{title} ({source}):" if source else f"{title}:"


def _from_thinking(block: ThinkingBlock) -> list[Part]:
    return [_text(block.content or "")]


def _from_call(block: ToolCallBlock) -> list[Part]:
    held = block.tool_kwargs
    arguments = held if isinstance(held, str) else json.dumps(held, ensure_ascii=False, default=str)
    return [_text(f"{block.tool_name}({arguments})")]


def _nothing(_block: BaseContentBlock) -> list[Part]:
    return []


def _unknown(block: BaseContentBlock) -> list[Part]:
    """A block of a later LlamaIndex: the text in it, or a word for it."""
    text = getattr(block, "text", None) or getattr(block, "content", None)
    return [_text(text if isinstance(text, str) else f"[{getattr(block, 'block_type', type(block).__name__)}]")]


_CONVERTERS: dict[type, Callable[[Any], list[Part]]] = {
    TextBlock: _from_text,
    ImageBlock: _from_image,
    AudioBlock: _from_audio,
    VideoBlock: _from_video,
    DocumentBlock: _from_document,
    CitableBlock: _from_citable,
    CitationBlock: _from_citation,
    ThinkingBlock: _from_thinking,
    CachePoint: _nothing,
    ToolCallBlock: _from_call,
}


def _address(url: Any) -> str | None:
    """`url` if a route can be given it; addresses of this machine's files, say, cannot be."""
    text = str(url) if url else ""
    return text if text.startswith(("http://", "https://", "data:")) else None


def _described(noun: str, url: Any) -> str:
    return f"[{noun}: {url}]"


def _data_uri(held: Any, path: Any, mime: str | None, default: str) -> str | None:
    data = _base64(held, path)
    if not data:
        return None
    if mime is None:
        guessed = mimetypes.guess_type(str(path))[0] if path else None
        mime = guessed or next((kind for start, kind in _SIGNATURES.items() if data.startswith(start)), default)
    return f"data:{mime};base64,{data}"


def _base64(held: Any, path: Any) -> str:
    """The payload of a block as base64 text; a stream is left where it was."""
    if isinstance(held, IOBase):
        place = held.tell() if held.seekable() else None
        if place is not None:
            held.seek(0)
        raw: str | bytes = held.read()
        if place is not None:
            held.seek(place)
        return base64.b64encode(raw.encode() if isinstance(raw, str) else raw).decode()
    if held:
        data = held.encode() if isinstance(held, str) else bytes(held)
        try:
            base64.b64decode(data, validate=True)  # blocks keep their bytes as base64
        except (binascii.Error, ValueError):
            return base64.b64encode(data).decode()
        return data.decode()
    return base64.b64encode(Path(path).read_bytes()).decode() if path else ""
