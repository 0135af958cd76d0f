"""A contender in a process and an environment of its own: does its work when it is told to, and says what it cost.

    python worker.py CONTENDER BASE_URL

It reads a line of JSON a round, `{"work": ..., "times": ...}`, and answers in one: the CPU seconds of one time and the
last answer, or why there is none; null where the contender has no such work.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import contenders


def run(contender: Any, work: str, times: int) -> dict[str, Any] | None:
    """Do a work some times."""
    function = getattr(contender, work, None)
    if function is None:
        return None
    try:
        begun = time.process_time()
        for _ in range(times):
            answer = function()
        return {"seconds": (time.process_time() - begun) / times, "answer": answer}
    except Exception as error:  # noqa: BLE001 - whatever a contender raises is shown
        return {"error": f"{type(error).__name__}: {error}"[:300]}


def main() -> None:
    """Answer until standard input ends."""
    name, base_url = sys.argv[1:]
    contender = getattr(contenders, name)(base_url)
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(run(contender, request["work"], request["times"])), flush=True)


if __name__ == "__main__":
    main()
