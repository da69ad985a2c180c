"""Segments of a transcript ↔ SubRip (``srt``) and WebVTT (``vtt``)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

_TIMES = re.compile(
    r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})[ \t]{0,8}-->[ \t]{0,8}"
    r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
)
_TAG = re.compile(r"</?[a-zA-Z0-9.:]{1,40}(?: [^<>]{0,200})?>")


class Segment(NamedTuple):
    """A piece of a transcript.

    Attributes:
        start: Seconds from the beginning.
        end: The same, where it ends.
        text: What is said.
    """

    start: float
    end: float
    text: str


def to_srt(segments: Iterable[Segment]) -> str:
    """`segments` as SubRip.

    Example:
        >>> print(to_srt([Segment(0, 1.5, "Hello.")]), end="")
        1
        00:00:00,000 --> 00:00:01,500
        Hello.
    """
    blocks = [
        f"{number}\n{_time(one.start, ',')} --> {_time(one.end, ',')}\n{_line(one.text)}\n"
        for number, one in enumerate(segments, start=1)
    ]
    return "\n".join(blocks)


def to_vtt(segments: Iterable[Segment]) -> str:
    """`segments` as WebVTT."""
    blocks = [f"{_time(one.start, '.')} --> {_time(one.end, '.')}\n{_line(one.text)}\n" for one in segments]
    return "\n".join(["WEBVTT\n", *blocks])


def read_subtitles(text: str) -> list[Segment]:
    r"""The segments of a SubRip or WebVTT text; what is no segment is passed over.

    Example:
        >>> read_subtitles("1\n00:00:01,000 --> 00:00:02,000\nHello\nthere.\n")
        [Segment(start=1.0, end=2.0, text='Hello there.')]
    """
    segments: list[Segment] = []
    times: tuple[float, float] | None = None
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        found = _TIMES.search(line) if "-->" in line else None
        if found is not None or not line.strip():
            if times is not None and lines:
                segments.append(Segment(*times, " ".join(lines)))
            times, lines = (_read(found.groups()) if found is not None else None), []
        elif times is not None:
            lines.append(_TAG.sub("", line).strip())
    return segments


def _read(numbers: tuple[str | None, ...]) -> tuple[float, float]:
    return _seconds(numbers[:4]), _seconds(numbers[4:])


def _seconds(numbers: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = numbers
    whole = int(hours or 0) * 3600 + int(minutes or 0) * 60 + int(seconds or 0)
    return (whole * 1000 + int((fraction or "0").ljust(3, "0"))) / 1000


def _time(seconds: float, separator: str) -> str:
    whole, thousandths = divmod(round(max(seconds, 0.0) * 1000), 1000)
    minutes, second = divmod(whole, 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{second:02}{separator}{thousandths:03}"


def _line(text: str) -> str:
    # A blank line would end the block, and an arrow would begin another.
    return " ".join(text.split()).replace("-->", "->")
