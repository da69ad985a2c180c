"""The prose of an answer while calls are cut out of it: which blanks stay."""

from __future__ import annotations


class Prose:
    """Collects what may go out. Blanks wait for what follows them, because a call takes the blanks around it.

    Attributes:
        after_cut: Whether nothing but blanks has come since something was cut out.
    """

    __slots__ = ("_any", "_before", "_blanks", "_out", "after_cut")

    def __init__(self) -> None:
        self._out: list[str] = []
        self._blanks: list[str] = []
        self._before = ""  # the blanks before the cut
        self._any = False
        self.after_cut = False

    def straight(self, text: str) -> str:
        """Prose in the middle of a line that neither begins after a cut nor ends in a blank; returns what goes out."""
        self._any = True
        if not self._blanks:
            return text
        self._blanks.append(text)
        text = "".join(self._blanks)
        self._blanks = []
        return text

    def say(self, text: str) -> None:
        """Take prose in the order of the answer."""
        body = text.rstrip()
        if not body:
            if text:
                self._blanks.append(text)
            return
        if self.after_cut:
            start = len(body) - len(body.lstrip())
            self._blanks.append(body[:start])
            self._out.append(self._gap())
            self._out.append(body[start:])
            self.after_cut = False
        else:
            self._out += self._blanks
            self._out.append(body)
        self._any = True
        self._blanks = [text[len(body) :]] if len(body) < len(text) else []

    def cut(self) -> None:
        """Something that is no prose stood here."""
        if not self.after_cut:
            self._before = "".join(self._blanks)
            self.after_cut = True
        self._blanks = []

    def take(self) -> str:
        """What may go out now."""
        out, self._out = self._out, []
        return "".join(out)

    def end(self) -> str:
        """The blanks at the end, unless they stood after a cut."""
        return "" if self.after_cut else "".join(self._blanks)

    def _gap(self) -> str:
        """What stands for a cut and its blanks between two pieces of prose."""
        if not self._any:
            return ""
        after = "".join(self._blanks)
        return next((blanks for blanks in (self._before, after) if "\n" in blanks), self._before or after or "\n")
