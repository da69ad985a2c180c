"""Fixtures of LlamaIndex's integration tests."""

from loopback import loopback

__all__ = ["loopback"]
