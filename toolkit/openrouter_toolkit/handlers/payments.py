"""Handler for payments."""

from __future__ import annotations

from typing import Any

from ..envelope import ActionError
from ..openrouter.client import BoundClient


def create_coinbase_charge(arguments: dict[str, Any], openrouter: BoundClient) -> str:
    """Create a charge for a payment with cryptocurrency (POST /credits/coinbase).

    OpenRouter has withdrawn it and always answers 410. The request is still sent, since OpenRouter's answer decides.
    """
    try:
        return openrouter.request("POST", "/credits/coinbase", arguments, once=True)
    except ActionError as error:
        if error.status == 410:
            error.explanation = (
                "OpenRouter has withdrawn charges by API (HTTP 410): no charge was made, and repeating does not help. "
                "Somebody has to top up on the web page https://openrouter.ai/credits, which takes cryptocurrency too."
            )
        raise
