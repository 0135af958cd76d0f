"""A sandbox over a real socket, and the API's specification to hold its answers against."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from openrouter_toolkit.sandbox import Sandbox

_REPOSITORY = Path(__file__).parents[2]
_DEFAULT_OPENAPI = _REPOSITORY / "../shared/openrouter/openapi.yaml"


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def get(sandbox: Sandbox, session: requests.Session) -> Callable[..., requests.Response]:
    def get(path: str, key: str | None = sandbox.api_key, **query: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return session.get(f"{sandbox.base_url}{path}", headers=headers, params=query, timeout=10)  # type: ignore[arg-type]

    return get


@pytest.fixture
def post(sandbox: Sandbox, session: requests.Session) -> Callable[..., requests.Response]:
    """POST a body; a `question` becomes the one message, and the model is a good one unless it is named."""

    def post(
        path: str, key: str | None = sandbox.api_key, question: str = "Hello", **body: object
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        asked: dict[str, object] = {"model": "acme/atlas-small"}
        if path == "/completions":
            asked["prompt"] = question
        else:
            asked["messages"] = [{"role": "user", "content": question}]
        return session.post(
            f"{sandbox.base_url}{path}", headers=headers, json={**asked, **body}, timeout=10, stream=True
        )

    return post


@pytest.fixture(scope="session")
def openapi() -> Any:
    path = Path(os.environ.get("OPENROUTER_OPENAPI", _DEFAULT_OPENAPI))
    if not path.exists():
        pytest.skip(f"the API's specification is not at {path}; name it in OPENROUTER_OPENAPI")
    with path.open(encoding="utf-8") as file:
        return _with_fictional_providers(yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


@pytest.fixture
def assert_fits(openapi: Any) -> Callable[[object, str], None]:
    """Hold an answer against a schema: by its name, or as "METHOD path" for the answer of status 200."""

    def assert_fits(answer: object, schema: str) -> None:
        method, _, path = schema.partition(" ")
        pointer = f"/components/schemas/{schema}"
        if path:
            operation = f"/paths/{path.replace('/', '~1')}/{method.lower()}"
            answers = openapi["paths"][path][method.lower()]["responses"]
            status = next(status for status in answers if str(status).startswith("2"))
            pointer = f"{operation}/responses/{status}/content/application~1json/schema"
        registry: Registry[Any] = Registry().with_resource("urn:openapi", DRAFT202012.create_resource(openapi))
        validator = Draft202012Validator({"$ref": f"urn:openapi#{pointer}"}, registry=registry)
        problems = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(answer)]
        assert problems == []

    return assert_fits


def _with_fictional_providers(schema: Any) -> Any:
    """The specification without its lists of real providers: the sandbox's are fictional."""
    if isinstance(schema, dict):
        return {
            name: _with_fictional_providers(part)
            for name, part in schema.items()
            if not (name == "enum" and "FakeProvider" in part)
        }
    return [_with_fictional_providers(part) for part in schema] if isinstance(schema, list) else schema
