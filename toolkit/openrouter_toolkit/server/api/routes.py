"""The API's routes and their OpenAPI descriptions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer
from pydantic import BaseModel, Field
from starlette.responses import Response

from ...call import Listener
from ...envelope import ActionError, Envelope
from ...manifest import Action
from ...spending import Quote
from ...tool_calling import ToolCall
from ...tool_calling.options import DEFAULT_LIMIT
from ...tool_calling.schemas import SELECT
from ...tool_calling.tool_calls import to_result
from ..access.bearer import acting_for, token_of, use_check
from ..access.callers import note_caller
from ..disconnect import ClientDisconnected, while_connected
from ..error_responses import Problem
from ..state import hosted
from . import budgets, ledger
from .answers import ErrorAnswer
from .events import EventStreamResponse
from .requests import ActionCall, action_call, refuse_unknown, written_arguments

Format = Literal["openai", "openai-responses", "anthropic", "gemini", "gemini-reduced", "mcp", "composio"]


class EnvelopeAnswer(BaseModel):
    """What an action answered."""

    data: str = Field(description="OpenRouter's answer as it came; on failure a JSON object with the key `error`.")
    error: str | None = Field(description="On failure: what happened and what to do next, for the agent to read.")
    successful: bool


class ModelQuoteAnswer(BaseModel):
    """What a call costs if one model answers it, in US dollars as text; null where that is unknown."""

    model: str
    most: str | None
    about: str | None


class QuoteAnswer(BaseModel):
    """What a call would cost."""

    action: str
    most: str | None = Field(description="US dollars at most, whichever of its models answers.", examples=["0.0330"])
    about: str | None = Field(description="US dollars about.", examples=["0.00089"])
    models: list[ModelQuoteAnswer]
    cheaper: list[ModelQuoteAnswer] = Field(description="Models that can do this very call for less.")
    problems: list[str] = Field(description="Why a model can't do the call.")


class Tools(BaseModel):
    """Definitions for function calling."""

    tools: list[dict[str, Any]]


_EXECUTE_PARAMETERS = ("brief",)
_LIST_PARAMETERS = ("format", "extensions", "strict")
_bearer = HTTPBearer(auto_error=False, description="An API token: openrouter-toolkit tokens create makes one.")
_ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorAnswer, "description": words}
    for status, words in {
        401: "No token, or one that is wrong or revoked.",
        422: "Something that is asked for is missing or wrong.",
        429: "Too many calls of this token; Retry-After says when to come back.",
        503: "The server can't answer now, or is stopping; nothing was sent. Retry-After says when to come back.",
    }.items()
}
router = APIRouter(prefix="/api", responses=_ERRORS, dependencies=[Security(_bearer)])
router.include_router(ledger.router)
router.include_router(budgets.router)


@router.get("/tools", tags=["actions"])
async def tools(
    request: Request,
    format: Annotated[Format, Query(description="For whose API.")] = "openai",
    extensions: Annotated[bool, Query(description="With parameters beyond the documented ones.")] = False,
    strict: Annotated[bool, Query(description="Strict, where the format and the schema can be.")] = False,
) -> Tools:
    """List the actions that may be used now, as tools for function calling."""
    token_of(request)
    refuse_unknown(request.query_params, _LIST_PARAMETERS)

    def list_tools() -> list[dict[str, Any]]:
        toolkits = hosted(request).toolkits.values()
        return [t for kit in toolkits for t in kit.registry.tools(format, extensions=extensions, strict=strict)]

    return Tools(tools=await run_in_threadpool(list_tools))


@router.post(
    "/actions/{slug}",
    tags=["actions"],
    response_class=Response,
    responses={
        200: {
            "description": "What the action answered, whether it was successful or not. With `stream` true in the "
            "arguments, server-sent events: pieces of the answer under their kind (`text`, `reasoning`, `tool_call`, "
            "…), and at last the envelope, under `envelope`, or under `error` where it was not successful.",
            "content": {
                "application/json": {"schema": EnvelopeAnswer.model_json_schema()},
                "text/event-stream": {"schema": {"type": "string"}},
            },
        },
        400: {"model": ErrorAnswer, "description": "The body is not valid JSON that can be sent on."},
        403: {"model": ErrorAnswer, "description": "The token may not act for that user."},
        413: {"model": ErrorAnswer, "description": "The body is larger than 32 MiB."},
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": ActionCall.model_json_schema()}}}
    },
)
async def execute(
    request: Request,
    slug: str,
    brief: Annotated[
        bool,
        Query(
            description="`data` as a model is to read it: a list in its brief form, or what `select` among the "
            "arguments chooses, at most 20,000 characters. So it is with `select` alone, too; not for streams."
        ),
    ] = False,
) -> Response:
    """Execute an action for a user."""
    if request.scope["query_string"]:
        refuse_unknown(request.query_params, _EXECUTE_PARAMETERS)
    call = action_call(await request.body())
    user_id = acting_for(token_of(request), call.user_id, "This token may not act for that user.")
    if user_id is None:
        raise Problem(422, "user_id: this token may act for several users, so say for which.")
    toolkit = hosted(request).toolkit_of(slug)
    action = toolkit.loaded.find(slug)
    arguments = call.arguments
    if isinstance(arguments, str):
        try:
            arguments = await run_in_threadpool(written_arguments, arguments, slug, action)
        except ActionError as error:
            return _envelope_response(Envelope.failure(error))

    selects = action is not None and action.definition.brief is not None and SELECT in arguments
    select = arguments.pop(SELECT) if selects else None

    use_check(request, hosted(request).store)
    note_caller(request, call.agent, call.session_id)

    async def answer(listen: Listener | None = None) -> Envelope:
        return await toolkit.registry.execute_async(slug, arguments, user_id=user_id, on_event=listen)

    if action is not None and action.streams and arguments.get("stream") is True:
        return EventStreamResponse(answer)
    try:
        envelope = await while_connected(request.receive, answer)
        return _envelope_response(
            await run_in_threadpool(_brief, envelope, action, slug, select) if brief or selects else envelope
        )
    except ClientDisconnected:
        return Response(status_code=499)


@router.post(
    "/actions/{slug}/quote",
    responses={
        400: {"model": ErrorAnswer, "description": "The body is not valid JSON that can be sent on."},
        403: {"model": ErrorAnswer, "description": "The token may not act for that user."},
        413: {"model": ErrorAnswer, "description": "The body is larger than 32 MiB."},
    },
    openapi_extra={
        "requestBody": {"required": True, "content": {"application/json": {"schema": ActionCall.model_json_schema()}}}
    },
)
async def quote(request: Request, slug: str) -> QuoteAnswer | EnvelopeAnswer:
    """Say what a call would cost at most and about, and which models can make it for less; it is not made.

    What can't be called is answered by the envelope that executing it would have.
    """
    refuse_unknown(request.query_params, ())
    call = action_call(await request.body())
    user_id = acting_for(token_of(request), call.user_id, "This token may not act for that user.")
    if user_id is None:
        raise Problem(422, "user_id: this token may act for several users, so say for which.")
    toolkit = hosted(request).toolkit_of(slug)

    def find() -> Quote:
        arguments = call.arguments
        if isinstance(arguments, str):
            arguments = written_arguments(arguments, slug, toolkit.loaded.find(slug))
        return toolkit.registry.quote(slug, arguments, user_id=user_id)

    try:
        return QuoteAnswer.model_validate((await run_in_threadpool(find)).to_dict())
    except ActionError as error:
        return EnvelopeAnswer.model_validate(Envelope.failure(error))


def _brief(envelope: Envelope, action: Action | None, slug: str, select: Any) -> Envelope:
    """Return an envelope whose data is rendered for a model."""
    try:
        result = to_result(envelope, action, ToolCall("", slug, None), select=select, limit=DEFAULT_LIMIT)
    except ActionError as error:
        return Envelope.failure(error)
    return envelope if result.failed else Envelope.success(result.text)


def _envelope_response(envelope: Envelope) -> Response:
    return Response(envelope.model_dump_json(), media_type="application/json")
