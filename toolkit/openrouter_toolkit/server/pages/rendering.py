"""Renders pages, notices and error pages, with the message about the last change; reads submitted forms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import Response

from ...manifest import LoadedToolkit
from ...store import Role, Status
from ...text.sanitize import short_name
from ..access.browsers import FORM_TOKEN, form_token, is_seal, seal
from ..access.roles import Right, known_viewer
from ..settings import Settings
from ..state import hosted
from .cards import TOOLS, path_of
from .figures import cost_of_call, cost_of_sums, dollars, duration, exact_dollars, short, within
from .menu import menu

TO_TOOLS = {"address": TOOLS, "words": "To the tools"}
LEFT_OUT = "The other key that the account had does not work any more and was left out; reconnect to enter a new one."
# What was done, about {}: an account, an action or a tool. "already" in its name: nothing was left to do.
_DONE = {
    "disconnected": "The account {} is disconnected. Its keys are deleted here.",
    "disconnected-already": "That account is not connected any more: it was disconnected already.",
    "removed": "The account {} is removed.",
    "default": "The account {} is its owner's default now.",
    "default-already": "The account {} was the default already.",
    "disabled": "The account {} is switched off. Agents can't use it until it is switched on again.",
    "disabled-already": "The account {} was switched off already.",
    "enabled": "The account {} is switched on. Agents can use it now.",
    "enabled-already": "The account {} was switched on already.",
    "activated": "{} is activated. Agents can use it now.",
    "activated-already": "{} was activated already.",
    "deactivated": "{} is deactivated. Agents can't use it any more.",
    "deactivated-already": "{} was deactivated already.",
    "on": "{} is on.",
    "on-already": "{} was on already.",
    "off": "{} is off.",
    "off-already": "{} was off already.",
    "added": "{} is added. Agents can use it once an account is connected, if it needs one.",
    "added-already": "{} was added already.",
    "taken": "{} is taken away. Agents can't use it any more; connected accounts are kept.",
    "taken-already": "{} was taken away already.",
    "changed": "{} is changed.",
    "person-disabled": "{} is logged out and can't log in until enabled again.",
    "person-enabled": "{} can log in again.",
    "person-removed": "{} is removed.",
    "sessions-ended": "{} is logged out everywhere.",
    "session-ended": "That login of {} is ended.",
    "others-ended": "{}: all other logins are ended.",
    "budget-made": "The budget {} is made. It holds calls from the next one on.",
    "budget-changed": "The budget {} is changed.",
    "budget-changed-already": "The budget {} was so already. Nothing was changed.",
    "budget-raised": "The budget {} is raised for a while.",
    "budget-raise-ended": "The budget {} is not raised any more.",
    "budget-removed": "The budget {} is removed. Calls are not held to it any more.",
    "token-revoked": "The token {} is revoked.",
    "token-revoked-already": "The token {} was revoked already.",
    "withdrawn": "The link for {} is withdrawn.",
    "webhook-added": "The webhook to {} is added. A test shows whether it works.",
    "webhook-changed": "The events for {} are saved.",
    "webhook-disabled": "The webhook to {} is switched off. It receives nothing until it is switched on again.",
    "webhook-enabled": "The webhook to {} is switched on.",
    "webhook-removed": "The webhook to {} is removed.",
    "webhook-removed-already": "That webhook was removed already.",
    "webhook-tested": "{} took the test.",
    "webhook-refused": "{} did not take the test. The first delivery below says why.",
    "delivery-repeated": "It is sent to {} again in a moment.",
}
_ROLES = {
    Role.OWNER: "Owner",
    Role.ADMINISTRATOR: "Administrator",
    Role.AUDITOR: "Auditor",
    Role.MEMBER: "Member",
}
# What tells browsers and systems in their names, the more special ones first.
_BROWSERS = (("Edg/", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)
_ERRORS = {
    403: ("Not allowed", "This page takes that only from its own form."),
    404: ("Nothing here", "There is no such page."),
    405: ("Not possible", "This page can't do that."),
    503: ("Not now", "The server can't answer now. Nothing was changed. Try again in a moment."),
}


async def _read_form(request: Request) -> dict[str, str]:
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


def _toolkit(request: Request, toolkit: str) -> LoadedToolkit:
    return hosted(request).toolkit(toolkit).loaded


# A submitted form as names and texts. No form has files, so files are ignored.
Form = Annotated[dict[str, str], Depends(_read_form)]
# The toolkit in the path. The answer is 404 if there is none.
Toolkit = Annotated[LoadedToolkit, Depends(_toolkit)]


def render(request: Request, template: str, /, status: int = 200, **values: Any) -> Response:
    """Render a page. Besides `values`, templates get `host_name`, `message` and `csrf()`, which adds a form's token;
    `viewer`, who is logged in, `may("CHANGE")` and the like, whether the viewer has a right, and the `menu`.

    `places` are the ids of elements that show the message themselves if it is about them.
    """
    viewer = known_viewer(request)
    defaults: dict[str, Any] = {
        "places": (),
        "viewer": viewer,
        "may": lambda right: viewer is not None and viewer.has(Right[right]),
        "menu": [] if viewer is None else menu(viewer, request.url.path),
        "host_name": hosted(request).settings.host_name,
        "csrf": lambda: Markup('<input type="hidden" name="{}" value="{}">').format(FORM_TOKEN, form_token(request)),
    }
    if "message" not in values:  # it may query the store, so pages that report a store failure pass their own
        defaults["message"] = _message(request)
    return _templates.TemplateResponse(request, template, {**defaults, **values}, status_code=status)


def notice(request: Request, status: int, heading: str, text: str, kind: str = "bad", **values: Any) -> Response:
    """Render a page of one text. `kind` is good, late or bad; `way` is a link onwards, and `form` a button."""
    values = {"form": None, "way": None, **values}
    return render(request, "notice.html", status, heading=heading, text=text, kind=kind, **values)


def error_page(request: Request, status: int, text: str | None = None) -> Response:
    """Render the error page of a status, with the given text or the usual one."""
    heading, usual = _ERRORS.get(status, ("Not possible", "This can't be done."))
    return notice(request, status, heading, text or usual, way=TO_TOOLS, message=None)


def wrong_address(request: Request, status: int, text: str) -> Response:
    """Render the error page for a wrong host name. It does not reveal this server's configured name."""
    return notice(request, status, "Wrong address", text, message=None, host_name=Settings.host_name)


