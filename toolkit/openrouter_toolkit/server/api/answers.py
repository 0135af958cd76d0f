"""The shape of the API's own errors, for OpenAPI."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ErrorDetails(BaseModel):
    """What the API did not take."""

    type: str = Field(examples=["unauthorized"])
    message: str


class ErrorAnswer(BaseModel):
    """The API's own no. What an action answered, good or bad, comes as an envelope instead."""

    error: ErrorDetails
