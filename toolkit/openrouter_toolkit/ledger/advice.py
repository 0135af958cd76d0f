"""What the people who run agents can do about a call that failed, by the type of its error."""

from __future__ import annotations

from .calls import CallEntry
from .entry import INTERRUPTED, UNFINISHED

_SHORTER = "Send less: fewer or shorter messages, a smaller max_tokens, or a model with a longer context."
_ARGUMENTS = (
    "Correct the call: the agent was told what is wrong with it. If models get it wrong often, use another one."
)
_IMAGE = "Give another image: one that the model's page at OpenRouter says it takes, under a URL that anybody can read."
_LATER = "Call again later, or name fallback models in `models`."

BY_TYPE = {
    "unknown_action": "Correct the slug: openrouter-toolkit actions lists those that there are.",
    "invalid_arguments": _ARGUMENTS,
    "not_connected": "Connect an account for the user: openrouter-toolkit connect --user-id USER, or the page Tools.",
    "refused_by_policy": "A toolset, a switch or a hook here refused it. Change that if the call is to be allowed.",
    "budget_exceeded": "A budget left too little for it. See how it stands with the budgets, and raise one if need be.",
    "ledger_unavailable": "Look at the ledger's database (its disk, its connection): the call was not sent.",
    "connection_failed": "See whether the API can be reached from here. The call may have been executed.",
    "invalid_response": "Call again. If it stays so, use another model, or look at proxies on the way to the API.",
    "cancelled": "Nothing: its caller ended it, or the server stopped.",
    "context_length_exceeded": _SHORTER,
    "max_tokens_exceeded": "Ask for fewer max_tokens, or use another model.",
    "token_limit_exceeded": _SHORTER,
    "string_too_long": _SHORTER,
    "authentication": "Connect the account again: the API does not take its key any more.",
    "permission_denied": "Give the key the right that it lacks, or change the guardrail or budget.",
    "payment_required": "Add credit (for OpenRouter at openrouter.ai/credits), or raise the key's limit.",
    "rate_limit_exceeded": "Call less often, add credit, or name fallback models in `models`.",
    "provider_overloaded": _LATER,
    "provider_unavailable": _LATER,
    "invalid_request": _ARGUMENTS,
    "invalid_prompt": _ARGUMENTS,
    "not_found": "Use a model or an id that exists: openrouter-toolkit models lists the models.",
    "precondition_failed": _ARGUMENTS,
    "payload_too_large": _SHORTER,
    "unprocessable": _ARGUMENTS,
    "content_policy_violation": "Change what was asked, or use a model with another policy.",
    "refusal": "Change what was asked, or use another model.",
    "invalid_image": _IMAGE,
    "image_too_large": _IMAGE,
    "image_too_small": _IMAGE,
    "unsupported_image_format": _IMAGE,
    "image_not_found": _IMAGE,
    "image_download_failed": _IMAGE,
    "server": "Call again later. For OpenRouter, status.openrouter.ai tells whether more is broken.",
    "timeout": "Allow more time, stream the answer, or use a faster model. The call may have been billed.",
    "unmapped": "Look into the server's log, which has one line for each call.",
    UNFINISHED: "Wait: it has not ended. If its process is gone, it is closed six hours after it began.",
    INTERRUPTED: "Its process ended before the answer did. Call again, if that does no harm.",
}


def advice_for(call: CallEntry) -> str | None:
    """Return what to do about a call's failure; None if it was successful."""
    return None if call.error_type is None else BY_TYPE.get(call.error_type, BY_TYPE["unmapped"])