def redirect_after(request: Request, done: str, about: str, path: str, *, at: str = "", page: int = 1) -> Response:
    """Redirect to a page that shows what was done, about what.

    Args:
        request: the request; only this browser's session is shown the message.
        done: a key of `_DONE`.
        about: the name of the account, action or tool. The address has it with a seal, so nobody can put another text
            there.
        path: the page.
        at: the id of the element in which the message stands, so that it is in view.
        page: the number of the page of accounts.
    """
    parts = {"page": str(page) if page > 1 else "", "done": done, "about": about, "at": at}
    query = {**parts, "seal": seal(request, f"{done} {about}")}
    query = {name: value for name, value in query.items() if value}
    return RedirectResponse(f"{path}?{urlencode(query)}{f'#{at}' if at else ''}", 303)


def page_number(text: str) -> int:
    """Return the number of a page of accounts as a form or a query has it; 1 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 and int(text) else 1


def with_outcome(address: str, status: str, account_id: str | None = None, *flags: str) -> str:
    """Return a return address with the outcome of connecting, in the query parameters of Composio's callbacks.

    Args:
        address: where the browser goes.
        status: success, failed or cancelled.
        account_id: the account, if there is one.
        flags: names of further parameters that are set.
    """
    return f"{address}{'&' if '?' in address else '?'}{urlencode(outcome_query(status, account_id, *flags))}"


def outcome_query(status: str, account_id: str | None = None, *flags: str) -> dict[str, str]:
    """Return the query parameters of `with_outcome`."""
    account = {"connected_account_id": account_id} if account_id else {}
    return {"status": status, **account, **dict.fromkeys(flags, "1")}


class _Message(NamedTuple):
    """A message, its kind (good or warn), the address of more information, and the id of the element that has it."""

    text: str
    kind: str = "good"
    more: str | None = None
    at: str = ""


def _message(request: Request) -> _Message | None:
    """Return the message that a page's query asks for, or None."""
    query, state = request.query_params, hosted(request)
    if query.get("status") != "success":
        done, about = query.get("done", ""), query.get("about", "")
        if done not in _DONE or not is_seal(request, f"{done} {about}", query.get("seal", "")):
            return None
        kind = "warn" if done.endswith(("-already", "-refused")) else "good"
        return _Message(_DONE[done].format(about), kind, at=query.get("at", ""))
    account = state.store.accounts.find(query.get("connected_account_id", ""))
    if account is None or account.status != Status.ACTIVE:
        return None
    toolkit = state.toolkits.get(account.toolkit)
    name = toolkit.loaded.toolkit.name if toolkit else account.toolkit
    as_alias = f", as “{account.alias}”" if account.alias else ""
    text = f"{name} is connected for {account.owner}{as_alias}. Agents can use it now."
    if "repeated" in query:
        text = f"{name} was connected for {account.owner}{as_alias} with this key already. Nothing was changed."
    more = f"{path_of(account.toolkit)}#agents" if toolkit else None
    return _Message(f"{text} {LEFT_OUT}" if "left_out" in query else text, more=more, at=account.id)


