"""Types of command-line arguments: numbers within limits, and names that must exist."""

from __future__ import annotations

import argparse
import math
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from typing import Any

_NUMBER = re.compile(r"-?[0-9.]+(?:e[-+]?[0-9]+)?", re.IGNORECASE)
_AGO = re.compile(r"([0-9]{1,6})([mhdw])", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_MOMENT = "give a date (2026-11-30), a time in ISO 8601, or how long ago: 30m, 24h, 7d, 4w"
# In what time a budget counts, and whose calls: `spending.windows.PER`, and what `spending.budgets` takes.
PER = ("call", "session", "hour", "day", "week", "month", "ever")
BUDGET_DIMENSIONS = ("user", "agent", "token", "account", "model", "action")
# What is typed for a limit that is to be none.
NO_LIMIT = "none"
# By what usage is broken down: `ledger.BY`, whose packages may be missing.
BY = ("user", "model", "provider", "action", "toolkit", "token", "account", "agent", "error_type", "day")
_SERVER_NAME = re.compile(r"[a-zA-Z0-9.-]+/[a-zA-Z0-9._-]+")


def number(kind: type[int] | type[float], low: float, high: float, advice: str) -> Callable[[str], Any]:
    """A type for an integer or a decimal number from `low` to `high`; any other text is answered with `advice`."""

    def read(text: str) -> float:
        try:
            value = kind(text) if _NUMBER.fullmatch(text) else math.nan
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(advice)
        return value

    return read


def dollars(text: str) -> Decimal:
    """An amount of US dollars."""
    try:
        value = Decimal(text)
    except ArithmeticError:
        value = Decimal("nan")
    if not value.is_finite() or value < 0:
        raise argparse.ArgumentTypeError("give an amount of US dollars, such as 5 or 0.50")
    return value


def budget_limit(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A type for a limit of a budget: an amount that `read` takes, or `none`."""
    return lambda text: NO_LIMIT if text == NO_LIMIT else read(text)


port = number(int, 0, 65535, "give a number from 0 to 65535")
integer = number(int, -math.inf, math.inf, "give an integer")
count = number(int, 0, 10**15, "give a whole number, 0 or more")
rate = number(float, 0, 1, "give a number from 0 to 1")
delay = number(float, 0, sys.float_info.max, "give seconds, 0 or more")
call_timeout = number(float, math.ulp(0.0), 86_400, "give seconds, more than 0 and at most 86400")
tokens = number(int, 1, 10**12, "give a number of tokens, 1 or more")
price = number(float, 0, 1_000_000, "give US dollars per million tokens, 0 or more")
client_timeout = number(float, 1, 3600, "give a number of seconds from 1 to 3600")


def network(text: str) -> IPv4Network | IPv6Network:
    """A proxy's address or network."""
    from .serve import require_server

    require_server()
    from ..server.access.client_address import read_network

    try:
        return read_network(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def tool_format(name: str) -> str:
    """The name of a format for tool definitions."""
    from ..tool_calling import FORMATS

    if name not in FORMATS:
        raise argparse.ArgumentTypeError(f"there is no format {name!r}; there are {', '.join(FORMATS)}")
    return name


def server_name(text: str) -> str:
    """A server's name in the MCP Registry: a namespace in reverse DNS, a slash and a name."""
    if not _SERVER_NAME.fullmatch(text):
        raise argparse.ArgumentTypeError("wanted a namespace in reverse DNS, a slash and a name: io.github.you/server")
    return text


def moment(text: str) -> datetime:
    """A time: a date or a time in ISO 8601, in UTC without an offset, or how long ago."""
    ago = _AGO.fullmatch(text)
    try:
        if ago is not None:
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(_MOMENT) from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def link_lifetime(text: str) -> timedelta:
    """How long a link works: from ten minutes to seven days."""
    found = _AGO.fullmatch(text)
    lifetime = timedelta(0) if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not timedelta(minutes=10) <= lifetime <= timedelta(days=7):
        raise argparse.ArgumentTypeError("give a time from 10m to 7d, such as 30m, 24h or 7d")
    return lifetime


def duration(text: str) -> timedelta:
    """How long something lasts."""
    found = _AGO.fullmatch(text)
    length = timedelta(0) if found is None else timedelta(**{_UNITS[found[2]]: int(found[1])})
    if not timedelta(0) < length <= timedelta(days=366):
        raise argparse.ArgumentTypeError("give a time up to a year, such as 30m, 2h, 7d or 4w")
    return length


class Configurable(str):
    """The default of an option that the config file may set; what was typed is a plain `str`."""


def user(text: str) -> str:
    """A user: as typed, or else the config file's."""
    if not isinstance(text, Configurable):
        return text
    from .config_file import WrongSetting, get

    try:
        return get("user") or text
    except WrongSetting as error:
        raise argparse.ArgumentTypeError(str(error)) from None
