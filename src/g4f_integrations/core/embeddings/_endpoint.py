"""Embeddings of an OpenAI-compatible endpoint: in batches, several at a time, in order, on one model only."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from g4f_integrations.core.calling import RouteCall
from g4f_integrations.core.candidates import resolve
from g4f_integrations.core.candidates.candidate import Candidate
from g4f_integrations.core.embeddings._answers import read_tokens, read_vectors
from g4f_integrations.core.embeddings._batches import (
    SHORTEST_PIECE,
    Item,
    cut_items,
    join_pieces,
    make_batches,
    split_text,
)
from g4f_integrations.core.embeddings._learned import CANARY, Learned, learned
from g4f_integrations.core.embeddings._limits import limit
from g4f_integrations.core.embeddings._spaces import Space
from g4f_integrations.core.endpoint import load_other
from g4f_integrations.core.failures import HTTPFailure
from g4f_integrations.core.loop import run_blocking
from g4f_integrations.core.observing import watch_work
from g4f_integrations.core.policy import Resilience
from g4f_integrations.core.proxies import ProxyMap
from g4f_integrations.core.routes import Endpoint, RouteChoice
from g4f_integrations.core.tokens import counter_for
from g4f_integrations.core.wire.decoding import plain_text
from g4f_integrations.errors import ContextLengthError, IntegrationError, InvalidRequestError

if TYPE_CHECKING:  # loaded when somebody follows
    from g4f_integrations.core.observing import WorkWatch

Progress = Callable[[int], None]
"""Is told how many more texts are done."""

# What OpenAI, TEI, Mistral, Cohere, Voyage, Gemini, Ollama and vLLM say of batches that are too large.
_ABOUT_SIZE = re.compile(
    r"batch|too many|at most|maximum|max_|exceed|too (?:long|large)|limit|array (?:length|above)|longer than|less than",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class EndpointBackend:
    """One endpoint and its mirrors, and how they are asked.

    Attributes:
        space: The space of their vectors.
        endpoint: Who is asked first, with model and key.
        mirrors: Who is asked next, once their vectors have been found to agree.
        batch_size: Texts of a request at the most.
        batch_tokens: Tokens of a request at the most.
        longest: Tokens of a text that go in one piece.
        concurrency: Requests at a time.
        policy: How hard to try with each request.
        extra_body: Further members of the body.
        proxy: For endpoints that name none.
    """

    space: Space
    endpoint: Endpoint
    mirrors: tuple[Endpoint, ...]
    batch_size: int
    batch_tokens: int | None
    longest: int | None
    concurrency: int
    policy: Resilience
    extra_body: dict[str, Any]
    proxy: ProxyMap | None

    def embed(self, texts: Sequence[str], progress: Progress) -> list[list[float]]:
        """The texts' vectors; see `aembed`. Blocks."""
        return run_blocking(lambda: self.aembed(texts, progress))

    async def aembed(self, texts: Sequence[str], progress: Progress) -> list[list[float]]:
        """The texts' vectors, in their order.

        Raises:
            IntegrationError: A request failed for good; those under way are given up, and nothing is returned.
        """
        routes = (self.endpoint, *self.mirrors)
        plan = resolve(RouteChoice(model=self.space.model, routes=routes, proxy=self.proxy))
        dimension = self.space.dimension
        asked = {} if dimension is None else {"gen_ai.embeddings.dimension.count": dimension}
        watch = watch_work("embeddings", self.space.model, asked)
        run = _Run(self, plan.candidates, texts, progress, watch).run()
        return await (run if watch is None else watch.whole(run))

    def length(self) -> int | None:
        """How long the vectors are, once an answer has come."""
        return self._learned().dimension

    def expect(self, length: int) -> None:
        """Refuse vectors of any other length from now on: those they are compared with have this one."""
        known = self._learned()
        if known.dimension is None:
            known.dimension = length

    def _learned(self) -> Learned:
        plan = resolve(RouteChoice(model=self.space.model, routes=(self.endpoint, *self.mirrors), proxy=self.proxy))
        return learned(plan.candidates[0], self.space.dimension)


