"""Cleaning as a step of a chain: for any model's answers, not only for ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.runnables import Runnable, RunnableConfig

from g4f_integrations.core.cleaning import Cleaning, CleaningStream


class CleaningRunnable(Runnable[Any, Any]):
    """Takes adverts and artefacts out of the texts and messages that a chain hands on; streams stay streams.

    Text parts of a message are cleaned; tool calls, pictures and everything else stay as they are.

    Example:
        >>> step = CleaningRunnable(provider="Airforce")
        >>> step.invoke(AIMessage("Yes. Need proxies cheaper than the market? https://op.wtf")).content
        'Yes.'

    Args:
        cleaning: What is taken out; the usual things if not told.
        provider: Who gives the answers, as far as it is known; otherwise, the rules of all providers count.
        prompt: The user's own words, if they are the same for every call; what they hold stays.
    """

    def __init__(
        self, cleaning: Cleaning | None = None, *, provider: str | None = None, prompt: str | None = None
    ) -> None:
        self.cleaning = Cleaning() if cleaning is None else cleaning
        self.provider = provider
        self.prompt = prompt

    def _open(self) -> CleaningStream:
        # A step of a chain has nobody to tell of a notice, so an answer that is one stays.
        return self.cleaning.stream(provider=self.provider, prompt=self.prompt, notices=False)

    def _clean(self, text: str) -> str:
        return self._open().clean_whole(text)

    def invoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Any:
        """The text or message, cleaned; anything else as it is."""
        return self._call_with_config(self._whole, input, config, run_type="parser")

    async def ainvoke(self, input: Any, config: RunnableConfig | None = None, **_: Any) -> Any:
        """The same; there is nothing to wait for."""

        async def whole(answer: Any) -> Any:
            return self._whole(answer)

        return await self._acall_with_config(whole, input, config, run_type="parser")

    def _whole(self, answer: Any) -> Any:
        if isinstance(answer, str):
            return self._clean(answer)
        if not isinstance(answer, AIMessage):
            return answer
        content = answer.content
        cleaned: Any = self._clean(content) if isinstance(content, str) else self._parts(content)
        return answer if cleaned == content else answer.model_copy(update={"content": cleaned})

    def _parts(self, parts: Sequence[Any]) -> list[Any]:
        return [
            self._clean(part)
            if isinstance(part, str)
            else {**part, "text": self._clean(part["text"])}
            if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str)
            else part
            for part in parts
        ]

    def transform(self, input: Iterator[Any], config: RunnableConfig | None = None, **_: Any) -> Iterator[Any]:
        """Clean a stream of texts or message chunks as it comes."""
        yield from self._transform_stream_with_config(input, self._pieces, config, run_type="parser")

    async def atransform(
        self,
        input: AsyncIterator[Any],
        config: RunnableConfig | None = None,
        **_: Any,
    ) -> AsyncIterator[Any]:
        """The same without blocking."""
        async for piece in self._atransform_stream_with_config(input, self._apieces, config, run_type="parser"):
            yield piece

    def _pieces(self, pieces: Iterator[Any]) -> Iterator[Any]:
        stream, last = self._open(), None
        for piece in pieces:
            last = piece
            yield self._piece(stream, piece)
        if rest := stream.flush():
            yield _like(last, rest)

    async def _apieces(self, pieces: AsyncIterator[Any]) -> AsyncIterator[Any]:
        stream, last = self._open(), None
        async for piece in pieces:
            last = piece
            yield self._piece(stream, piece)
        if rest := stream.flush():
            yield _like(last, rest)

    @staticmethod
    def _piece(stream: CleaningStream, piece: Any) -> Any:
        if isinstance(piece, str):
            return stream.feed(piece)
        if isinstance(piece, AIMessageChunk) and isinstance(piece.content, str) and piece.content:
            # The chunk goes out even when its text is held: its id, usage or calls may not wait.
            return piece.model_copy(update={"content": stream.feed(piece.content)})
        return piece


def _like(piece: Any, text: str) -> Any:
    return AIMessageChunk(content=text, id=piece.id) if isinstance(piece, AIMessageChunk) else text
