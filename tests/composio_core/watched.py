"""A program whose every step out of this machine is refused and written down at once.

Run as `python -m composio_core.watched RECORD PART`.

The watch is an audit hook, which can't be taken away and sees what runs at exit too. Other programs are written down
as well: a connection of theirs would not be seen.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import warnings
from typing import Any

CANARY = "canary-5a1f"
OUT = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
PROGRAMS = {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn"}


def watch(path: str) -> None:
    record = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in PROGRAMS:
            os.write(record, f"{event} {arguments[:2]!r}\n".encode())
        elif event in OUT:
            where = arguments[OUT[event]]
            host = where[0] if isinstance(where, tuple) and where else where
            if host not in ("127.0.0.1", b"127.0.0.1"):
                os.write(record, f"{event} {where!r}\n".encode())
                raise OSError("refused by the test")

    sys.addaudithook(refuse)


def plain_import() -> None:
    """What composio does of its own accord."""
    import composio  # noqa: F401


def plain_execution() -> None:
    """What composio does with the arguments of a local action, ours not among them."""
    from .upstream import upstream

    warnings.simplefilter("default")
    upstream("ComposioToolSet")().execute_action("MATHEMATICAL_CALCULATOR", {"operation": f"1 # {CANARY}"})


def imported_before() -> None:
    """Composio is imported by somebody else, with the variables set, before we are."""
    import composio  # noqa: F401

    whole()


def whole() -> None:
    """List, execute, fail; everything carries the canary, in arguments and answers."""
    from openrouter_toolkit import ToolRegistry
    from openrouter_toolkit.agents.composio import local_toolset

    app = "OPENROUTER_TOOLKIT"
    ask = f"{app}_OPENROUTER_CREATE_CHAT_COMPLETION"
    question = {"model": "acme/atlas-small", "messages": [{"role": "user", "content": CANARY}], "user": CANARY}
    told: dict[str, Any] = {}
    for package in ("composio", "composio_openai"):
        toolset = local_toolset(ToolRegistry.from_manifest(), package=package)
        told[f"{package} schemas"] = len(toolset.get_action_schemas(apps=[app]))
        for _ in range(3):
            answer = toolset.execute_action(ask, question)
            told[f"{package} answered"] = answer["successful"] and CANARY in json.dumps(answer)
        failures = [
            toolset.execute_action(ask, {**question, CANARY: 1}),
            toolset.execute_action(ask, question, entity_id=CANARY),
            toolset.execute_action(ask, {**question, "model": "sandbox/echo-key"}),
            toolset.execute_action(f"{app}_{CANARY}", question),
        ]
        try:
            toolset.execute_action("ELSEWHERE_ACTION", {})
        except Exception as error:  # noqa: BLE001 - its name is the answer
            told[f"{package} raised"] = type(error).__name__
        told[f"{package} failed"] = [failure["data"]["error"]["type"] for failure in failures]
    from .completions import calling

    told["tools"] = len(toolset.get_tools(apps=[app]))
    calls = calling((ask, json.dumps(question)), (ask, f'{{"{CANARY}'), (CANARY, "{}"))
    told["calls"] = [result["successful"] for result in toolset.handle_tool_calls(calls)]
    told["threads"] = sorted(thread.name for thread in threading.enumerate() if thread.daemon)
    print(json.dumps(told))


if __name__ == "__main__":
    watch(sys.argv[1])
    warnings.simplefilter("error")
    parts = (plain_import, plain_execution, imported_before, whole)
    next(part for part in parts if part.__name__ == sys.argv[2])()
