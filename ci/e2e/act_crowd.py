"""Act: crowds that hold connections and give nothing for them, while honest callers go on: slow heads, slow bodies,
clients that never read, and idle ones. Honest calls are answered about as soon as without them, and memory and log stay
small.

By hand: `python3 ci/e2e/act_crowd.py --binary PATH --seconds 8 --scale 0.2`."""

import argparse
import contextlib
import json
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time

import wire
from checks import Checks, want
from crowd import first_bytes
from honest import WORDS
from limited import allow, limited
from server import Server

HERE = pathlib.Path(__file__).parent
# Numbers of the full form.
KINDS = {"slow-heads": 2000, "slow-bodies": 2000, "non-readers": 2000, "idle": 5000}
FULL_SECONDS = 60
# What a service has by default. A smaller crowd meets a server with fewer, or it would not fill it; half of them is the
# least that a server is given anywhere.
FILES, FEWEST_FILES = 1024, 512

PAGES, PAGE_BYTES = 200, 3_000
LARGE, LARGE_BYTES = "docs://docs/large.txt", 250_000
# The longest that is read at all, but for a heading's length.
HUGE, HUGE_BYTES = "docs://docs/huge.txt", 8 * 1024 * 1024 - 100

# A longer comparison says no more.
BEFORE_MOST_SECONDS = 15
ANSWERED = 0.99
SLOWER = 2
# Below it nobody notices, and on two processors that a compiler has, too, a 99th percentile of some 15 ms doubles by
# itself. A server that is full is told apart all the same: whoever finds no place waits for a second, until TCP tries
# again.
FLOOR_MS = 100

READERS, READERS_SECONDS, READERS_MIB = 60, 10, 192
CRUMBLERS, CRUMBS, CRUMBS_MIB = 4, 10_000, 32
MEMORY_FACTOR, MEMORY_MIB = 1.5, 32
# An allocator gives back by steps of some 10 s, and by more of them where threads have little to do.
SETTLE_SECONDS = 60
LOG_LINES = 200
# Honest callers give up after 10 s, and begin none after their time.
LATE_SECONDS = 15


def run(binary, folder, checks, seconds=FULL_SECONDS, scale=1):
    folder = made(folder, "crowd")
    files = max(FEWEST_FILES, round(FILES * scale))
    few = limited(binary, folder, files)
    with checks.check("crowds: the server runs from its start to its end"):
        with filled(few, made(folder, "small"), small(folder)) as server:
            called(server, 2)  # what is made once is made now
            for kind, number in KINDS.items():
                crowd(server, checks, kind, max(1, round(number * scale)), seconds)
            crumbs(server, checks)
            want(server.process.poll() is None, f"it ended with {server.process.poll()}: {server.said[-3:]}")
    with checks.check("large replies: the server runs from its start to its end"):
        with filled(few, made(folder, "large"), large(folder)) as server:
            large_replies(server, checks)
            want(server.process.poll() is None, f"it ended with {server.process.poll()}: {server.said[-3:]}")


@contextlib.contextmanager
def filled(binary, folder, documents):
    """A server that did not read its documents itself: what is left of that would be memory to use again, unseen."""
    # neither is the profiler's table of the whole program, which is larger than all that is measured here
    given = {"DOCS_PATH": documents, "ENABLE_PROFILING": "false"}
    with Server(binary, folder, **given) as server:
        server.until_ready()
        server.terminate()
    with Server(binary, folder, **given) as server:
        server.until_ready()
        yield server


def crowd(server, checks, kind, number, seconds):
    """One kind by itself, and all that is wanted meanwhile and afterwards."""
    name = f"{number} {kind}"
    with checks.check(f"{name}: they came, for {seconds:g} s"):
        allow(number + 64)  # said here, where it is seen
        before = called(server, min(seconds, BEFORE_MOST_SECONDS))
        memory, lines = resident(server), len(told(server))
        with started("crowd.py", kind, *server.address("mcp"), number, seconds + LATE_SECONDS, LARGE) as crowd:
            during = called(server, seconds)
            most = resident(server)
            crowd.terminate()  # not before every honest call has its answer, or has none
            came = ended(crowd)
        after = settled(server, MEMORY_FACTOR * memory + MEMORY_MIB)
        print(f"  crowd: {came}", flush=True)
        print(f"  without: {before}", flush=True)
        print(f"  with:    {during}", flush=True)
        print(f"  resident: {memory:.0f} MiB before, {most:.0f} at its end, {after:.0f} afterwards", flush=True)
        want(came["seen"].get("connected"), "nobody could connect")
        honest(checks, name, before, during)
        with checks.check(f"{name}: when they left, memory is at most {MEMORY_FACTOR} of before + {MEMORY_MIB} MiB"):
            want(after <= MEMORY_FACTOR * memory + MEMORY_MIB, f"{memory:.0f} MiB before, {after:.0f} afterwards")
        with checks.check(f"{name}: the server lives, says so, and has not panicked"):
            status = wire.get(server.address("admin"), "/livez", seconds=10).status
            want(status == 200 and not server.panics(), f"/livez: {status}, {server.panics()[:3]}")
        with checks.check(f"{name}: fewer than {LOG_LINES} lines of the log are about it"):
            new = told(server)[lines:]
            want(len(new) < LOG_LINES, f"{len(new)}, such as {new[len(new) // 2 :][:1]}")


