"""Texts → what is sent of them, in batches; and the vectors of a text's pieces → its vector. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

BLANK = "."
"""What is sent for an empty text, which endpoints refuse."""
SHORTEST_PIECE = 16
"""Characters; a text that is too long even then will never fit."""


_HALF_CHARACTER = re.compile("[\ud800-\udfff]")


def sendable(text: str) -> str:
    """`text` as models take it: not blank, and without halves of characters, which no encoding can carry."""
    return (text if text.isascii() else _HALF_CHARACTER.sub("\ufffd", text)) if text.strip() else BLANK


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to embed: a text, or a piece of one that is too long.

    Attributes:
        text: What is sent.
        tokens: Its size, as far as we can tell.
        owner: Number of the text that it is a piece of.
    """

    text: str
    tokens: int
    owner: int


def split_text(text: str, tokens: int, limit: int) -> list[str]:
    """`text` in pieces of about `limit` tokens at the most, cut at blanks where there are any nearby.

    Args:
        text: The text.
        tokens: Its size in tokens.
        limit: Tokens of a piece.
    """
    parts = max(2, math.ceil(tokens / max(limit, 1)))
    step = max(math.ceil(len(text) / parts), 1)
    pieces = []
    start = 0
    while start < len(text):
        end = min(start + step, len(text))
        if end < len(text):
            blank = text.rfind(" ", start + step // 2, end)
            end = blank if blank > start else end
        pieces.append(text[start:end])
        start = end
    return [piece for piece in pieces if piece.strip()] or [BLANK]


def cut_items(texts: Sequence[str], count: Callable[[str], int], longest: int | None) -> list[Item]:
    """The things to embed for `texts`, in order.

    Args:
        texts: The texts.
        count: Tokens of a text.
        longest: Tokens of one thing at the most.
    """
    items = []
    for owner, text in enumerate(texts):
        sent = sendable(text)
        tokens = count(sent)
        if longest is None or tokens <= longest:
            items.append(Item(sent, tokens, owner))
        else:
            items += [Item(piece, count(piece), owner) for piece in split_text(sent, tokens, longest)]
    return items


def make_batches(items: Sequence[Item], most: int, most_tokens: int | None) -> list[list[Item]]:
    """`items` in batches of at most so many, and of at most so many tokens; a larger one goes alone."""
    batches: list[list[Item]] = []
    batch: list[Item] = []
    tokens = 0
    for item in items:
        is_full = len(batch) >= most or (most_tokens is not None and tokens + item.tokens > most_tokens)
        if batch and is_full:
            batches.append(batch)
            batch, tokens = [], 0
        batch.append(item)
        tokens += item.tokens
    return [*batches, batch] if batch else batches


def join_pieces(vectors: Sequence[Sequence[float]], tokens: Sequence[int]) -> list[float]:
    """The vector of a text in pieces: their mean by size, made as long as they are on average.

    Args:
        vectors: The pieces' vectors.
        tokens: The pieces' sizes.
    """
    if len(vectors) == 1:
        return [*vectors[0]]
    total = sum(tokens) or len(tokens)
    shares = [size / total if sum(tokens) else 1 / total for size in tokens]
    mean = [math.fsum(share * vector[place] for share, vector in zip(shares, vectors, strict=True))
            for place in range(len(vectors[0]))]  # fmt: skip
    wanted = math.fsum(share * math.hypot(*vector) for share, vector in zip(shares, vectors, strict=True))
    length = math.hypot(*mean)
    return [number * wanted / length for number in mean] if length else [*vectors[0]]
