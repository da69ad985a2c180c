"""Whether what a route gave is what was asked for, by its bytes and not by its word."""

from __future__ import annotations

from g4f_integrations.core.failures import AttemptFailed, Failure, classify, classify_content
from g4f_integrations.core.media.formats import Kind, MediaFormat, holds_pixels, is_complete, read_format

_TEXT_WINDOW = 65_536
_NOUNS = {"image": "a picture", "audio": "sound", "video": "a film"}
_LARGEST_SIDE = 65_535
_SMALLEST = {"image": 20, "audio": 16, "video": 64}  # bytes that the smallest file of its kind has
_TEXT_TYPES = ("text/", "application/json", "application/xml", "application/xhtml", "application/problem+json")


def check_media(data: bytes, kind: Kind, content_type: str = "", *, raw: bool = False) -> MediaFormat:
    """What `data` is, if it is a whole file of `kind`.

    Args:
        data: The bytes that a route gave or an address led to.
        kind: What was asked for.
        content_type: The media type that came with them, if any; told in errors, and trusted in nothing else.
        raw: Whether samples without any header (``pcm``) were asked for.

    Raises:
        AttemptFailed: It is none: nothing at all, a page, a notice, another kind of file, a picture without a size.
    """
    if not data:
        message = f"no bytes came where {_NOUNS[kind]} was asked for"
        raise AttemptFailed(Failure("empty", message=message))
    found = read_format(data)
    if found is None and raw and not _is_text(data, content_type):
        return MediaFormat("audio", "audio/L16", ".pcm")
    if found is None:
        raise AttemptFailed(_failure_of_other(data, kind, content_type))
    if found.kind != kind and not _is_close(found, kind):
        message = f"{found.mime_type} came where {_NOUNS[kind]} was asked for"
        raise AttemptFailed(Failure("invalid", message=message))
    problem = _problem(data, found, kind)
    if problem is not None:
        raise AttemptFailed(Failure("invalid", message=f"the {found.mime_type} {problem}"))
    return found


def _is_close(found: MediaFormat, kind: Kind) -> bool:
    """MP4, Ogg and WebM hold sound as well as pictures, and a moving GIF or WebP is a film."""
    if kind == "audio":
        return found.mime_type in {"video/mp4", "video/webm", "video/quicktime"}
    return kind == "video" and found.mime_type in {"image/gif", "image/webp", "image/avif"}


def _problem(data: bytes, found: MediaFormat, kind: Kind) -> str | None:
    if len(data) < _SMALLEST[kind]:
        return f"has {len(data)} bytes, which is less than any has"
    if found.kind == "image":
        if found.width is None or found.height is None:
            if found.mime_type in {"image/tiff", "image/heic", "image/avif"}:
                return None
            return "does not tell its size"
        if not (0 < found.width <= _LARGEST_SIDE and 0 < found.height <= _LARGEST_SIDE):
            return f"claims to have {found.width} x {found.height} pixels"
        if found.mime_type == "image/png" and not holds_pixels(data, found.width, found.height):
            return f"claims to have {found.width} x {found.height} pixels, more than {len(data)} bytes can hold"
    return None if is_complete(data, found) else "is cut off"


def _is_text(data: bytes, content_type: str) -> bool:
    if content_type.startswith(_TEXT_TYPES):
        return True
    head = data[:512]
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char in "\r\n\t" for char in text)


def _failure_of_other(data: bytes, kind: Kind, content_type: str) -> Failure:
    """What bytes mean that are no file of a known format: a page, a notice, an error object, or anything."""
    named = content_type or "of unknown type"
    if not _is_text(data, content_type):
        return Failure("invalid", message=f"{len(data)} bytes, {named}, that are no {kind} came instead")
    text = data[:_TEXT_WINDOW].decode("utf-8", "replace")
    return failure_of_text(text, kind, content_type)


def failure_of_text(text: str, kind: Kind, content_type: str = "") -> Failure:
    """What a text means that came where a file was asked for."""
    named = f" ({content_type})" if content_type else ""
    judged = classify_content(text)
    if judged is not None:
        return judged
    stripped = text.lstrip()
    if stripped[:1] == "<" and stripped[:15].lower().startswith(("<!doctype", "<html", "<head", "<body", "<?xml")):
        return Failure("blocked", message=f"a page{named} came where {_NOUNS[kind]} was asked for")
    said = classify(stripped[:2000])
    if said.kind not in {"unknown", "bad_request", "context_length", "invalid"}:
        return said
    shown = " ".join(stripped[:200].split())
    return Failure("invalid", message=f"a text{named} came where {_NOUNS[kind]} was asked for: {shown}")
