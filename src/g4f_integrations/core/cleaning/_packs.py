"""`Pack`: several sets of states that text leads on together, for as long as nothing else can happen."""

from __future__ import annotations

from g4f_integrations.core.cleaning._states import BLANKS, State

_SLOW = BLANKS | frozenset("`~")


class Pack(dict[str, "Pack | None"]):
    """The states of all matches under way. Looking a character up, or a blank and one, gives those behind it.

    ``None`` stands for everything that takes a closer look: a match ends, breaks off or begins, white space.

    Attributes:
        states: The states, oldest match first.
        chain: Literal text that must follow a lone match, and the pack behind it, once `find_chain` has been asked.
    """

    __slots__ = ("_blank", "_glued", "_guard", "chain", "limits", "states")

    def __init__(self, states: tuple[State, ...], guard: str, glued: State, blank: State) -> None:
        super().__init__()
        self.states = states
        self.limits = [state.longest for state in states]
        self._guard, self._glued, self._blank = guard, glued, blank
        self.chain: tuple[str, Pack | None] | None = None

    def find_chain(self) -> tuple[str, Pack | None]:
        """Literal text that must follow, and the pack behind it."""
        text, behind = "", None
        if len(self.states) == 1:
            text, state = self.states[0].chain(self._guard, self._glued, self._blank)
            behind = self._of((state,)) if text else None
        self.chain = found = (text, behind)
        return found

    def _of(self, states: tuple[State, ...]) -> Pack:
        return Pack(states, self._guard, self._glued, self._blank)

    def __missing__(self, piece: str) -> Pack | None:
        following = self._after(piece)
        if len(self) < 512:
            self[piece] = following
        return following

    def _after(self, piece: str) -> Pack | None:
        last = piece[-1]
        if last in _SLOW or (self._glued if len(piece) == 1 else self._blank)[last] is not None:
            return None
        states = self.states
        for char in piece:
            ahead = [None if state.bound is not None else state[char] for state in states]
            states = tuple(state for state in ahead if state is not None and state.now is None)
            if len(states) < len(self.states):
                return None
        if [state.longest for state in states] != self.limits:
            return None
        same = all(one is other for one, other in zip(states, self.states, strict=True))
        return self if same else self._of(states)
