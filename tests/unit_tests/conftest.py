"""Fixtures of all unit tests."""

from loopback import loopback

__all__ = ["loopback"]
