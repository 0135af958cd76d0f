"""What an endpoint of the sandbox is, what it gets of a request, and what the sandbox remembers between requests."""

from collections.abc import Callable
from typing import Any, NamedTuple

from .accounts import Generations
from .authorization import Authorizations
from .batches import Batches
from .completion_calls import CompletionCalls
from .connection import Connection
from .errors import ApiError
from .models import MODELS, Model
from .queries import Query
from .resources import Resources
from .scripts import Scripts

NOT_JSON = object()  # the body of a request that is not valid JSON


class Call(NamedTuple):
    """A request to an endpoint, as its answer function gets it; `names` are the values of the path's placeholders."""

    connection: Connection
    method: str
    path: str
    query: Query
    body: Any
    key: str
    names: dict[str, str]

    def json(self) -> dict[str, Any]:
        """The body, which has to be a JSON object. Raises ApiError 400."""
        if not isinstance(self.body, dict):
            raise ApiError(400, "The body is not a JSON object")
        return self.body


class State:
    """What the sandbox remembers from one request to the next."""

    def __init__(self, chunk_delay: float, generation_delay: float, failure_rate: float, seed: int | None) -> None:
        self.authorizations = Authorizations()
        self.generations = Generations(generation_delay)
        self.scripts = Scripts()
        self.resources = Resources()
        self.batches = Batches()
        self.settings: dict[str, Any] = {}
        self.completions = CompletionCalls(self.generations, self.scripts, chunk_delay, failure_rate, seed)

    def clear(self) -> None:
        """Clear all state: login codes, generations, cache, scripts, resources, batches, and rate-limited keys."""
        for part in (self.authorizations, self.generations, self.scripts, self.resources, self.batches, self.settings):
            part.clear()
        self.completions.clear()

    def models(self) -> list[Model]:
        """The catalogue, including the models that have a script."""
        scripted = {model.id: model for model in self.scripts.models()}
        return [*(model for model in MODELS if model.id not in scripted), *scripted.values()]


class Answer(NamedTuple):
    """An answer with another status than 200."""

    status: int
    body: Any


class Route(NamedTuple):
    """One endpoint.

    Attributes:
        method: GET, POST, …; ANY for all.
        path: below /api/v1; {name} stands for one segment.
        answer: the JSON that is answered with 200, an error, or a function of the state and the call that
            returns the JSON (or an `Answer`), or None if it wrote the answer itself.
        key: which API key it needs: none; optional (a wrong one is refused); any; ordinary; management.
    """

    method: str
    path: str
    answer: Any | ApiError | Callable[[State, Call], Any]
    key: str = "any"


def not_found(what: str) -> ApiError:
    """The 404 for a path, or for an entry of the catalogue."""
    return ApiError(404, f"Not found: {what[:200]}")
