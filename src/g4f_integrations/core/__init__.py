"""The resilience core. It knows neither LangChain nor LlamaIndex; the two faces are built on it."""
