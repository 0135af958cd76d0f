"""Verifies whether an API still accepts an account's key, with one request for all calls that wait at the same time."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from enum import StrEnum
from time import monotonic

from ..call import Call
from ..envelope import ActionError
from ..text.redaction import redacted_traceback
from ..text.sanitize import quoted

# Maximum seconds of one verification.
VERIFY_TIMEOUT = 10.0
_POLL_INTERVAL = 0.05
_MAX_REMEMBERED = 1_000
_log = logging.getLogger("openrouter_toolkit")


class Verdict(StrEnum):
    """The API's answer to a request that only verifies a key."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # no answer, or another answer


def refuses_key(error: ActionError) -> bool:
    """Return whether the API itself refused the key, and not a provider or proxy (the client reports those)."""
    return error.status == 401 and error.type == "authentication" and not error.details.get("refused_by")


def why_refused(toolkit: str, error: ActionError) -> str:
    """Return why an account is not used any more, with the API's words as its words."""
    said = error.message.strip().rstrip(".")
    return f"{toolkit} refused the key.{f' {toolkit} said: {quoted(said)}.' if said else ''}"


# Seconds for which a verdict is reused, so that a key is not verified again for each call that failed.
_VALID_SECONDS = {Verdict.ACCEPTED: 30.0, Verdict.REFUSED: 10.0, Verdict.UNKNOWN: 10.0}


class Verifier:
    """Verifies credentials, each once at a time. Safe to use from many threads, and in forked processes."""

    def __init__(self) -> None:
        self._start()

    def verdict(self, credentials: Mapping[str, str], ask: Callable[[], Verdict], call: Call) -> Verdict:
        """Return the verdict of `ask` about the credentials, or a recent one.

        Waits for at most 10 s, and no longer than until the call's own end; then the verdict is `UNKNOWN`.
        """
        if self._process != os.getpid():
            self._start()
        verification = self._verification(credentials, ask)
        expires = monotonic() + VERIFY_TIMEOUT
        while not verification.done.wait(_POLL_INTERVAL) and call.ending() is None and monotonic() < expires:
            pass
        return verification.verdict

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._verifications: dict[bytes, _Verification] = {}

    def _verification(self, credentials: Mapping[str, str], ask: Callable[[], Verdict]) -> _Verification:
        """Return the running or recent verification of the credentials, or start a new one."""
        from hashlib import sha256  # it loads OpenSSL

        name = sha256(json.dumps(sorted(credentials.items())).encode()).digest()
        with self._lock:
            verification = self._verifications.get(name)
            if verification is None or monotonic() >= verification.expires:
                if len(self._verifications) >= _MAX_REMEMBERED:
                    self._verifications.clear()
                verification = self._verifications[name] = _Verification(tuple(credentials.values()), ask)
        return verification


class _Verification:
    """One verification, in its own thread: the call that started it may end earlier."""

    def __init__(self, secrets: tuple[str, ...], ask: Callable[[], Verdict]) -> None:
        self.verdict = Verdict.UNKNOWN
        self.expires = monotonic() + 2 * VERIFY_TIMEOUT
        self.done = threading.Event()
        self._secrets = secrets
        self._ask = ask
        try:
            threading.Thread(target=self._verify, name="openrouter-toolkit-verify", daemon=True).start()
        except RuntimeError:  # no more threads, or the interpreter is shutting down
            self.done.set()

    def _verify(self) -> None:
        try:
            self.verdict = self._ask()
        except Exception:  # noqa: BLE001 - a bug in a handler
            _log.error("a key could not be verified\n%s", redacted_traceback(self._secrets))
        finally:
            self.expires = monotonic() + _VALID_SECONDS[self.verdict]
            self.done.set()
