"""Connected accounts: connected by key or by link, listed, renamed, disabled and deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from ...connecting import check
from ...manifest import LoadedToolkit
from ...store import AliasTaken, ApiToken, AuthConfig, ConnectedAccount, NewLink, Status, Which, names
from . import auth_configs, shapes
from .errors import ACCOUNT_NOT_FOUND, BAD_REQUEST, FORBIDDEN, refuse
from .query import Query, page, shown

_ALIASES_OF_KEY = ("generic_api_key", "api_key")
_STATUSES = {status.value for status in Status}
_ORDERS = ("created_at", "updated_at")
_DIRECTIONS = ("desc", "asc")


def list_accounts(query: Query) -> dict[str, Any]:
    """GET /connected_accounts, with all its filters; those of the token's users alone."""
    statuses = query.texts("statuses")
    if statuses is not None:
        statuses = [status for status in statuses if status in _STATUSES]  # there is no REVOKED here
    which = Which(
        toolkits=query.texts("toolkit_slugs") or list(query.state.toolkits),
        users=_users_asked(query),
        statuses=None if statuses is None else [Status(status) for status in statuses],
        ids=query.texts("connected_account_ids"),
        auth_configs=query.texts("auth_config_ids"),
    )
    limit, offset = query.window()
    order = query.one_of("order_by", _ORDERS, "created_at")
    descending = query.one_of("order_direction", _DIRECTIONS, "desc") == "desc"
    found = query.store.accounts.page(which, order=order, descending=descending, limit=limit, offset=offset)
    configs = {config.id: config for config in query.store.auth_configs.list(query.state.toolkits)}
    items = [show(query, account, configs.get(account.auth_config_id)) for account in found]
    return page(items, query.store.accounts.count(which), limit, offset)


def get(query: Query) -> dict[str, Any]:
    """GET /connected_accounts/{id}."""
    return show(query, find(query, query.path("id")))


def create(query: Query) -> tuple[int, dict[str, Any]]:
    """POST /connected_accounts: ACTIVE at once with a key that works, else INITIATED with a link."""
    config, loaded = auth_configs.usable(query, query.need_text("auth_config", "id"))
    user_id = _owner(query, query.need_text("connection", "user_id"))
    _refuse_shared(query.field("connection", "experimental", kind=dict))
    alias = _alias(query.field("connection", "alias", kind=str))
    state = query.field("connection", "state", kind=dict)
    given = {} if state is None else _credentials(loaded, state)
    if not given:
        callback = query.field("connection", "callback_url", kind=str)
        link = new_link(query, config, user_id, callback, alias)
        url = link_url(query, link)
        status = {"status": str(Status.INITIATED), "redirectUrl": url, "redirect_url": url}
        return 201, _created(str(link.link.account_id), loaded, Status.INITIATED, status)
    credentials = _checked(loaded, given)
    account = query.store.accounts.with_credentials(loaded.toolkit.slug, user_id, credentials, config.id)
    if account is None or (alias is not None and account.alias != alias):
        try:
            account = query.store.accounts.connect(
                loaded.toolkit.slug, user_id, credentials, alias=alias, auth_config=config.id
            )
        except AliasTaken as error:
            refuse(BAD_REQUEST, f"connection.alias: {error}")
    return 201, _created(account.id, loaded, account.status, {"status": str(account.status)})


def create_link(query: Query) -> tuple[int, dict[str, Any]]:
    """POST /connected_accounts/link."""
    config, _ = auth_configs.usable(query, query.need_text("auth_config_id"))
    user_id = query.need_text("user_id")
    _refuse_shared(query.field("experimental", kind=dict))
    _refuse_places(query.field("connection_data", kind=dict) or {})
    alias = _alias(query.field("alias", kind=str))
    return 201, describe_link(query, new_link(query, config, user_id, query.field("callback_url", kind=str), alias))


