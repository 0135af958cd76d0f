"""API keys: which are valid, what each may do, and what /key and /credits return for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message

from .errors import ApiError, JsonObject

API_KEY = "sk-or-v1-sandbox"
MANAGEMENT_API_KEY = "sk-or-v1-sandbox-management"
EXPIRED_API_KEY = "sk-or-v1-sandbox-expired"

CREDITS_BOUGHT = 100.5
KEY_LIMIT = 100.0
FREE_REQUESTS_A_DAY = 1000


@dataclass(frozen=True)
class Account:
    """The account that a valid key belongs to."""

    key: str

    @property
    def is_management(self) -> bool:
        """Whether the key is a management key, which reads credits but can't run completions."""
        return self.key.startswith(MANAGEMENT_API_KEY)


def request_key(headers: Message, *, x_api_key: bool = False) -> str | None:
    """The key of a request, from Authorization or (for /messages) x-api-key; None if there is none."""
    scheme, _, key = (headers["Authorization"] or "").partition(" ")
    if scheme.lower() == "bearer" and key.strip():
        return key.strip()
    return headers["x-api-key"] if x_api_key else None


def authenticate(key: str | None) -> Account:
    """The account of a key.

    Raises:
        ApiError: 401, with different messages for a missing, an expired and an unknown key.
    """
    if key is None:
        raise ApiError(401, "Missing Authentication header")
    if key.startswith(EXPIRED_API_KEY):
        raise ApiError(401, "This API key has expired")
    if not key.startswith(API_KEY):
        raise ApiError(401, "No account goes with this API key")
    return Account(key)


def check_may_complete(account: Account) -> None:
    """Refuse completions to management keys (403)."""
    if account.is_management:
        raise ApiError(403, "A management key can't run completions: use an ordinary API key")


def check_may_read_credits(account: Account) -> None:
    """Refuse to show credits to ordinary keys (403)."""
    if not account.is_management:
        raise ApiError(403, "Credits are shown to management keys only")


def describe_key(account: Account, spent: float, free_requests: int) -> JsonObject:
    """The data of GET /key, with `spent` US dollars as the usage of every period."""
    budget = {
        "scope": "key_limit",
        "budget_id": None,
        "guardrail_id": None,
        "include_byok": False,
        "limit_usd": KEY_LIMIT,
        "spend_usd": spent,
        "remaining_usd": KEY_LIMIT - spent,
        "reset_interval": None,
        "resets_at": None,
    }
    usage = dict.fromkeys(("usage", "usage_daily", "usage_weekly", "usage_monthly"), spent)
    own_keys = {f"byok_{name}": 0 for name in usage}
    return {
        "label": f"sk-or-v1-...{account.key[-3:]}",
        "limit": KEY_LIMIT,
        "limit_remaining": KEY_LIMIT - spent,
        "limit_reset": None,
        "include_byok_in_limit": False,
        "is_free_tier": False,
        "is_management_key": account.is_management,
        "is_provisioning_key": account.is_management,
        "expires_at": None,
        "creator_user_id": "user_sandbox",
        "budgets": [budget],
        "effective_budget": budget,
        "free_model_daily_requests": {
            "limit": FREE_REQUESTS_A_DAY,
            "used": free_requests,
            "remaining": max(0, FREE_REQUESTS_A_DAY - free_requests),
        },
        "allowed_data_regions": [],
        "organization_id": None,
        "workspace_id": None,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "No longer in use."},
        **usage,
        **own_keys,
    }


def describe_credits(spent: float) -> Mapping[str, float]:
    """The data of GET /credits, in US dollars."""
    return {"total_credits": CREDITS_BOUGHT, "total_usage": spent}
