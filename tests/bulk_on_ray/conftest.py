"""A local Ray of two workers and a sandbox, in an environment and a network namespace of their own (make ray).

Ray listens on more than loopback, so the namespace has nothing else.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
import ray

from openrouter_toolkit.sandbox import Sandbox


def pytest_configure() -> None:
    """Refuse to run where Ray could be reached from elsewhere."""
    others = [name for _, name in socket.if_nameindex() if name != "lo"]
    if others:
        raise pytest.UsageError(f"run these tests by make ray: here is a network, {', '.join(others)}")


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session", autouse=True)
def _ray(sandbox: Sandbox) -> Iterator[None]:
    """A cluster whose workers have a key in their environment; this process has none."""
    os.environ.pop("OPENROUTER_API_KEY", None)
    variables = {"OPENROUTER_API_KEY": sandbox.api_key, "OPENROUTER_BASE_URL": sandbox.base_url}
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": variables},
    )
    yield
    ray.shutdown()