def update(query: Query) -> dict[str, Any]:
    """PATCH /connected_accounts/{id}: its alias, its key."""
    account, loaded = _changeable(query)
    _refuse_shared(query.field("experimental", kind=dict))
    alias = query.field("alias", kind=str)
    state = query.field("connection", "state", kind=dict)
    if state is not None:
        credentials = _credentials(loaded, state)
        if not credentials:
            refuse(BAD_REQUEST, "connection.state.val.api_key: wanted the new key.")
        account = query.store.accounts.fill(account.id, _checked(loaded, credentials))
    if alias is not None:
        try:
            account = query.store.accounts.rename(account.id, _alias(alias))
        except AliasTaken as error:
            refuse(BAD_REQUEST, f"alias: {error}")
    return {"id": account.id, "status": str(account.status), "success": True}


def set_status(query: Query) -> dict[str, Any]:
    """PATCH /connected_accounts/{id}/status."""
    account, _ = _changeable(query)
    if query.field("enabled", kind=bool, required=True):
        query.store.accounts.enable(account.id)
    elif account.status != Status.INACTIVE:
        query.store.accounts.disable(account.id)
    return {"success": True}


def refresh(query: Query) -> dict[str, Any]:
    """POST /connected_accounts/{id}/refresh: keys need none; one that is not connected gets a link to connect it."""
    account, _ = _changeable(query)
    answer: dict[str, Any] = {"id": account.id, "status": str(account.status), "redirect_url": None}
    if account.status not in (Status.ACTIVE, Status.INACTIVE):
        callback = registered_callback(query, query.field("redirect_url", kind=str) or query.text("redirect_url"))
        answer["redirect_url"] = link_url(query, query.store.links.to_reconnect(account.id, return_address=callback))
    return answer


def revoke(query: Query) -> dict[str, Any]:
    """POST /connected_accounts/{id}/revoke."""
    _changeable(query)
    message = "An API key can't be revoked from here, only where it was made."
    refuse(BAD_REQUEST, message, "Delete the account, and revoke the key at its provider.")


def delete(query: Query) -> dict[str, Any]:
    """DELETE /connected_accounts/{id}."""
    account, _ = _changeable(query)
    query.store.accounts.disconnect(account.id)
    return {"success": True}


def find(query: Query, account_id: str) -> ConnectedAccount:
    """Return an account that the token may see: its users' own, and the organisation's that they use."""
    account = query.store.accounts.find(account_id)
    if account is None or account.toolkit not in query.state.toolkits or not _may_see(query.token, account):
        refuse(ACCOUNT_NOT_FOUND, "There is no such connected account.")
    return account


def show(query: Query, account: ConnectedAccount, config: AuthConfig | None = None) -> dict[str, Any]:
    """Return an account as Composio shows it; its auth config is looked up if it is not given."""
    config = config or query.store.auth_configs.of(account)
    return shapes.connected_account(account, config, query.state.toolkits[account.toolkit].loaded)


def new_link(query: Query, config: AuthConfig, user_id: str, callback: str | None, alias: str | None) -> NewLink:
    """Create a link with which a person connects an account of a user."""
    user_id = _owner(query, user_id)
    address = registered_callback(query, callback)
    try:
        return query.store.links.to_connect(
            config.toolkit, user_id, alias=alias, return_address=address, auth_config=config.id
        )
    except AliasTaken as error:
        refuse(BAD_REQUEST, f"alias: {error}")


def describe_link(query: Query, link: NewLink) -> dict[str, Any]:
    """Return a new link."""
    return {
        "connected_account_id": link.link.account_id,
        "redirect_url": link_url(query, link),
        "link_token": link.secret,
        "expires_at": link.link.expires_at.isoformat(),
    }


def link_url(query: Query, link: NewLink) -> str:
    """Return the address of a link's page on this server."""
    return f"{query.origin}/connect/{link.secret}"


def registered_callback(query: Query, address: str | None) -> str | None:
    """Check that browsers may be sent to an address afterwards. Raises `Refusal` 400 if it is not registered."""
    if address and not query.store.return_addresses.registered(address):
        # A host's address may have secrets in its path or query, so only its host is repeated.
        message = (
            f"callback_url: the address at {shown(_host(address))} is not registered on this server, letter by letter."
        )
        refuse(BAD_REQUEST, message, "An administrator runs: openrouter-toolkit return-addresses add ADDRESS")
    return address or None


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or "that place"
    except ValueError:
        return "that place"


