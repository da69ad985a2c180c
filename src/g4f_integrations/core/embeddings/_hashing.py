"""Vectors without a model: words, pairs of words and letters of words, hashed into places.

Lexical: texts are alike as far as they share words or parts of words. "car" and "automobile" have nothing in common
here. Good enough to try things out, for tests, and to find passages by the words that stand in them.

The vectors are the same on every machine and with every version of Python and numpy, bit for bit: hashes are BLAKE2b,
places are counted in whole numbers, and what is left (one square root, one division per number) is exact by IEEE 754.
Characters that Unicode has added after version 14 alone may be split into words in another way by a newer Python.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MODEL = "lexical-1"
"""Name of the recipe below. A change of it makes another space, and so another name."""
DIMENSION = 1024

# Scripts without blanks between words: each character is one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]|[^\W_]+")
_UNSPACED = re.compile(r"[^\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+")
_LONGEST_WORD = 48  # characters that are looked at for parts; longer ones are data, not words
_PART = 3
# How much each sort of feature counts. Short words are mostly grammar, in most languages; numbers never are.
_WEIGHT_OF_WORD = {1: 1, 2: 1, 3: 3}
_WEIGHT_OF_LONG_WORD = 8
_WEIGHT_OF_PAIR = 2
_WEIGHT_OF_PART = 1
_FIRST, _SECOND = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F  # odd numbers that mix two hashes into one
_NOTHING = "\0nothing"


def embed(text: str, dimension: int = DIMENSION) -> list[float]:
    """The vector of a text, of length 1.

    Args:
        text: Any text; an empty one has a vector of its own.
        dimension: How many numbers the vector has.

    Example:
        >>> from g4f_integrations.core.embeddings import cosine
        >>> lamp, lamps, rain = (embed(text) for text in ("A bright lamp", "bright lamps", "heavy rain"))
        >>> cosine(lamp, lamps) > 0.5 > cosine(lamp, rain)
        True
    """
    import numpy as np  # a tenth of a second that only this backend needs

    hashes, weights = _features(text, np)
    places = (hashes % np.uint64(dimension)).astype(np.int64)
    signed = np.where(hashes >> np.uint64(63), -weights, weights)
    counts = np.bincount(places, weights=signed, minlength=dimension)  # whole numbers, so exact in any order
    size = np.abs(counts)
    total = float(size.sum())
    if not total:  # every feature met its opposite
        return embed(_NOTHING, dimension)
    # The root damps words that are repeated; the squares of the roots are the counts again, so the length is exact too.
    vector: list[float] = (np.copysign(np.sqrt(size), counts) / np.sqrt(total) + 0.0).tolist()
    return vector


def _features(text: str, np: Any) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    words = _WORD.findall(text.lower())
    if not words:
        return np.array([_hash(_NOTHING)], dtype=np.uint64), np.array([1])
    known = [_word(word) if len(word) <= _LONGEST_WORD else _data(word) for word in words]
    own = np.array([hashes[0] for hashes, _ in known], dtype=np.uint64)
    pairs = own[:-1] * np.uint64(_FIRST) + own[1:] * np.uint64(_SECOND)  # wraps around, by definition
    pairs ^= pairs >> np.uint64(29)
    parts = np.array([hashed for hashes, _ in known for hashed in hashes], dtype=np.uint64)
    weights = np.array([weight for _, weights in known for weight in weights], dtype=np.int64)
    return np.concatenate([parts, pairs]), np.concatenate([weights, np.full(len(pairs), _WEIGHT_OF_PAIR)])


@lru_cache(maxsize=32_768)
def _word(word: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Hashes and weights of a word and of its parts, the word's own first."""
    weight = _WEIGHT_OF_LONG_WORD
    if not any(map(str.isdigit, word)) and _UNSPACED.fullmatch(word):
        weight = _WEIGHT_OF_WORD.get(len(word), weight)
    parts = []
    if len(word) > _PART:
        marked = f"<{word}>"
        parts = [marked[place : place + _PART] for place in range(len(marked) - _PART + 1)]
    return (
        (_hash(word), *(_hash(f"\0{part}") for part in parts)),
        (weight, *[_WEIGHT_OF_PART] * len(parts)),
    )


def _data(word: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (_hash(word),), (_WEIGHT_OF_LONG_WORD,)


def _hash(feature: str) -> int:
    return int.from_bytes(blake2b(feature.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
