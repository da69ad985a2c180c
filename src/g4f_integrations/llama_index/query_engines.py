"""Query engines of LlamaIndex whose defaults would ask for another package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from llama_index.core.llms import LLM
    from llama_index.core.query_engine import SubQuestionQueryEngine
    from llama_index.core.tools import QueryEngineTool


def sub_question_query_engine(
    query_engine_tools: Sequence[QueryEngineTool], llm: LLM | None = None, **settings: Any
) -> SubQuestionQueryEngine:
    """A `SubQuestionQueryEngine` that needs no OpenAI package.

    Without a `question_gen`, LlamaIndex's own ``from_defaults`` imports ``llama_index.question_gen.openai``. This one
    lets `llm` think up the questions.

    Args:
        query_engine_tools: What the questions can be put to.
        llm: The model, by default `Settings.llm`.
        **settings: Further arguments of `SubQuestionQueryEngine.from_defaults`.
    """
    from llama_index.core import Settings  # costs a second
    from llama_index.core.query_engine import SubQuestionQueryEngine
    from llama_index.core.question_gen import LLMQuestionGenerator

    model = llm if llm is not None else Settings.llm
    if "question_gen" not in settings:
        settings["question_gen"] = LLMQuestionGenerator.from_defaults(llm=model)
    return SubQuestionQueryEngine.from_defaults(query_engine_tools=query_engine_tools, llm=model, **settings)
