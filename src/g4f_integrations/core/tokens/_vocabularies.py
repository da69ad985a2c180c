"""Vocabularies from files that are on this machine already. Nothing here reaches the network unless it is asked to."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import tempfile
import threading
from binascii import a2b_base64
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from g4f_integrations.core.logs import call_logger
from g4f_integrations.core.tokens._families import Encoding, carriers, encoding_named

if TYPE_CHECKING:
    from tiktoken import Encoding as Vocabulary

logger = call_logger("tokens")

_SEGMENT = 8_000  # characters that are encoded at a time: older tiktoken is quadratic in a run without a boundary
_LOOK_AHEAD = 4_000
_PART = 64_000  # bytes of a vocabulary's file that are read at a time, a few milliseconds' work
# Between a letter or digit and one of these no vocabulary has a word, so that a text may be counted in two parts there.
_BOUNDARY = re.compile(r"""[^\W_][ \t\r\n!"#$%&()*+,\-./:;<=>?@\[\]^{|}~\u3001\u3002\uff0c\uff01\uff1f\uff1a\uff1b]""")

_loaded: dict[str, Vocabulary | None] = {}
_loading: set[str] = set()
_lock = threading.Lock()


def _renew_lock() -> None:
    global _lock  # noqa: PLW0603  another thread may have held it while this process was forked
    _lock = threading.Lock()
    _loading.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def vocabulary(name: str) -> Vocabulary | None:
    """The vocabulary, ``None`` if it is not on this machine or, inside a running event loop, not loaded yet.

    Loading takes a few tenths of a second. Inside an event loop it happens in a thread of its own, and until it is done
    counts are estimates.
    """
    try:
        return _loaded[name]
    except KeyError:
        pass
    if not _in_event_loop():
        return load(name)
    if name not in _loading:
        _loading.add(name)
        threading.Thread(target=load, args=(name,), name=f"g4f-integrations-{name}", daemon=True).start()
    return None


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")  # where nobody has imported it, no loop runs
    if asyncio is None:
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def load(name: str, *, download: bool = False) -> Vocabulary | None:
    """Load the vocabulary now, in this thread.

    Args:
        name: Its name.
        download: Let tiktoken fetch it if it is not on this machine.
    """
    with _lock:
        if _loaded.get(name) is None and (download or name not in _loaded):
            try:
                _loaded[name] = _made(encoding_named(name), download=download)
            except Exception as error:
                # Whatever is wrong with the files or the library, an estimate is better than no answer.
                logger.warning("the vocabulary %s cannot be loaded: %s", name, error)
                _loaded[name] = None
            if _loaded[name] is None:
                logger.info("the vocabulary %s is not on this machine: token counts are estimates", name)
        return _loaded[name]


def _made(encoding: Encoding, *, download: bool) -> Vocabulary | None:
    import tiktoken  # 36 ms
    from tiktoken import registry

    known: Vocabulary | None = getattr(registry, "ENCODINGS", {}).get(encoding.name)
    if known is not None:  # somebody else in this process has it
        return known
    content = _content(encoding)
    if content is None:
        return tiktoken.get_encoding(encoding.name) if download else None
    ranks: dict[bytes, int] = {}
    at = 0
    while at < len(content):  # in parts, between which other threads have their turn
        end = content.find(b"\n", at + _PART) + 1 or len(content)
        fields = content[at:end].split()
        ranks.update(zip(map(a2b_base64, fields[::2]), map(int, fields[1::2]), strict=True))
        at = end
    # Special tokens are left out: what a user writes is text, whatever it looks like.
    return tiktoken.Encoding(encoding.name, pat_str=encoding.pattern, mergeable_ranks=ranks, special_tokens={})


def _content(encoding: Encoding) -> bytes | None:
    for folder in _folders():
        try:
            content = (folder / encoding.file).read_bytes()
        except OSError:
            continue
        if hashlib.sha256(content).hexdigest() == encoding.sha256:
            return content
    return None


def _folders() -> Iterator[Path]:
    """Where vocabularies may lie: tiktoken's own cache, in its order, then what other packages carry."""
    given = [os.environ.get(name) for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")]
    yield from (Path(folder) for folder in given if folder)
    yield Path(tempfile.gettempdir(), "data-gym-cache")
    for package, path in carriers():
        try:
            spec = importlib.util.find_spec(package)  # looks for a package without importing it
        except (ImportError, ValueError):
            continue
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            yield Path(place, path)


def encoded_length(words: Vocabulary, text: str) -> int:
    """How many tokens `text` has. Special tokens are text, and halves of characters count as unknown ones.

    Texts are encoded in parts, so that no text of any size or kind takes more than linear time.
    """
    if len(text) <= _SEGMENT:
        return len(words.encode_ordinary(text))
    return sum(len(words.encode_ordinary(part)) for part in _parts(text))


def encoded(words: Vocabulary, text: str) -> list[int]:
    """The tokens that `encoded_length` counts."""
    return [token for part in _parts(text) for token in words.encode_ordinary(part)]


def _parts(text: str) -> Iterator[str]:
    at = 0
    while len(text) - at > _SEGMENT:
        found = _BOUNDARY.search(text, at + _SEGMENT, at + _SEGMENT + _LOOK_AHEAD)
        end = at + _SEGMENT if found is None else found.start() + 1
        yield text[at:end]
        at = end
    yield text[at:]
