"""/admin/budgets: what calls may cost, how it stands with that, and forms to make, change, raise and remove budgets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response

from ...ledger.budgets import LedgerBudgets
from ...ledger.what_if import MAX_CALLS, WhatIf
from ...spending import Budget, Limits, Raise
from ...spending.budgets import MEASURES, Measure
from ...spending.definitions import from_dict, to_dict
from ...spending.standing import LimitStanding, Standing, described, standings, whom
from ..error_responses import Problem
from ..state import hosted
from .connect_for import separated
from .menu import BUDGETS
from .rendering import Form, redirect_after, render, sentence

router = APIRouter(prefix=BUDGETS)
# So many of those for whom a budget counts are shown.
_SHOWN = 5
_PER = {
    "call": "A call",
    "session": "A session",
    "hour": "An hour",
    "day": "A day",
    "week": "A week",
    "month": "A month",
    "ever": "In all",
}
_DIMENSIONS = ("user", "agent", "model", "action", "token", "account")
_FLAGS = ("rolling", "hard", "allow_unknown_price", "lower_max_tokens")
_LENGTHS = {
    "1-hour": ("1 hour", timedelta(hours=1)),
    "8-hours": ("8 hours", timedelta(hours=8)),
    "1-day": ("1 day", timedelta(days=1)),
    "7-days": ("7 days", timedelta(days=7)),
    "30-days": ("30 days", timedelta(days=30)),
}
_USUAL_LENGTH = "1-day"
# Which field an error is about, by words in it; the first that is found, else the first field.
_ABOUT = {
    **{f"names of a {name}": name for name in _DIMENSIONS},
    "time zone": "zone",
    "roll": "per",
    "has a name": "name",
    **{f"{name} is a whole": name for name in MEASURES},
}


@dataclass
class _Given:
    """What a form has, and what is wrong with it by field."""

    values: Mapping[str, Any]
    problems: dict[str, str] = field(default_factory=dict)


def _budget(request: Request) -> Budget:
    found = _budgets(request).find(request.query_params.get("name", ""))
    if found is None:
        raise Problem(404, "There is no such budget. It may have been removed meanwhile.")
    return found


# The budget that the address names. The answer is 404 if there is none.
TheBudget = Annotated[Budget, Depends(_budget)]


@router.get("")
def budgets(request: Request) -> Response:
    """Show all budgets and how it stands with them."""
    at = datetime.now(UTC)
    found = _budgets(request).current()
    some = standings(_budgets(request).states(at), at)
    return render(request, "budgets.html", budgets=[_card(one, some.get(one.name, []), at) for one in found])


@router.get("/new")
def new(request: Request) -> Response:
    """Show the form for another budget."""
    return _form(
        request, None, _Given(_values({"per": "month", "zone": "UTC", "hard": True, "lower_max_tokens": True}))
    )


@router.post("/new")
def make(request: Request, form: Form) -> Response:
    """Make a budget, or say what it would have refused."""
    given = _Given(dict(form))
    name = form.get("name", "").strip()
    if name and _budgets(request).find(name) is not None:
        given.problems["name"] = "There is a budget of this name. Change it, or take another name."
    return _kept(request, _read(given, name or ("new" if "try" in form else "")), None, given)


@router.get("/change")
def show(request: Request, budget: TheBudget) -> Response:
    """Show the form to change a budget."""
    return _form(request, budget, _Given(_values(to_dict(budget))))


@router.post("/change")
def change(request: Request, budget: TheBudget, form: Form) -> Response:
    """Change a budget, or say what it would have refused."""
    given = _Given({**form, "name": budget.name})
    return _kept(request, _read(given, budget.name, budget), budget, given)


@router.post("/raise")
def raise_(request: Request, budget: TheBudget, form: Form) -> Response:
    """Set other limits for a while, or end that."""
    if "end" in form:
        _budgets(request).raise_until(budget.name, None)
        return redirect_after(request, "budget-raise-ended", budget.name, BUDGETS)
    given = _Given({**_values(to_dict(budget)), **form})
    limits = {name: _limit(given, f"raise_{name}", name) for name in _limited(budget)}
    if not given.problems and all(value is None for value in limits.values()):
        given.problems[f"raise_{_limited(budget)[0]}"] = "Enter another limit for that while."
    if not given.problems:
        try:
            until = datetime.now(UTC) + _LENGTHS.get(form.get("length", ""), _LENGTHS[_USUAL_LENGTH])[1]
            _budgets(request).raise_until(budget.name, Raise(Limits(**limits), until))
        except ValueError as error:
            given.problems[f"raise_{_limited(budget)[0]}"] = sentence(str(error))
    if given.problems:
        return _form(request, budget, given, status=422)
    return redirect_after(request, "budget-raised", budget.name, BUDGETS)


@router.get("/remove")
def confirm_removal(request: Request, budget: TheBudget) -> Response:
    """Show the confirmation page for a removal."""
    return render(
        request,
        "question.html",
        toolkit=None,
        heading=f"Remove the budget {budget.name}?",
        text=f"It allows {described(budget, datetime.now(UTC))}. Calls are not held to it any more.",
        facts=None,
        yes="Remove",
        bad=True,
        back=BUDGETS,
        hidden={},
    )


@router.post("/remove")
def remove(request: Request, budget: TheBudget) -> Response:
    """Remove a budget after the confirmation."""
    _budgets(request).remove(budget.name)
    return redirect_after(request, "budget-removed", budget.name, BUDGETS)


def _budgets(request: Request) -> LedgerBudgets:
    return hosted(request).ledger.budgets


def _kept(request: Request, made: Budget | None, before: Budget | None, given: _Given) -> Response:
    """Keep a budget, or show the form again: with what is wrong, or what the budget would have refused."""
    if made is None:
        return _form(request, before, given, status=422)
    if "try" in given.values:
        return _form(request, before, given, tried=_budgets(request).what_if(made), made=made)
    try:
        _budgets(request).set(made)
    except ValueError as error:
        given.problems["usd"] = sentence(str(error))
        return _form(request, before, given, status=422)
    is_same = before is not None and to_dict(before) == to_dict(made)
    done = "budget-made" if before is None else "budget-changed-already" if is_same else "budget-changed"
    return redirect_after(request, done, made.name, BUDGETS)


def _form(
    request: Request,
    budget: Budget | None,
    given: _Given,
    *,
    tried: WhatIf | None = None,
    made: Budget | None = None,
    status: int = 200,
) -> Response:
    at = datetime.now(UTC)
    return render(
        request,
        "budget.html",
        status,
        budget=budget,
        allows=None if budget is None else described(budget, at),
        remove=None if budget is None else _address("remove", budget),
        raise_to=None if budget is None else _address("raise", budget),
        is_raised=budget is not None and _is_raised(budget, at),
        limited=[] if budget is None else _limited(budget),
        given={**_values({}), **given.values},
        problems=given.problems,
        per=_PER,
        lengths=[(name, words) for name, (words, _) in _LENGTHS.items()],
        usual_length=_USUAL_LENGTH,
        tried=tried,
        most=MAX_CALLS,
        made=None if made is None else described(made, at),
        refused_for=[]
        if tried is None
        else [(whom(json.loads(one)), count) for one, count in tried.subjects[:_SHOWN] if one],
    )


def _read(given: _Given, name: str, before: Budget | None = None) -> Budget | None:
    """Return the budget that a form describes; None if something is wrong, which is noted then."""
    form = given.values
    limits: dict[str, Any] = {name: _limit(given, name, name) for name in MEASURES}
    definition: dict[str, Any] = {
        "name": name,
        **limits,
        "raised": None if before is None else to_dict(before)["raised"],
        "per": form.get("per", ""),
        "zone": form.get("zone", "").strip() or "UTC",
        "applies_to": {name: names for name in _DIMENSIONS if (names := _names(form.get(name, ""), name, before))},
        **{flag: flag in form for flag in _FLAGS},
    }
    if not given.problems and all(value is None for value in limits.values()):
        given.problems["usd"] = "Enter one limit or more, here or below."
    if given.problems:
        return None
    try:
        return from_dict(definition)
    except ValueError as error:
        words = str(error).removeprefix(f"{name}: ")
        about = next((where for mark, where in _ABOUT.items() if mark in words), "usd")
        given.problems[about] = sentence(words)
        return None


def _names(text: str, dimension: str, before: Budget | None) -> list[str]:
    """Return the names in a field. Those that were not touched stay, since a name may have a comma in it."""
    kept = [] if before is None else [*before.applies_to.get(dimension, ())]
    if text == ", ".join(kept):
        return kept
    return separated(text.upper() if dimension == "action" else text)


def _limit(given: _Given, name: str, measure: Measure) -> Any:
    """Return the limit in a field; None if it is empty, or is none, which is noted then."""
    text = given.values.get(name, "").strip().removeprefix("$").replace(",", "")
    try:
        return None if not text else Decimal(text) if measure == "usd" else int(text)
    except (InvalidOperation, ValueError):
        words = "Enter an amount of US dollars, such as 2.50." if measure == "usd" else "Enter a whole number."
        given.problems[name] = words
        return None


def _values(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of the form for a definition; flags that are off have none."""
    applies_to = definition.get("applies_to", {})
    limits = {name: definition.get(name) for name in MEASURES}
    return {
        **{name: definition.get(name, "") for name in ("name", "per", "zone")},
        **{name: "" if value is None else str(value) for name, value in limits.items()},
        **{name: ", ".join(applies_to.get(name, ())) for name in _DIMENSIONS},
        **{name: "on" for name in _FLAGS if definition.get(name)},
    }


