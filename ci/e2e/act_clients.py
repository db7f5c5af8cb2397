"""Act: both official clients over HTTP, and the request counter that must have seen each call exactly once."""

import os
import pathlib
import re
import subprocess
import time

import wire
from checks import want

HERE = pathlib.Path(__file__).parent
CLIENT_SECONDS = 180
SETTLE_SECONDS = 5


def run(options, server, checks):
    for script, python in (("talk_2.py", options.python_2), ("talk_1.py", options.python_1)):
        for part in ("talk", "cancel"):
            before = tool_calls(server)
            made, cancelled = client(checks, python, script, part, "--http", server.urls["mcp"])
            with checks.check(f"{script} {part}: the counter grew by the calls made"):
                want(made > 0, "no call was made")
                grown = settled(server, before, made)
                want(made <= grown <= made + cancelled, f"{made} made, {cancelled} cancelled, {grown:g} counted")


def client(checks, python, script, part, *where, env=None):
    """Runs a client's program, whose counts join ours; gives how many calls it made, and how many it cancelled."""
    print(f"--- {script} {part} {where[0]} ---", flush=True)
    command = [python, str(HERE / script), part, *where]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=CLIENT_SECONDS, env=env or os.environ)
        said = done.stdout
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode() if isinstance(late.stdout, bytes) else late.stdout or ""
    print(said, end="", flush=True)
    counts = re.search(r"^(\d+) passed, (\d+) failed$", said, re.MULTILINE)
    with checks.check(f"{script} {part} {where[0]} runs to its end"):
        want(counts, "it did not come to its counts")
    if counts:
        checks.add(int(counts[1]), int(counts[2]))
    calls = re.search(r"^calls (\d+) (\d+)$", said, re.MULTILINE)
    return (int(calls[1]), int(calls[2])) if calls else (0, 0)


def tool_calls(server):
    """How many `tools/call` the server has counted, whatever their outcome."""
    text = wire.get(server.address("admin"), "/metrics").text()
    rows = wire.samples(text, "mcp_server_requests_total")
    return sum(value for labels, value in rows if labels.get("mcp_method_name") == "tools/call")


def settled(server, before, made):
    """How far the count has grown: a reply may be with the client a moment before its outcome is counted."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while (grown := tool_calls(server) - before) < made and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(0.5)
    return max(grown, tool_calls(server) - before)
