"""Ctrl-C at any moment of a call: no lock stays held, no connection stays counted, and the next call works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from .calls import KEY
from .conftest import Serve
from .servers import Exchange, chunk, completion

BEGINNING = """
import os, random, signal, sys, threading, time
from openrouter_toolkit import MemoryAccounts, ToolRegistry

base_url, key, streamed = sys.argv[1], sys.argv[2], sys.argv[3] == "stream"
registry = ToolRegistry.from_manifest(
    accounts=MemoryAccounts({"default": {"api_key": key}}), client_options={"base_url": base_url}
)
arguments = {"model": "m/x", "messages": [{"role": "user", "content": "hi"}], "stream": streamed}

def call():
    return registry.execute("OPENROUTER_CREATE_CHAT_COMPLETION", arguments, timeout=20)

assert call().successful
"""
# Interrupts itself again and again, at moments that chance picks, while its main thread and others call; then calls
# once more.
BY_CHANCE = """
chance = random.Random(1)
others_good, stop, interrupts = [], threading.Event(), 0

def keep_calling():
    while not stop.is_set():
        others_good.append(call().successful)

def interrupt():
    while not stop.is_set():
        time.sleep(chance.uniform(0.0002, 0.004))
        if calling:
            os.kill(os.getpid(), signal.SIGINT)

def on_interrupt(*_):
    global calling
    if calling:
        calling = False
        raise KeyboardInterrupt

calling = False
signal.signal(signal.SIGINT, on_interrupt)
threads = [threading.Thread(target=target, daemon=True) for target in (keep_calling, keep_calling, interrupt)]
for thread in threads:
    thread.start()
until = time.monotonic() + 3
while time.monotonic() < until:
    try:
        calling = True
        call()
        calling = False
    except KeyboardInterrupt:
        interrupts += 1
stop.set()
for thread in threads:
    thread.join(15)
    assert not thread.is_alive(), "a thread waits for ever"
assert others_good and all(others_good), "the calls of other threads were harmed"
for _ in range(20):
    envelope = call()
    assert envelope.successful, envelope
print(interrupts)
"""
# Interrupts itself at each instruction of the code that handles connections and locks where Python looks for signals
# (after calls, at the beginning of functions and loops), one call each; another thread must be able to call afterwards.
AT_EACH_INSTRUCTION = """
import dis, functools

@functools.cache
def moments_in(code):
    found, before = set(), ""
    for instruction in dis.get_instructions(code):
        if before.startswith(("CALL", "RESUME", "JUMP_BACKWARD")):
            found.add(instruction.offset)
        if instruction.opname != "CACHE":
            before = instruction.opname
    return found

DENSE, SPARSE = ("/queue.py", "/threading.py"), ("/connectionpool.py", "/transport.py", "/body.py", "/client.py")
interrupt_at = None

def trace(frame, event, argument):
    if not frame.f_code.co_filename.endswith(DENSE + SPARSE):
        return None
    frame.f_trace_opcodes = True
    return trace_instruction

def trace_instruction(frame, event, argument):
    global seen
    if event == "opcode" and frame.f_lasti in moments_in(frame.f_code):
        seen.append(frame.f_code.co_filename.endswith(DENSE))
        if len(seen) == interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
    return trace_instruction

def traced_call():
    global seen
    seen = []
    sys.settrace(trace)
    try:
        call()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(None)
    return False

traced_call()
moments = [at for at, dense in enumerate(seen, 1) if dense or at % (max(1, len(seen) // 200)) == 0]
interrupts = 0
for interrupt_at in moments:
    interrupts += traced_call()
    good = []
    thread = threading.Thread(target=lambda: good.append(call().successful), daemon=True)
    thread.start()
    thread.join(15)
    if good != [True]:
        print("after an interrupt at instruction", interrupt_at, "calls fail or wait for ever", file=sys.stderr)
        os._exit(3)
print(interrupts)
"""


def script(exchange: Exchange) -> None:
    if exchange.request.json.get("stream"):
        exchange.stream()
        exchange.event(chunk("Hello"), chunk(finish="stop"), "[DONE]")
        exchange.end()
    else:
        exchange.json(completion("Hello"))


@pytest.mark.parametrize("how", ["whole", "stream"])
@pytest.mark.parametrize("program", [BY_CHANCE, AT_EACH_INSTRUCTION], ids=["by chance", "at each instruction"])
def test_an_interrupt_at_any_moment_leaves_the_registry_usable(
    serve: Serve, tmp_path: Path, program: str, how: str
) -> None:
    file = tmp_path / "program.py"
    file.write_text(BEGINNING + program)
    command = [sys.executable, str(file), serve(script).base_url, KEY, how]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 50
