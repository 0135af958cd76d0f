"""The API's routes of budgets. A token for all users reads and changes them; one for some sees what is theirs alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field
from starlette.responses import Response

from ...spending import Budget
from ...spending.budgets import EACH
from ...spending.definitions import from_dict
from ...spending.standing import Standing, as_json, standings
from ...store import ApiToken
from ..access.bearer import token_of
from ..error_responses import Problem
from ..state import State, hosted
from .answers import ErrorAnswer
from .requests import parsed, refuse_unknown

_NO_BUDGET = "There is no such budget, or it is not for users whom this token may act for alone."
_MAY_NOT_CHANGE = "This token acts for single users, so it can't change budgets. Use a token for all users."
# What is read beside a budget's definition; it may be sent back, and is ignored then.
_READ_ONLY = ("summary", "states", "states_left_out")
_Dimension = Literal["user", "account", "token", "agent", "model", "action"]
_IN_LIST, _IN_ONE = 20, 1000
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorAnswer, "description": "There is no such budget."}}
_FORBIDDEN: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "The token may not change budgets."}
}

router = APIRouter(prefix="/budgets", tags=["budgets"])


class LimitsBody(BaseModel):
    """Limits; null or absent where nothing is limited."""

    usd: str | None = Field(None, description="US dollars, as text, so that they stay exact.", examples=["5.00"])
    tokens: int | None = Field(None, ge=0, description="Tokens, read and written.")
    calls: int | None = Field(None, ge=0, description="Calls that have begun.")
    at_once: int | None = Field(None, ge=0, description="Calls that go on.")


class RaiseBody(LimitsBody):
    """Other limits for a while: those that it names."""

    until: datetime = Field(description="ISO 8601; UTC, if no offset is given.")


class BudgetBody(LimitsBody):
    """A budget: limits in a time, for the calls that it applies to. At least one limit is needed."""

    per: Literal["call", "session", "hour", "day", "week", "month", "ever"] = "month"
    zone: str = Field("UTC", description="The time zone in which days begin.", examples=["Europe/Berlin"])
    rolling: bool = Field(False, description="Whether the last hour, day, week or 30 days count.")
    applies_to: dict[_Dimension, list[str]] = Field(
        default_factory=dict,
        description='Whose calls count; all that cost money, if it is empty. `["*"]` means each one for itself; models '
        "and actions may be patterns; a budget that names actions counts those that are free, too.",
        examples=[{"user": ["*"], "model": ["anthropic/*"]}],
    )
    hard: bool = Field(True, description="Whether calls beyond it are refused.")
    allow_unknown_price: bool = Field(
        False,
        description="Whether calls of unknown price are made while anything is left.",
    )
    lower_max_tokens: bool = Field(
        True,
        description="Whether a call without `max_tokens` whose longest answer does not fit gets what fits.",
    )
    raised: RaiseBody | None = Field(None, description="Other limits for a while.")


# Its references lead to the schemas of the answers, which are in the document.
_BODY = BudgetBody.model_json_schema(ref_template="#/components/schemas/{model}")
_BODY.pop("$defs")


class LimitState(BaseModel):
    """How it stands with one limit; US dollars as text, the others as numbers."""

    limit: str | int
    used: str | int
    reserved: str | int = Field(description="By calls that go on, or whose cost is not known yet.")
    left: str | int


class StateAnswer(BaseModel):
    """How it stands with a budget, for one of whom it counts."""

    subject: dict[str, str] = Field(description="Who that is; empty if it counts for all together.")
    limits: dict[str, LimitState]
    resets: datetime | None = Field(description="When what is used counts no more, at the latest; null if never.")
    refuses: bool = Field(description="Whether a further call that costs money would be refused.")


class BudgetAnswer(LimitsBody):
    """A budget, and how it stands with it."""

    name: str
    per: str
    zone: str
    rolling: bool
    applies_to: dict[_Dimension, list[str]]
    hard: bool
    allow_unknown_price: bool
    lower_max_tokens: bool
    raised: RaiseBody | None
    summary: str = Field(description="What it allows, in words.")
    states: list[StateAnswer] = Field(description="For each of whom it counts, those first who have used most of it.")
    states_left_out: int = Field(description="How many more there are.")


class BudgetsAnswer(BaseModel):
    """All budgets, by name."""

    budgets: list[BudgetAnswer]


_Name = Annotated[str, Path(description="The budget's name.", min_length=1, max_length=100)]


@router.get("")
async def budgets(request: Request) -> BudgetsAnswer:
    """List the budgets and how it stands with each; at most 20 states of each."""
    refuse_unknown(request.query_params, ())
    state, token = hosted(request), token_of(request)
    return BudgetsAnswer(budgets=await run_in_threadpool(_found, state, token, None, _IN_LIST))


@router.get("/{name:path}", responses=_NOT_FOUND)
async def budget(request: Request, name: _Name) -> BudgetAnswer:
    """Return one budget and how it stands with it; at most 1000 states."""
    refuse_unknown(request.query_params, ())
    found = await run_in_threadpool(_found, hosted(request), token_of(request), name, _IN_ONE)
    if not found:
        raise Problem(404, _NO_BUDGET)
    return found[0]


@router.put(
    "/{name:path}",
    responses={
        **_FORBIDDEN,
        400: {"model": ErrorAnswer, "description": "The body is not valid JSON."},
        404: {"model": ErrorAnswer, "description": "No budget can have such a name, or it was removed meanwhile."},
    },
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _BODY}}}},
)
async def put(request: Request, name: _Name) -> BudgetAnswer:
    """Make a budget, or change the one of this name; what is absent in the body is as for a new one."""
    refuse_unknown(request.query_params, ())
    state, token = hosted(request), _changing(request)
    made = _from_body(parsed(await request.body()), name)
    try:
        await run_in_threadpool(state.ledger.budgets.set, made)
    except ValueError as error:
        raise Problem(422, f"{error}.") from None
    found = await run_in_threadpool(_found, state, token, name, _IN_ONE)
    if not found:
        raise Problem(404, _NO_BUDGET)
    return found[0]


@router.delete("/{name:path}", status_code=204, responses={**_FORBIDDEN, **_NOT_FOUND})
async def delete(request: Request, name: _Name) -> Response:
    """Remove a budget."""
    refuse_unknown(request.query_params, ())
    _changing(request)
    if not await run_in_threadpool(hosted(request).ledger.budgets.remove, name):
        raise Problem(404, _NO_BUDGET)
    return Response(status_code=204)


@router.api_route("/{name:path}", methods=["HEAD", "OPTIONS", "PATCH", "POST", "TRACE"], include_in_schema=False)
async def not_taken(name: str) -> None:
    """Refuse other methods, with all that there are: the router would name those of one route alone."""
    raise Problem(405, headers={"Allow": "DELETE, GET, PUT"})


def _changing(request: Request) -> ApiToken:
    token = token_of(request)
    if token.users is not None:
        raise Problem(403, _MAY_NOT_CHANGE)
    return token


def _from_body(body: Any, name: str) -> Budget:
    """Return the budget that a body describes. Raises `Problem` 422, which says what to do."""
    if not isinstance(body, Mapping):
        raise Problem(422, 'The body must be an object, such as {"usd": "5", "per": "day"}.')
    if body.get("name", name) != name:
        raise Problem(422, "name: it is another one than in the address. A budget keeps its name.")
    given = {key: value for key, value in body.items() if key not in _READ_ONLY}
    try:
        return from_dict({**given, "name": name})
    except ValueError as error:
        raise Problem(422, f"{error}.") from None


def _found(state: State, token: ApiToken, name: str | None, most: int) -> list[BudgetAnswer]:
    """Return what a token sees of all budgets, or of the one of a name."""
    at = datetime.now(UTC)
    visible = [one for one in state.ledger.budgets.current() if name in (None, one.name) and _is_visible(one, token)]
    some = standings(state.ledger.budgets.states(at), at) if visible else {}
    return [_answer(one, _of_token(some.get(one.name, ()), token), at, most) for one in visible]


def _is_visible(budget: Budget, token: ApiToken) -> bool:
    """Whether a budget is about users alone whom a token may act for, or for each user."""
    users = budget.applies_to.get("user", ())
    return token.users is None or (bool(users) and (list(users) == [EACH] or token.users.issuperset(users)))


def _of_token(some: Iterable[Standing], token: ApiToken) -> list[Standing]:
    return [one for one in some if token.users is None or one.subject.get("user") in {None, *token.users}]


def _answer(budget: Budget, some: list[Standing], at: datetime, most: int) -> BudgetAnswer:
    found = as_json(budget, some[:most], at)
    return BudgetAnswer.model_validate({**found, "states_left_out": max(0, len(some) - most)})
