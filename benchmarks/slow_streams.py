"""Many slow streams at once through the toolkit's server: the delay that it adds to each event, and its memory.

    PYTHONPATH=. python benchmarks/slow_streams.py [STREAMS ...]

Every stream gets one event a second, which holds the time at which the upstream sent it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import re
import sys
import time
from functools import partial
from pathlib import Path
from typing import NamedTuple

from canned_server import chunk

from server import BODY, Target, cpu_seconds, in_own_process, toolkit

EVENTS = 20  # of each stream; the first ones are not measured, because not all streams have begun by then
MEASURED = 8
STREAMS = (100, 500, 1000, 2000)
SENT_AT = re.compile(rb'"text":"(\d+\.\d+)')
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


class Delays(NamedTuple):
    """Milliseconds that the server adds to an event, its memory for a stream in KB, its CPU time for an event in ms."""

    p50: float
    p99: float
    memory: float
    cpu: float


async def _upstream(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(int(re.findall(rb"(?i)content-length: (\d+)", head)[0]))
    writer.write(HEAD)
    for number in range(EVENTS):
        end = {"finish_reason": "stop"} if number == EVENTS - 1 else {}
        event = chunk({"content": f"{time.perf_counter():.6f} ", "role": "assistant"}, **end)
        writer.write(b"%x\r\n%b\r\n" % (len(event), event))
        await asyncio.sleep(1)
    writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")
    await writer.drain()
    writer.close()


def _serve(port: multiprocessing.Queue[int]) -> None:
    async def run() -> None:
        server = await asyncio.start_server(_upstream, "127.0.0.1", 0, backlog=4096)
        port.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def _listen(target: Target, number: int, delays: list[float]) -> None:
    """Read a stream, and note how long each event took."""
    reader, writer = await asyncio.open_connection(*target.address)
    writer.write(target.requests[number % len(target.requests)])
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    ended = False
    while piece := await reader.read(65536):
        now = time.perf_counter()
        delays += (now - float(sent) for sent in SENT_AT.findall(piece))
        ended = ended or piece.endswith(b"0\r\n\r\n")
        if ended:
            break
    assert ended, "a stream was cut"
    writer.close()


async def _measure(target: Target, streams: int) -> Delays:
    before = _memory(target.process)
    delays: list[float] = []
    listeners = []
    for number in range(streams):
        listeners.append(asyncio.create_task(_listen(target, number, delays)))
        await asyncio.sleep(0.004)
    delays.clear()
    used = cpu_seconds(target.process)
    await asyncio.sleep(MEASURED)
    measured, memory, used = sorted(delays), _memory(target.process) - before, cpu_seconds(target.process) - used
    await asyncio.gather(*listeners)
    p50, p99 = (measured[len(measured) * share // 100] * 1000 for share in (50, 99))
    return Delays(p50, p99, memory / streams, used / len(measured) * 1000)


def _memory(process: int) -> int:
    """A process's resident memory in KB."""
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[0])


def measure(streams: int) -> Delays:
    """Put so many streams through a server."""
    port: multiprocessing.Queue[int] = multiprocessing.Queue()
    upstream = multiprocessing.Process(target=_serve, args=(port,), daemon=True)
    upstream.start()
    try:
        with toolkit(None, f"http://127.0.0.1:{port.get()}/api/v1", {**BODY, "stream": True}) as target:
            return in_own_process(partial(_measure, target, streams), EVENTS)
    finally:
        upstream.terminate()


def main() -> None:
    """Print the table."""
    for streams in map(int, sys.argv[1:] or STREAMS):
        print(
            f"{streams:5} streams: %.1f ms, p99 %.1f ms, %.0f KB each, %.3f ms of CPU an event" % measure(streams),
            flush=True,
        )


if __name__ == "__main__":
    main()
