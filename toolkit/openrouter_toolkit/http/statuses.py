"""The error types that HTTP statuses mean, and which of them are transient."""

from __future__ import annotations

# Transient types: the same call may succeed later.
PASSING = frozenset({"rate_limit_exceeded", "provider_overloaded", "provider_unavailable", "server", "timeout"})
# The type by HTTP status, if the error gives none. 520 to 527 and 530 come from Cloudflare, a proxy before many APIs.
BY_STATUS = {
    400: "invalid_request",
    401: "authentication",
    402: "payment_required",
    403: "permission_denied",
    404: "not_found",
    408: "timeout",
    409: "invalid_request",
    410: "not_found",
    412: "precondition_failed",
    413: "payload_too_large",
    422: "unprocessable",
    429: "rate_limit_exceeded",
    451: "permission_denied",
    499: "timeout",
    500: "server",
    501: "unmapped",
    502: "provider_unavailable",
    503: "provider_overloaded",
    504: "timeout",
    505: "unmapped",
    520: "server",
    521: "server",
    522: "server",
    523: "server",
    524: "timeout",
    525: "server",
    526: "server",
    527: "server",
    529: "provider_overloaded",
    530: "server",
}
CLOUDFLARE = frozenset({520, 521, 522, 523, 525, 526, 527, 530})
PASSING_STATUSES = tuple(status for status, name in BY_STATUS.items() if name in PASSING)


def type_of_status(status: int) -> str:
    """The type that an HTTP status means."""
    if status in BY_STATUS:
        return BY_STATUS[status]
    return "invalid_response" if status < 400 else "invalid_request" if status < 500 else "server"
