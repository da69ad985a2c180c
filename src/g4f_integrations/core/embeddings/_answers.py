"""The JSON that an endpoint answers → vectors, in the order of the texts, or the reason why they are none. Pure."""

from __future__ import annotations

import binascii
import math
import sys
from array import array
from typing import Any, NoReturn

from g4f_integrations.core.failures import AttemptFailed, Failure


def read_vectors(payload: Any, count: int) -> list[list[float]]:
    """The vectors of an answer in OpenAI's form, or Ollama's (``{"embeddings": [[…]]}``), or a bare list of them.

    Args:
        payload: The answer. Vectors are lists of numbers, or base64 of little-endian 32-bit floats.
        count: How many texts were sent.

    Raises:
        AttemptFailed: It holds too few or too many vectors, of several lengths, of no numbers, or all zeros.
    """
    rows = payload
    if isinstance(payload, dict):
        rows = payload.get("data", payload.get("embeddings"))
    if not isinstance(rows, list):
        _refuse(f"the answer holds no list of vectors but {type(rows).__name__}")
    if len(rows) != count:
        _refuse(f"the answer holds {len(rows)} vectors for {count} texts")
    if rows and isinstance(rows[0], dict):
        rows = [row.get("embedding") if isinstance(row, dict) else None for row in _in_order(rows)]
    vectors = [_vector(row, place) for place, row in enumerate(rows)]
    if len({len(vector) for vector in vectors}) > 1:
        _refuse("the answer holds vectors of several lengths")
    return vectors


def read_tokens(payload: Any) -> int | None:
    """Tokens that an answer says the texts had, in OpenAI's form or Ollama's; ``None`` if it does not say."""
    if not isinstance(payload, dict):
        return None
    usage = payload.get("usage")
    told = usage.get("prompt_tokens", usage.get("total_tokens")) if isinstance(usage, dict) else None
    told = payload.get("prompt_eval_count") if told is None else told
    return told if type(told) is int and told >= 0 else None


def _in_order(rows: list[Any]) -> list[Any]:
    """By ``index``, where these say an order at all: some servers give every row a 0."""
    ordered: list[Any] = [None] * len(rows)
    for row in rows:
        place = row.get("index") if isinstance(row, dict) else None
        if type(place) is not int or not 0 <= place < len(rows) or ordered[place] is not None:
            return rows
        ordered[place] = row
    return ordered


def _vector(row: Any, place: int) -> list[float]:
    numbers: Any = row
    if isinstance(row, str):
        numbers = _decoded(row, place)
    elif not isinstance(row, list) or not all(type(number) is float or type(number) is int for number in row):
        _refuse(f"vector {place} of the answer is no list of numbers")
    try:
        vector = list(map(float, numbers))
    except OverflowError:
        vector = [math.inf]
    if not vector or not all(map(math.isfinite, vector)):
        _refuse(f"vector {place} of the answer is empty, or holds what is no finite number")
    if not any(vector):
        _refuse(f"vector {place} of the answer is all zeros")
    return vector


def _decoded(text: str, place: int) -> array[float]:
    numbers = array("f")
    try:
        numbers.frombytes(binascii.a2b_base64(text, strict_mode=True))
    except ValueError:  # binascii's own error is one, too
        _refuse(f"vector {place} of the answer is no base64 of 32-bit floats")
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _refuse(message: str) -> NoReturn:
    raise AttemptFailed(Failure(kind="unknown", message=message)) from None
