"""Delivers events to webhooks: by HTTP as Standard Webhooks, to Slack, and by e-mail."""

from __future__ import annotations

from .delivering import Deliverer
from .mail import MailServer
from .targets import InvalidAddress, read_address

__all__ = ["Deliverer", "InvalidAddress", "MailServer", "read_address"]
