"""The name of an API, and where its base URL is set, for error messages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Api:
    """An API as errors name it.

    Attributes:
        name: its name, such as "OpenRouter".
        base_url_setting: where its base URL is set, such as an environment variable.
    """

    name: str = "the API"
    base_url_setting: str = "its base URL"

    @property
    def at_start(self) -> str:
        """The name at the beginning of a sentence."""
        return self.name[0].upper() + self.name[1:]

    @property
    def possessive(self) -> str:
        """The name's genitive at the beginning of a sentence."""
        return f"{self.at_start}'s"


UNNAMED = Api()
