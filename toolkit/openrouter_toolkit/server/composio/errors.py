"""Errors in Composio's shape, with the codes and slugs by which hosts tell them apart."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from starlette.responses import JSONResponse

from ...call import current_caller


class Case(NamedTuple):
    """A kind of error: its HTTP status, its number and its name in Composio's API."""

    status: int
    code: int
    slug: str


BAD_REQUEST = Case(400, 10400, "HTTP_BadRequest")
FORBIDDEN = Case(403, 10403, "HTTP_Forbidden")
NOT_FOUND = Case(404, 10404, "HTTP_NotFound")
TOOL_NOT_FOUND = Case(404, 2401, "Tool_ToolNotFound")
TOOLKIT_NOT_FOUND = Case(404, 2301, "Toolkit_ToolkitNotFound")
ACCOUNT_NOT_FOUND = Case(404, 606, "ConnectedAccount_ResourceNotFound")
AUTH_CONFIG_NOT_FOUND = Case(404, 607, "Auth_Config_NotFound")
NO_ACCOUNT = Case(404, 1810, "ActionExecute_ConnectedAccountNotFound")
ACCOUNT_EXPIRED = Case(410, 1820, "ActionExecute_ConnectedAccountExpired")
USER_REQUIRED = Case(400, 1811, "ActionExecute_ConnectedAccountEntityIdRequired")
USER_MISMATCH = Case(400, 1812, "ActionExecute_ConnectedAccountEntityIdMismatch")
SESSION_NOT_FOUND = Case(404, 4301, "ToolRouterV2_SessionNotFound")
SESSION_NO_ACCOUNT = Case(400, 4302, "ToolRouterV2_NoActiveConnection")
SESSION_BAD_ACCOUNTS = Case(400, 4306, "ToolRouterV2_InvalidConnectedAccountIds")
SESSION_NOT_ALLOWED = Case(400, 4324, "ToolRouterV2_ToolkitNotAllowed")
SESSION_CHANGED = Case(409, 4309, "ToolRouterV2_ConfigVersionConflict")

_BY_STATUS = {
    case.status: case
    for case in (
        BAD_REQUEST,
        Case(401, 10401, "HTTP_Unauthorized"),
        FORBIDDEN,
        NOT_FOUND,
        Case(405, 10405, "HTTP_MethodNotAllowed"),
        Case(413, 10413, "HTTP_PayloadTooLarge"),
        Case(421, 10421, "HTTP_MisdirectedRequest"),
        Case(429, 10429, "HTTP_TooManyRequests"),
        Case(500, 10500, "HTTP_InternalServerError"),
        Case(503, 10503, "HTTP_ServiceUnavailable"),
    )
}


class Refusal(Exception):
    """A request that is refused; raised by the functions behind the routes."""

    def __init__(self, case: Case, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.case = case
        self.message = message
        self.fix = fix

    def response(self, *, older: bool = False) -> JSONResponse:
        """Return the answer, which no client repeats; the `older` API has another status for a missing account."""
        case = self.case._replace(status=400) if older and self.case is NO_ACCOUNT else self.case
        return _response(case, self.message, {"x-should-retry": "false"}, self.fix)


def refuse(case: Case, message: str, fix: str | None = None) -> NoReturn:
    """Raise a `Refusal`."""
    raise Refusal(case, message, fix)


def response_for(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer for a status that another part of the server gives; 422 is 400 in Composio's API."""
    status = 400 if status == 422 else status
    return _response(_BY_STATUS.get(status, Case(status, 10000 + status, "HTTP_Error")), message, headers)


def _response(
    case: Case, message: str, headers: Mapping[str, str] | None = None, fix: str | None = None
) -> JSONResponse:
    error: dict[str, Any] = {
        "message": message,
        "code": case.code,
        "slug": case.slug,
        "status": case.status,
        "request_id": current_caller.get().request_id or f"req_{secrets.token_hex(10)}",
    }
    if fix is not None:
        error["suggested_fix"] = fix
    return JSONResponse({"error": error}, case.status, headers=headers)
