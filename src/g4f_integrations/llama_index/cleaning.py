"""Cleaning as a step of LlamaIndex's own: for any LLM's answers, and for texts that are retrieved."""

from __future__ import annotations

from typing import Any

from llama_index.core.bridge.pydantic import Field
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import MetadataMode, NodeWithScore, QueryBundle, TextNode
from llama_index.core.types import BaseOutputParser

from g4f_integrations.core.cleaning import Cleaning


def _cleaned(text: str, cleaning: Cleaning, provider: str | None, prompt: str | None) -> str:
    # A step has nobody to tell of a notice, so a text that is one stays.
    return cleaning.stream(provider=provider, prompt=prompt, notices=False).clean_whole(text)


class CleaningOutputParser(BaseOutputParser):
    """Takes adverts and artefacts out of what an LLM gives to `predict`, to query engines and to programs.

    Example:
        >>> parser = CleaningOutputParser(provider="Airforce")
        >>> parser.parse("Yes. Need proxies cheaper than the market? https://op.wtf")
        'Yes.'

    Args:
        cleaning: What is taken out; the usual things if not told.
        provider: Who gives the answers, as far as it is known; otherwise, the rules of all providers count.
        prompt: The user's own words, if they are the same for every call; what they hold stays.
        following: A parser that goes on with the cleaned text, such as one of objects; its words go into the prompt.
    """

    def __init__(
        self,
        cleaning: Cleaning | None = None,
        *,
        provider: str | None = None,
        prompt: str | None = None,
        following: BaseOutputParser | None = None,
    ) -> None:
        self.cleaning = Cleaning() if cleaning is None else cleaning
        self.provider = provider
        self.prompt = prompt
        self.following = following

    def parse(self, output: str) -> Any:
        """The text, cleaned; or what the following parser makes of it."""
        text = _cleaned(output, self.cleaning, self.provider, self.prompt)
        return text if self.following is None else self.following.parse(text)

    def format(self, query: str) -> str:
        """The prompt as the following parser wants it; without one, as it is."""
        return query if self.following is None else self.following.format(query)


class CleaningPostprocessor(BaseNodePostprocessor):
    r"""Takes adverts and artefacts out of retrieved nodes, such as answers that were kept in an index.

    Nodes that hold none are handed on as they are; others as copies.

    Example:
        >>> node = NodeWithScore(node=TextNode(text="Yes.\n\nNeed proxies cheaper than the market?\nhttps://op.wtf"))
        >>> [found.text for found in CleaningPostprocessor().postprocess_nodes([node], query_str="Is it?")]
        ['Yes.']
    """

    cleaning: Cleaning = Field(default_factory=Cleaning, description="What is taken out.")
    provider: str | None = Field(
        default=None, description="Who gave the texts, as far as it is known; else the rules of all providers count."
    )

    @classmethod
    def class_name(cls) -> str:
        """The name under which LlamaIndex writes this class down."""
        return "CleaningPostprocessor"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        asked = None if query_bundle is None else query_bundle.query_str
        return [self._clean(found, asked) for found in nodes]

    def _clean(self, found: NodeWithScore, asked: str | None) -> NodeWithScore:
        node = found.node
        if not isinstance(node, TextNode):
            return found
        text = node.get_content(MetadataMode.NONE)
        cleaned = _cleaned(text, self.cleaning, self.provider, asked)
        if cleaned == text:
            return found
        return found.model_copy(update={"node": node.model_copy(update={"text": cleaned})})
