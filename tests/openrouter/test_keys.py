"""Whether a key fits its field, by what GET /key tells about it."""

from __future__ import annotations

from typing import Any

import pytest

from openrouter_toolkit.openrouter.keys import why_unfit

ORDINARY = {"is_management_key": False, "is_provisioning_key": False, "expires_at": None, "limit": 5}
MANAGEMENT = {**ORDINARY, "is_management_key": True, "is_provisioning_key": True}


def test_each_kind_of_key_fits_its_own_field() -> None:
    assert why_unfit("api_key", {"data": ORDINARY}) is None
    assert why_unfit("management_api_key", {"data": MANAGEMENT}) is None


@pytest.mark.parametrize("flag", ["is_management_key", "is_provisioning_key"])
def test_a_management_key_is_no_ordinary_one_by_either_of_its_names(flag: str) -> None:
    told = why_unfit("api_key", {"data": {flag: True}}) or ""
    assert "completions would all fail" in told
    assert "openrouter.ai/keys" in told
    assert "management key" in told


def test_an_ordinary_key_is_no_management_key() -> None:
    told = why_unfit("management_api_key", {"data": ORDINARY}) or ""
    assert "may not read the account's credit" in told
    assert "openrouter.ai/settings/management-keys" in told


@pytest.mark.parametrize(("field", "key"), [("api_key", ORDINARY), ("management_api_key", MANAGEMENT)])
@pytest.mark.parametrize("moment", ["2020-03-04T05:06:07Z", "2020-03-04T05:06:07.890+00:00", "2020-03-04T05:06:07"])
def test_an_expired_key_fits_nowhere(field: str, key: dict[str, Any], moment: str) -> None:
    assert "expired on 2020-03-04" in (why_unfit(field, {"data": {**key, "expires_at": moment}}) or "")


@pytest.mark.parametrize("moment", ["2999-01-01T00:00:00Z", "soon", "", 17, None, []])
def test_a_key_that_expires_later_or_at_no_time_that_can_be_read_fits(moment: Any) -> None:
    assert why_unfit("api_key", {"data": {**ORDINARY, "expires_at": moment}}) is None


def test_a_disabled_key_fits_nowhere() -> None:
    assert "disabled" in (why_unfit("api_key", {"data": {**ORDINARY, "disabled": True}}) or "")
    assert "management-keys" in (why_unfit("management_api_key", {"data": {**MANAGEMENT, "disabled": True}}) or "")


@pytest.mark.parametrize("answer", [{}, {"data": None}, {"data": "a key"}, {"data": [ORDINARY]}])
def test_an_answer_that_tells_nothing_is_not_trusted(answer: dict[str, Any]) -> None:
    assert "can't be read" in (why_unfit("api_key", answer) or "")


def test_a_key_of_unknown_kind_is_taken_as_ordinary() -> None:
    assert why_unfit("api_key", {"data": {"label": "x"}}) is None
    assert why_unfit("management_api_key", {"data": {"label": "x"}}) is not None
