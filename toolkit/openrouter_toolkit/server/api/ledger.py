"""The API's routes that read the ledger. A token sees the calls of the users whom it may act for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from ...ledger import By, CallFilter
from ..access.bearer import acting_for, token_of
from ..error_responses import Problem
from ..state import hosted
from .answers import ErrorAnswer
from .requests import refuse_unknown

_FORBIDDEN: dict[int | str, dict[str, Any]] = {
    403: {"model": ErrorAnswer, "description": "The token may not act for that user."}
}
_OTHER_USER = "This token may not act for that user."
_NO_CALL = "There is no such call, or it is not of a user whom this token may act for."
_MAX_ROWS = 1000
_Dollars = Annotated[Decimal, PlainSerializer(lambda cost: f"{cost:f}", return_type=str)]
_FILTER = ("user_id", "toolkit", "action", "model", "provider", "token_id", "account_id", "agent", "error_type")
_RANGE = ("successful", "since", "until")
_PAGE = ("session_id", "cursor", "limit")

router = APIRouter(tags=["ledger"])


class CallAnswer(BaseModel):
    """One call in the ledger."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    at: datetime = Field(description="When it began.")
    toolkit: str
    action: str | None
    user_id: str
    account_id: str | None
    token_id: str | None
    agent: str | None
    session_id: str | None
    request_id: str | None
    request_model: str | None = Field(description="The model that was asked for.")
    model: str | None = Field(description="The model that answered, or that was asked for if none did.")
    provider: str | None
    successful: bool
    error_type: str | None
    status: int | None = Field(description="The HTTP status of the last answer.")
    attempts: int
    milliseconds: int | None
    first_token_ms: int | None
    tokens_in: int | None
    tokens_out: int | None
    cost: _Dollars | None = Field(description="In US dollars, exactly; null if it is unknown or there is none.")
    billing: str = Field(description="free, known, unsettled (the cost will be looked up), unknown, or nothing.")
    generation_id: str | None
    streamed: bool
    cached: bool | None


class CallsAnswer(BaseModel):
    """A page of calls, newest first."""

    calls: list[CallAnswer]
    next_cursor: str | None = Field(description="The cursor of the next page, null on the last.")


class UsageRow(BaseModel):
    """The sums of some calls."""

    model_config = ConfigDict(from_attributes=True)

    key: dict[str, str | None]
    calls: int
    failures: int
    unpriced: int = Field(description="Calls that may have cost something, but it is not known what.")
    tokens_in: int
    tokens_out: int
    cost: _Dollars | None = Field(description="In US dollars, of all calls whose cost is known; null if there is none.")
    milliseconds: int | None = Field(description="The mean.")
    p50: int | None = Field(description="Milliseconds in which half of them ended, about; null above 30000.")
    p95: int | None
    first_token_ms: int | None


class UsageAnswer(BaseModel):
    """Sums of calls: by day in order, else the costliest first."""

    usage: list[UsageRow]


_Text = Annotated[str | None, Query(max_length=255)]


def _read_moment(text: object) -> datetime:
    """Read a time in ISO 8601 alone; pydantic takes numbers, too."""
    found = datetime.fromisoformat(str(text).upper())
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


_Moment = Annotated[
    datetime | None, BeforeValidator(_read_moment), Query(description="ISO 8601; UTC, if no offset is given.")
]


def wanted_calls(  # noqa: PLR0913 - one for each parameter of the query
    request: Request,
    *,
    user_id: _Text = None,
    toolkit: _Text = None,
    action: _Text = None,
    model: _Text = None,
    provider: _Text = None,
    token_id: _Text = None,
    account_id: _Text = None,
    agent: _Text = None,
    error_type: _Text = None,
    successful: bool | None = None,
    since: _Moment = None,
    until: _Moment = None,
) -> CallFilter:
    """Return the filter of a query. Raises `Problem` 403 for a user whom the token may not act for."""
    token = token_of(request)
    if user_id is not None:
        acting_for(token, user_id, _OTHER_USER)
    allowed = None if token.users is None else tuple(sorted(token.users))
    return CallFilter(
        users=allowed if user_id is None else (user_id,),
        toolkit=toolkit and toolkit.upper(),
        action=action and action.upper(),
        model=model,
        provider=provider,
        token_id=token_id,
        account_id=account_id,
        agent=agent,
        error_type=error_type,
        successful=successful,
        since=since,
        until=until,
    )


_Wanted = Annotated[CallFilter, Depends(wanted_calls)]


@router.get("/calls", responses=_FORBIDDEN)
async def calls(
    request: Request,
    wanted: _Wanted,
    session_id: _Text = None,
    cursor: Annotated[
        str | None, Query(description="The `next_cursor` of the page before.", pattern=r"^call_[0-7][0-9a-f]{15}$")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=_MAX_ROWS)] = 50,
) -> CallsAnswer:
    """List calls, newest first."""
    refuse_unknown(request.query_params, (*_FILTER, *_RANGE, *_PAGE))
    ledger = hosted(request).ledger
    try:
        page = await run_in_threadpool(ledger.calls, replace(wanted, session_id=session_id), cursor=cursor, limit=limit)
    except ValueError as error:
        raise Problem(422, f"cursor: {error}.") from None
    return CallsAnswer(calls=[CallAnswer.model_validate(call) for call in page.calls], next_cursor=page.next)


@router.get("/calls/{call_id}", responses={404: {"model": ErrorAnswer, "description": "There is no such call."}})
async def call(request: Request, call_id: str) -> CallAnswer:
    """Return one call."""
    refuse_unknown(request.query_params, ())
    token = token_of(request)
    users = None if token.users is None else sorted(token.users)
    found = await run_in_threadpool(hosted(request).ledger.call, call_id, users)
    if found is None:
        raise Problem(404, _NO_CALL)
    return CallAnswer.model_validate(found)


@router.get("/usage", responses=_FORBIDDEN)
async def usage(
    request: Request,
    wanted: _Wanted,
    by: Annotated[
        list[By], Query(description="What usage is broken down by; several, if it is repeated.", max_length=4)
    ] = [],  # noqa: B006 - FastAPI copies it
    limit: Annotated[int, Query(ge=1, le=_MAX_ROWS)] = 100,
) -> UsageAnswer:
    """Sum up calls by day, user, model and the like, in whole days in UTC."""
    refuse_unknown(request.query_params, ("by", *_FILTER, *_RANGE, "limit"))
    found = await run_in_threadpool(hosted(request).ledger.usage, list(dict.fromkeys(by)), wanted, limit=limit)
    return UsageAnswer(usage=[UsageRow.model_validate(row) for row in found])