def sentence(words: str) -> str:
    """Return the words of an error as a sentence."""
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."


def counted(number: int, noun: str) -> str:
    """Format a number with its noun: "1 action", "2 actions"."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _moment(at: datetime) -> Markup:
    """Format a time as a <time> element: its text is relative, its datetime attribute and tooltip are exact."""
    seconds = max(0, int((datetime.now(UTC) - at).total_seconds()))
    if seconds < 60:
        ago = "just now"
    elif seconds < 3600:
        ago = f"{counted(seconds // 60, 'minute')} ago"
    elif seconds < 86400:
        ago = f"{counted(seconds // 3600, 'hour')} ago"
    else:
        ago = f"on {at:%d %B %Y}".replace(" 0", " ")
    exact = f"{at:%d %B %Y, %H:%M} UTC".lstrip("0")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(f"{at:%Y-%m-%dT%H:%M:%SZ}", exact, ago)


def browser_name(user_agent: str | None) -> str:
    """Return a browser's name and system from what it calls itself; cut short if it is none of the usual."""
    if not user_agent:
        return "Unknown browser"
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), None)
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), None)
    return short_name(user_agent, 40) if browser is None else f"{browser}{f' on {system}' if system else ''}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "role": lambda role: _ROLES[role],
        "browser": browser_name,
        "counted": counted,
        "dollars": dollars,
        "exact_dollars": exact_dollars,
        "cost_of_call": lambda call: cost_of_call(call.cost, call.billing),
        "cost_of_sums": lambda sums: cost_of_sums(sums.cost, sums.unpriced),
        "duration": duration,
        "short": short,
        "within": within,
        "day": lambda day: f"{day:%d %B %Y}".lstrip("0"),
        "seconds": lambda at: f"{at:%d %b, %H:%M:%S}".lstrip("0"),
        "to_the_second": lambda at: f"{at:%d %B %Y, %H:%M:%S} UTC".lstrip("0"),
        "moment": _moment,
        "time_of_day": lambda at: f"{at:%H:%M} UTC",
        "day_and_time": lambda at: f"{at:%d %B %Y, %H:%M} UTC".lstrip("0"),
        "without_scheme": lambda address: address.removeprefix("https://").rstrip("/"),
    }
    environment.globals["static"] = lambda name: f"/static/{name}"
    return environment


_templates = Jinja2Templates(env=_environment())