class _Run:
    """One call: all texts of it."""

    def __init__(
        self,
        backend: EndpointBackend,
        candidates: Sequence[Candidate],
        texts: Sequence[str],
        progress: Progress,
        watch: WorkWatch | None,
    ) -> None:
        self._backend = backend
        self._candidates = candidates
        self._learned: Learned = learned(candidates[0], backend.space.dimension)
        self._texts = texts
        self._progress = progress
        self._watch = watch
        self._count = counter_for(backend.space.model).text

    async def run(self) -> list[list[float]]:
        items = await self._cut()
        left = [0] * len(self._texts)
        for item in items:
            left[item.owner] += 1
        vectors: list[list[float] | None] = [None] * len(items)
        spared = 1 if len(self._candidates) > 1 else 0  # room for the canary
        most = max(min(self._backend.batch_size, self._learned.batch or self._backend.batch_size) - spared, 1)
        batches = make_batches(items, most, self._backend.batch_tokens)
        places = _starts(batches)

        async def work() -> None:
            for start, batch in places:
                async with limit((*self._candidates[0].key,), self._backend.concurrency):
                    found = await self._embed(batch)
                vectors[start : start + len(batch)] = found
                done = 0
                for item in batch:
                    left[item.owner] -= 1
                    done += not left[item.owner]
                self._progress(done)

        workers = [asyncio.create_task(work()) for _ in range(min(self._backend.concurrency, len(batches)))]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
        return await asyncio.to_thread(self._joined, items, vectors) if len(items) != len(left) else _whole(vectors)

    async def _cut(self) -> list[Item]:
        longest = self._backend.longest
        if self._learned.longest is not None:
            longest = self._learned.longest if longest is None else min(longest, self._learned.longest)
        if sum(map(len, self._texts)) > 20_000:  # characters; counting more would hold the event loop up
            return await asyncio.to_thread(cut_items, self._texts, self._count, longest)
        return cut_items(self._texts, self._count, longest)

    def _joined(self, items: list[Item], vectors: list[list[float] | None]) -> list[list[float]]:
        pieces: list[list[int]] = [[] for _ in self._texts]
        for place, item in enumerate(items):
            pieces[item.owner].append(place)
        whole = _whole(vectors)
        return [join_pieces([whole[place] for place in own], [items[place].tokens for place in own]) for own in pieces]

    # One batch ---------------------------------------------------------------------------------------------------

    async def _embed(self, batch: Sequence[Item]) -> list[list[float]]:
        """The vectors of a batch; what is refused for its size is sent in smaller parts."""
        try:
            return await self._ask([item.text for item in batch])
        except (ContextLengthError, InvalidRequestError) as error:
            if not _ABOUT_SIZE.search(f"{error} {error.body}") or not self._can_shrink(batch, error):
                raise
            fits = error.limit if isinstance(error, ContextLengthError) else None
        if len(batch) == 1:
            return [await self._embed_pieces(batch[0], fits)]
        half = len(batch) // 2
        if all(item.tokens <= (fits or item.tokens) for item in batch):
            self._learned.batch = min(max(half, 1), self._learned.batch or half)
        return [*await self._embed(batch[:half]), *await self._embed(batch[half:])]

    @staticmethod
    def _can_shrink(batch: Sequence[Item], error: IntegrationError) -> bool:
        return len(batch) > 1 or (isinstance(error, ContextLengthError) and len(batch[0].text) > SHORTEST_PIECE)

    async def _embed_pieces(self, item: Item, told: int | None) -> list[float]:
        fits = told if told is not None and told < item.tokens else item.tokens // 2
        self._learned.longest = max(min(fits, self._learned.longest or fits), 1)
        pieces = [Item(text, self._count(text), item.owner) for text in split_text(item.text, item.tokens, fits)]
        vectors = [vector for piece in pieces for vector in await self._embed([piece])]
        return join_pieces(vectors, [piece.tokens for piece in pieces])

    async def _ask(self, texts: list[str]) -> list[list[float]]:
        """The vectors of texts that go in one request, from the first route that gives them."""
        first, *others = self._candidates
        # Until the first route has answered once there is nothing to compare a mirror with.
        usable = [first, *(other for other in others if self._learned.canary is not None)]

        async def ask(candidate: Candidate) -> list[list[float]]:
            if candidate is first:
                asks_canary = bool(others) and self._learned.canary is None
            else:
                asks_canary = candidate.key not in self._learned.mirrors
            sent = [*texts, CANARY] if asks_canary else texts
            fields = self._fields(candidate, sent)
            # Without `dimensions` they would be other vectors; base64 is a courtesy.
            needed = frozenset(fields) - {"encoding_format"}
            answer = await (await load_other()).post_to_endpoint(candidate, "/embeddings", fields, needed=needed)
            payload = _payload(answer)
            vectors = read_vectors(payload, len(sent))
            if self._watch is not None:
                self._watch.used(read_tokens(payload))
            canary = vectors.pop() if asks_canary else None
            if canary is not None and candidate is not first:
                self._learned.compare(candidate, canary)
            self._learned.check(vectors)
            if canary is not None and candidate is first:
                self._learned.canary = canary
            return vectors

        return await RouteCall(usable, ask, self._backend.policy, self._watch).run()

    def _fields(self, candidate: Candidate, texts: list[str]) -> dict[str, Any]:
        fields: dict[str, Any] = {"model": candidate.model, "input": texts, "encoding_format": "base64"}
        if self._backend.space.dimension is not None:
            fields["dimensions"] = self._backend.space.dimension
        return {**fields, **self._backend.extra_body}


def _payload(answer: Any) -> Any:
    """The JSON of an answer.

    Raises:
        HTTPFailure: It is none, but a page or nothing at all.
    """
    if answer.payload is None:
        raise HTTPFailure(200, plain_text(answer.data))
    return answer.payload


def _starts(batches: Sequence[Sequence[Item]]) -> Iterator[tuple[int, Sequence[Item]]]:
    """Each batch with the place of its first item; the workers take from it in turn."""
    start = 0
    for batch in batches:
        yield start, batch
        start += len(batch)


def _whole(vectors: Sequence[list[float] | None]) -> list[list[float]]:
    return [vector for vector in vectors if vector is not None]
