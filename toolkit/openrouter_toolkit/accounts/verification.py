"""Whether an API still takes an account's key: asked once for all calls that want to know at the same time."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import traceback
from collections.abc import Callable, Mapping
from enum import StrEnum
from time import monotonic

from ..call import Call
from ..text.redaction import redact_thoroughly

# Seconds that finding out may take.
VERIFY_TIMEOUT = 10.0
_LOOK_EVERY = 0.05
_MOST_REMEMBERED = 1_000
_log = logging.getLogger("openrouter_toolkit")


class Verdict(StrEnum):
    """What an API says about a key when it is asked about nothing else."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    UNKNOWN = "unknown"  # it could not be asked, or said something else


# Seconds for which a verdict counts. A key that was just taken is not asked about for each call that failed.
_COUNTS_FOR = {Verdict.ACCEPTED: 30.0, Verdict.REFUSED: 10.0, Verdict.UNKNOWN: 10.0}


class Verifier:
    """Asks about credentials, one question for each at a time. Safe from many threads, and in forked processes."""

    def __init__(self) -> None:
        self._start()

    def verdict(self, credentials: Mapping[str, str], ask: Callable[[], Verdict], call: Call) -> Verdict:
        """What `ask` finds out about the credentials, or found out a moment ago.

        The call waits for 10 s at most, and no longer than it goes on itself; then the verdict is `UNKNOWN`.
        """
        if self._process != os.getpid():
            self._start()
        question = self._question(credentials, ask)
        until = monotonic() + VERIFY_TIMEOUT
        while not question.answered.wait(_LOOK_EVERY) and call.ending() is None and monotonic() < until:
            pass
        return question.verdict

    def _start(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._questions: dict[bytes, _Question] = {}

    def _question(self, credentials: Mapping[str, str], ask: Callable[[], Verdict]) -> _Question:
        """The question that is open or was answered a moment ago, else a new one."""
        name = hashlib.sha256(json.dumps(sorted(credentials.items())).encode()).digest()
        with self._lock:
            question = self._questions.get(name)
            if question is None or monotonic() >= question.until:
                if len(self._questions) >= _MOST_REMEMBERED:
                    self._questions.clear()
                question = self._questions[name] = _Question(tuple(credentials.values()), ask)
        return question


class _Question:
    """One question, asked in a thread of its own: the call that began it may end before it is answered."""

    def __init__(self, secrets: tuple[str, ...], ask: Callable[[], Verdict]) -> None:
        self.verdict = Verdict.UNKNOWN
        self.until = monotonic() + 2 * VERIFY_TIMEOUT
        self.answered = threading.Event()
        self._secrets = secrets
        self._ask = ask
        try:
            threading.Thread(target=self._find_out, name="openrouter-toolkit-verify", daemon=True).start()
        except RuntimeError:  # no more threads, or the interpreter ends
            self.answered.set()

    def _find_out(self) -> None:
        try:
            self.verdict = self._ask()
        except Exception:  # noqa: BLE001 - a mistake of a handler's
            _log.error("a key could not be verified\n%s", redact_thoroughly(traceback.format_exc(), self._secrets))
        finally:
            self.until = monotonic() + _COUNTS_FOR[self.verdict]
            self.answered.set()