def _limited(budget: Budget) -> list[Measure]:
    return [name for name in MEASURES if getattr(budget.limits, name) is not None]


def _is_raised(budget: Budget, at: datetime) -> bool:
    return budget.raised is not None and at < budget.raised.until


def _card(budget: Budget, some: list[Standing], at: datetime) -> dict[str, Any]:
    refused = [one.whom or "everybody" for one in some if one.refuses]
    return {
        "name": budget.name,
        "allows": described(budget, at),
        "hard": budget.hard,
        "is_raised": _is_raised(budget, at),
        "refused": refused[:_SHOWN],
        "refused_more": max(0, len(refused) - _SHOWN),
        "counts": budget.window.per not in ("call", "session") or budget.limits.at_once is not None,
        "states": [_state(one) for one in some[:_SHOWN]],
        "more": max(0, len(some) - _SHOWN),
        "change": _address("change", budget),
        "remove": _address("remove", budget),
    }


def _bar(limit: LimitStanding) -> dict[str, Any]:
    """Return a limit in words, and which parts of it are used and reserved, in hundredths."""
    whole = limit.limit or 1
    used = min(100.0, float(100 * limit.used / whole)) if limit.limit else 100.0
    reserved = min(100.0 - used, float(100 * limit.reserved / whole))
    return {"words": limit.in_words, "used": round(used, 2), "reserved": round(reserved, 2), "is_full": not limit.left}


def _state(one: Standing) -> dict[str, Any]:
    return {
        "whom": one.whom,
        "resets": one.resets,
        "refuses": one.refuses,
        "limits": [_bar(limit) for limit in one.limits],
    }


def _address(page: str, budget: Budget) -> str:
    return f"{BUDGETS}/{page}?{urlencode({'name': budget.name})}"
