"""The whole catalogue, read once: the prices of all models, and what they can do."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from .needs import Model, read_models
from .prices import Prices, read_catalogue


@dataclass(frozen=True, slots=True)
class Listing:
    """What the catalogue says.

    Attributes:
        prices: the prices of each model by its id; None where they depend, as a router's do.
        models: what each model can do, by its id.
    """

    prices: Mapping[str, Prices | None]
    models: Mapping[str, Model]

    @classmethod
    def read(cls, text: str) -> Listing:
        """Read the catalogue's JSON. Raises `ValueError` for something else."""
        prices = read_catalogue(text)
        return cls(prices, {model.id: model for model in read_models(json.loads(text)["data"])})