def honest(checks, name, before, during):
    with checks.check(f"{name}: at least {ANSWERED:.0%} of honest calls are answered within 10 s"):
        want(before["answered"] == before["calls"], f"not even without the crowd: {before}")
        share = during["answered"] / during["calls"]
        want(share >= ANSWERED, f"{during['answered']} of {during['calls']}: {during['wrong']}")
    most = max(SLOWER * before["p99_ms"], FLOOR_MS)
    with checks.check(f"{name}: the 99th percentile is at most {SLOWER} times of without, or {FLOOR_MS} ms"):
        want(during["p99_ms"] <= most, f"{before['p99_ms']} ms without, {during['p99_ms']} ms with")


def crumbs(server, checks):
    """A byte of a body that comes by itself may not hold a buffer of its own."""
    with checks.check(f"{CRUMBLERS} bodies of {CRUMBS} bytes that come one by one hold at most {CRUMBS_MIB} MiB"):
        before, some = resident(server), [socket.create_connection(server.address("mcp")) for _ in range(CRUMBLERS)]
        for one in some:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            one.sendall(first_bytes("slow-bodies", None))
        for _ in range(CRUMBS):
            for one in some:
                one.send(b" ")
            time.sleep(0.0002)  # so that each is read by itself
        more = resident(server) - before
        for one in some:
            one.close()
        print(f"  resident: {before:.0f} MiB before, {more:.0f} more", flush=True)
        want(more <= CRUMBS_MIB, f"{before:.0f} MiB before, then {more:.0f} more")


def large_replies(server, checks):
    """What a client does not fetch is not kept for it without end."""
    with checks.check(f"{READERS} clients that ask for 8 MiB and never read hold at most {READERS_MIB} MiB"):
        body, headers = wire.modern("resources/read", {"uri": HUGE})
        size = len(wire.request(server.address("mcp"), "POST", "/mcp", body, headers | {"Mcp-Name": HUGE}).body)
        want(size > HUGE_BYTES, f"the document has {size} bytes")
        before, seen = resident(server), []
        with started("crowd.py", "non-readers", *server.address("mcp"), READERS, READERS_SECONDS, HUGE) as crowd:
            while crowd.poll() is None:
                seen.append(resident(server) - before)
                time.sleep(0.1)
            came = ended(crowd)
        print(f"  crowd: {came}", flush=True)
        print(f"  resident: {before:.0f} MiB before, at most {max(seen):.0f} more, {seen[-1]:.0f} at last", flush=True)
        want(came["most"] >= READERS, f"only {came['most']} came")
        want(max(seen) <= READERS_MIB, f"{before:.0f} MiB before, then {max(seen):.0f} more")
    with checks.check("when they left, memory is given back"):
        after = settled(server, MEMORY_FACTOR * before + MEMORY_MIB)
        want(after <= MEMORY_FACTOR * before + MEMORY_MIB, f"{before:.0f} MiB before, {after:.0f} afterwards")
    with checks.check("and the server answers, and has not panicked"):
        seen = called(server, 2)
        want(seen["answered"] == seen["calls"] and not server.panics(), f"{seen} {server.panics()[:3]}")


def called(server, seconds):
    """What honest callers saw."""
    with started("honest.py", *server.address("mcp"), seconds, random.random()) as honest:
        return ended(honest)


def started(program, *arguments):
    """One of the programs beside this; ended by its process id if the block does not wait for it."""
    return Ours([sys.executable, HERE / program, *map(str, arguments)])


class Ours(subprocess.Popen):
    def __init__(self, command):
        super().__init__(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def __exit__(self, *why):
        if self.poll() is None:
            self.kill()
        super().__exit__(*why)


def ended(process):
    """What it printed."""
    said, wrong = process.communicate()
    if process.returncode:
        raise RuntimeError(wrong.strip().splitlines()[-1:])
    return json.loads(said)


def resident(server):
    """MiB."""
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) / 1024


def settled(server, most):
    """MiB, once they are no more than these, or do not become less. Somebody calls now and then: an allocator that has
    nothing to do gives nothing back."""
    started = time.monotonic()
    while (now := resident(server)) > most and time.monotonic() - started < SETTLE_SECONDS:
        wire.call(server.address("mcp"), "list_sources", {})
        time.sleep(0.2)
    return now


def told(server):
    """The lines of the log that are about no request."""
    return [line for line in server.log.read_text(errors="replace").splitlines() if '"message":"request"' not in line]


def small(folder):
    """Pages to find, and one that is too long for any buffer on its way."""
    documents, chance = made(folder, "docs"), random.Random(1)
    for at in range(PAGES):
        (documents / f"page-{at}.md").write_text(f"# Page {at}\n\n{text(chance, PAGE_BYTES)}")
    (documents / "large.txt").write_text(text(chance, LARGE_BYTES))
    return str(documents)


def large(folder):
    documents = made(made(folder, "of-large"), "docs")
    (documents / "huge.txt").write_text(text(random.Random(2), HUGE_BYTES))
    return str(documents)


def text(chance, size):
    """Sentences of words that are asked for."""
    words = " ".join(chance.choices(WORDS, k=size // 6)).split(" ")
    lines = (" ".join(words[at : at + 12]) for at in range(0, len(words), 12))
    return ".\n\n".join(lines)[:size]


def made(folder, name):
    folder = pathlib.Path(folder, name)
    folder.mkdir()
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the server")
    parser.add_argument("--seconds", type=float, default=FULL_SECONDS, help="how long each kind stays")
    parser.add_argument("--scale", type=float, default=1, help="the part of the full numbers")
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="crowd-") as folder:
        run(options.binary, folder, checks, options.seconds, options.scale)
    checks.end()


if __name__ == "__main__":
    main()
