"""Actions that are nothing but a request: it is sent as the manifest says, and the sandbox answers it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import yaml

from openrouter_toolkit import Envelope
from openrouter_toolkit.manifest import packaged_manifest
from openrouter_toolkit.sandbox import Sandbox

from ..schemas.definitions import least_arguments

ROWS = yaml.safe_load(packaged_manifest().read_text(encoding="utf-8"))["actions"]
REQUESTS = {row["schema"].removeprefix("schemas/").removesuffix(".json"): row.get("request") for row in ROWS}


# What the sandbox knows, for requests of something particular.
GIVEN = {"list_model_endpoints": {"author": "acme", "slug": "atlas-small"}}


@pytest.mark.parametrize("action", [action for action, request in REQUESTS.items() if request])
def test_the_request_is_sent(action: str, execute: Callable[..., Envelope], openrouter_sandbox: Sandbox) -> None:
    arguments = GIVEN.get(action) or least_arguments(action)
    assert execute(action.upper(), arguments).error is None
    (sent,) = openrouter_sandbox.requests
    method, path = REQUESTS[action].split(" ")
    assert (sent.method, sent.path) == (method, path.format(**arguments))
