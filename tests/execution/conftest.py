"""Servers of the tests' own."""

from ..openrouter.conftest import serve  # noqa: F401 - a fixture