def _created(account_id: str, loaded: LoadedToolkit, status: Status, value: Mapping[str, str]) -> dict[str, Any]:
    scheme = loaded.auth.scheme
    url = value.get("redirect_url")
    return {
        "id": account_id,
        "connectionData": {"authScheme": scheme, "val": dict(value)},
        "status": str(status),
        "redirect_url": url,
        "redirect_uri": url,
        "deprecated": {"uuid": account_id, "authConfigUuid": account_id},
    }


def _changeable(query: Query) -> tuple[ConnectedAccount, LoadedToolkit]:
    account = find(query, query.path("id"))
    if query.token.users is not None and account.user_id is None:
        refuse(FORBIDDEN, "This account is the organisation's; this API key acts for single users.")
    return account, query.state.toolkits[account.toolkit].loaded


def _users_asked(query: Query) -> list[str | None] | None:
    """Return the owners whose accounts are listed: those asked for that the token may see; None for everybody's."""
    asked, allowed = query.texts("user_ids"), query.token.users
    if asked is None:
        return None if allowed is None else list(allowed)
    found: list[str | None] = [user for user in asked if allowed is None or user in allowed]
    return [*found, None] if allowed is None and shapes.ORGANISATION in asked else found


def _owner(query: Query, user_id: str) -> str:
    """Check that an account can be connected for a user. The organisation's are connected by administrators alone."""
    if user_id == shapes.ORGANISATION:
        message = f"{shapes.ORGANISATION} stands for the organisation's own accounts; it is no user."
        refuse(BAD_REQUEST, message, "An administrator connects them on the page Tools.")
    return query.user(user_id)


def _may_see(token: ApiToken, account: ConnectedAccount) -> bool:
    if token.users is None or account.user_id in token.users:
        return True
    return account.user_id is None and (account.users is None or bool(account.users & token.users))


def _credentials(loaded: LoadedToolkit, state: Mapping[str, Any]) -> dict[str, str]:
    """Return the credentials in a connection's state. Raises `Refusal` for another scheme, or one that moves a key."""
    scheme = state.get("authScheme") or state.get("auth_scheme")
    if scheme not in (None, loaded.auth.scheme):
        refuse(BAD_REQUEST, f"state.authScheme: {loaded.toolkit.name} takes {loaded.auth.scheme} alone.")
    values = state.get("val")
    if not isinstance(values, Mapping):
        return {}
    _refuse_places(values)
    found = {field.name: values[field.name] for field in loaded.auth.fields if values.get(field.name)}
    for name in _ALIASES_OF_KEY:
        if values.get(name) and loaded.auth.fields and loaded.auth.key.name not in found:
            found[loaded.auth.key.name] = values[name]
    wrong = [name for name, value in found.items() if not isinstance(value, str)]
    if wrong:
        refuse(BAD_REQUEST, f"state.val.{wrong[0]}: wanted a text.")
    return found


def _refuse_places(values: Mapping[str, Any]) -> None:
    """Refuse values that would send a key to another address."""
    places = [
        name for name, value in values.items() if value and name.lower().endswith(("url", "uri", "domain", "endpoint"))
    ]
    places = [name for name in places if name not in ("redirectUrl", "redirect_url", "callback_url", "callbackUrl")]
    if places:
        refuse(BAD_REQUEST, f"val.{shown(places[0])}: keys are sent to the toolkit's own API alone.", "Leave it out.")


def _checked(loaded: LoadedToolkit, credentials: Mapping[str, str]) -> Mapping[str, str]:
    """Check credentials with the toolkit's API. Raises `Refusal` 400 with the reason if they don't work."""
    checked = check(loaded, credentials)
    if not checked.passed:
        reasons = " ".join(f"{name}: {reason}" for name, reason in checked.refusals.items())
        refuse(BAD_REQUEST, f"Nothing was connected. {reasons}")
    return checked.values


def _alias(text: str | None) -> str | None:
    if text is None or text == "":
        return None
    try:
        return names.alias(text)
    except ValueError as error:
        refuse(BAD_REQUEST, f"alias: {error}.")


def _refuse_shared(experimental: Mapping[str, Any] | None) -> None:
    if experimental and (experimental.get("account_type") == "SHARED" or experimental.get("acl_config_for_shared")):
        message = "experimental: accounts are not shared by users here."
        refuse(BAD_REQUEST, message, "An administrator connects an account of the organisation on the page Tools.")
