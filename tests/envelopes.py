"""What a call's envelope says, for the tests."""

from __future__ import annotations

import json
from typing import Any

from openrouter_toolkit import Envelope


def strictly(text: str) -> Any:
    """JSON as the standard has it: no NaN, no Infinity."""

    def refuse(constant: str) -> Any:
        raise ValueError(f"{constant} is not valid JSON")

    return json.loads(text, parse_constant=refuse)


def failure(envelope: Envelope) -> dict[str, Any]:
    """The error object of a failed envelope."""
    assert set(envelope) == {"data", "error", "successful"}
    assert envelope.successful is False
    assert envelope.error
    error = strictly(envelope.data)["error"]
    assert isinstance(error, dict)
    assert "toolkit itself failed" not in envelope.error, error
    return error


def partial(envelope: Envelope) -> Any:
    """What had arrived before a stream broke off."""
    assert envelope.successful is False
    return strictly(envelope.data).get("partial")


def answer(envelope: Envelope) -> Any:
    """The upstream answer of a successful envelope."""
    assert envelope.successful, envelope
    assert envelope.error is None
    return strictly(envelope.data)


def data(envelope: Envelope) -> Any:
    """The `data` inside the upstream answer."""
    return answer(envelope)["data"]
