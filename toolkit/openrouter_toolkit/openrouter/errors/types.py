"""OpenRouter's error types, and the tables that map providers' codes to them."""

from __future__ import annotations

import re
from typing import Any

# OpenRouter's own error types (ApiErrorType in its specification), and what each means.
TYPES = {
    "context_length_exceeded": "The input, or input and max_tokens together, is longer than the model's context.",
    "max_tokens_exceeded": "More max_tokens were asked for than the model gives.",
    "token_limit_exceeded": "A limit on tokens was exceeded.",
    "string_too_long": "A text in the call is longer than allowed.",
    "authentication": "The key is missing, wrong, revoked or expired.",
    "permission_denied": "The key lacks a right, or a guardrail, a budget, an allow-list or moderation forbids it.",
    "payment_required": "Too little credit, or the key's own limit is reached.",
    "rate_limit_exceeded": "Too many calls: a provider's limit, OpenRouter's own, or credit that calls in flight hold.",
    "provider_overloaded": "The provider has no capacity at the moment.",
    "provider_unavailable": "The provider could not be reached, or failed.",
    "invalid_request": "The call is wrong as it is.",
    "invalid_prompt": "The messages are wrong as they are.",
    "not_found": "There is no such model, generation or endpoint, or none that can do what the call needs.",
    "precondition_failed": "A condition that the call depends on does not hold.",
    "payload_too_large": "The call is too large as a whole.",
    "unprocessable": "The call is well-formed, but its values don't go together.",
    "content_policy_violation": "The content was flagged by moderation or breaks a provider's policy.",
    "refusal": "The model refused to answer.",
    "invalid_image": "An image can't be read.",
    "image_too_large": "An image is too large.",
    "image_too_small": "An image is too small.",
    "unsupported_image_format": "An image has a format that the model does not take.",
    "image_not_found": "There is nothing at an image's URL.",
    "image_download_failed": "An image's URL could not be fetched.",
    "server": "OpenRouter failed, or Cloudflare, which is in front of it, could not reach it.",
    "timeout": "No answer in time: upstream, on the way, or within the deadline that the caller set.",
    "unmapped": "A failure that no other type describes.",
}
# OpenRouter's status for each type, for errors without a status: in a stream or inside a 200 answer.
_STATUS_BY_TYPE = {
    "authentication": 401,
    "payment_required": 402,
    "permission_denied": 403,
    "not_found": 404,
    "image_not_found": 404,
    "precondition_failed": 412,
    "payload_too_large": 413,
    "unprocessable": 422,
    "rate_limit_exceeded": 429,
    "server": 500,
    "provider_unavailable": 502,
    "provider_overloaded": 503,
    "timeout": 504,
}
# Codes of OpenRouter and of the providers, reduced to letters and digits, by the type that they mean.
_CODES = {
    "context_length_exceeded": "contextlengthexceeded contextwindowexceeded modelcontextwindowexceeded",
    "string_too_long": "stringabovemaxlength",
    "authentication": "authenticationerror invalidapikey unauthenticated unauthorized expiredtokenexception "
    "unrecognizedclientexception invalidauthenticationerror incorrectapikeyerror",
    "payment_required": "billingerror billinghardlimitreached insufficientquota insufficientcredits "
    "insufficientbalance exceededcurrentquotaerror",
    "permission_denied": "permissionerror permissiondenied accessdenied accessdeniedexception forbidden",
    "rate_limit_exceeded": "ratelimiterror ratelimited ratelimitexceeded ratelimitreachederror resourceexhausted "
    "throttlingexception throttling toomanyrequests toomanyrequestsexception servicequotaexceededexception "
    "quotaexceeded requests tokens",
    "provider_overloaded": "overloadederror overloaded engineoverloaded engineoverloadederror unavailable "
    "serviceunavailable serviceunavailableexception servicetiercapacityexceeded modelnotreadyexception "
    "capacityexceeded",
    "provider_unavailable": "modelerrorexception modelstreamerrorexception badgateway providererror upstreamerror",
    "invalid_request": "invalidrequest invalidrequesterror invalidargument validationexception failedprecondition "
    "outofrange badrequest badrequesterror unsupportedparameter unsupportedvalue invalidparametererror",
    "not_found": "notfound notfounderror modelnotfound modelnotfounderror resourcenotfoundexception "
    "deploymentnotfound resourcenotfounderror",
    "payload_too_large": "requesttoolarge payloadtoolarge requestentitytoolarge",
    "unprocessable": "unprocessableentity",
    "content_policy_violation": "contentfilter contentpolicyviolation imagecontentpolicyviolation "
    "moderationblocked responsibleaipolicyviolation prohibitedcontent datainspectionfailed guardrailintervened",
    "invalid_image": "imageparseerror invalidbase64image invalidimagemode emptyimagefile",
    "image_too_large": "imagefiletoolarge",
    "unsupported_image_format": "unsupportedimagemediatype invalidimageformat",
    "image_not_found": "imagefilenotfound",
    "image_download_failed": "failedtodownloadimage invalidimageurl",
    "server": "servererror internal internalerror internalservererror internalserverexception apierror dataloss",
    "timeout": "timeouterror requesttimeout deadlineexceeded modeltimeoutexception vectorstoretimeout",
}
_TYPE_BY_CODE = {code: name for name, codes in _CODES.items() for code in codes.split()} | {
    name.replace("_", ""): name for name in TYPES
}
# Patterns for codes that are not in the list; the first match wins.
_CODE_PATTERNS = tuple(
    (name, re.compile(parts, re.IGNORECASE))
    for name, parts in (
        ("rate_limit_exceeded", r"rate.?limit|throttl|too.?many.?requests"),
        ("provider_overloaded", r"over.?load|capacity|unavailable|\bbusy"),
        ("timeout", r"time.?d?.?out|deadline"),
        ("content_policy_violation", r"content.?(filter|policy)|moderation|safety"),
        ("context_length_exceeded", r"context.?(length|window|limit)"),
        ("provider_unavailable", r"connect|socket|network|gateway|upstream|stream.?error|econn|epipe|disconnect|abort"),
        ("server", r"internal|server.?(error|failure)"),
    )
)
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")
_MAX_CODE_LENGTH = 80


def type_of_code(code: Any) -> str | None:
    """The type that a code means, in any spelling (RESOURCE_EXHAUSTED, ThrottlingException), or None."""
    if not isinstance(code, str) or not 0 < len(code) <= _MAX_CODE_LENGTH:
        return None
    bare = re.split(r"[#/]", code.partition(":")[0])[-1]  # AWS format: namespace#Name:URL
    return _TYPE_BY_CODE.get(_NOT_ALPHANUMERIC.sub("", bare.lower()))


def type_in_code(code: str) -> str | None:
    """The type that an unlisted code means, by the words in it (`upstream_rate_limited`, ECONNRESET), or None."""
    return next((name for name, parts in _CODE_PATTERNS if parts.search(code)), None)


def status_of_code(code: Any) -> int | None:
    """The HTTP error status in a code, given as a number or as digits, or None."""
    if (
        isinstance(code, str)
        and len(code) < _MAX_CODE_LENGTH
        and (digits := re.match(r"\s*([45]\d\d)(?:\.0+)?(?!\w)", code, re.ASCII))
    ):
        return int(digits[1])
    if isinstance(code, int | float) and not isinstance(code, bool) and 400 <= code < 600 and code == int(code):
        return int(code)
    return None


def status_of_type(name: str) -> int | None:
    """The usual HTTP status of an error type, or None if it has none."""
    return None if name == "unmapped" or name not in TYPES else _STATUS_BY_TYPE.get(name, 400)
