"""Act: a receiver of traces that does harm costs the server's clients nothing, its memory little, and its end a moment;
and what was lost is counted. One server for each receiver, and one with a good one: they are called by turns, so that a
busy machine is busy for all of them."""

import concurrent.futures
import contextlib
import itertools
import statistics
import time

import wire
from checks import want
from receivers import HARMFUL, Good
from server import DOCUMENTS, Server

GOOD = "a good one"
WARM_UP = 20
CALLS = 500
# A loose bound: the machine may be another's, too.
TIMES, MORE_SECONDS = 3, 0.005
MEMORY = ("process_resident_memory_bytes", "jemalloc_allocated_bytes")
GROWTH_MIB = 64
LOSS_SECONDS = 10
# What the export may add to an end; a look at the clock, too.
END_SECONDS, LOOK_SECONDS = 3, 0.5


def run(options, checks, folder):
    name = "servers with receivers that do harm run from their start to their end"
    with checks.check(name), contextlib.ExitStack() as all_of:
        servers = {}
        for name, kind in ({GOOD: Good} | HARMFUL).items():
            receiver = all_of.enter_context(kind())
            servers[name] = all_of.enter_context(serve(options, folder, name, receiver))
        for server in servers.values():
            server.until_ready()
        by_turns(servers, WARM_UP)
        before = {name: memory(server) for name, server in servers.items()}
        seconds = by_turns(servers, CALLS)
        lost = load_until_lost(servers)
        growth = {name: grown(before[name], memory(server)) for name, server in servers.items()}
        by_turns(servers, WARM_UP)  # so that there is something to export at the end
        ends = ended(servers)
        judge(checks, seconds, lost)
        judge_ends(checks, servers, growth, ends)


def serve(options, folder, name, receiver):
    own = folder / name.replace(" ", "-").replace(",", "")
    own.mkdir()
    return Server(
        options.binary,
        own,
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url,
        OTEL_TRACE_SAMPLE_RATE="1",
        DOCS_PATH=str(DOCUMENTS),
    )


def by_turns(servers, calls):
    """How long each call took, by server."""
    took = {name: [] for name in servers}
    for turn in range(calls):
        for name, server in servers.items():
            started = time.monotonic()
            reply = wire.call(server.address("mcp"), "search_docs", {"query": f"borrow {turn}", "limit": 3})
            took[name].append(time.monotonic() - started)
            want(reply.status == 200 and "result" in reply.message(), f"{name}: {reply.status} {reply.text()[:300]}")
    return took


def load_until_lost(servers):
    """Goes on calling until each but the good one has lost spans, or the time is up; gives how many each has lost."""
    started, lost = time.monotonic(), {name: 0 for name in servers}
    for turn in itertools.count():
        waiting = {name: server for name, server in servers.items() if not lost[name] and name != GOOD}
        if not waiting or time.monotonic() - started > LOSS_SECONDS:
            break
        by_turns(waiting, 20)
        lost |= {name: dropped(server) for name, server in waiting.items()}
    print(f"  spans were lost within {time.monotonic() - started:.1f} s, {turn * 20} more calls each", flush=True)
    return {name: dropped(server) for name, server in servers.items()}


def samples(server, series):
    return wire.samples(wire.get(server.address("admin"), "/metrics").text(), series)


def dropped(server):
    return sum(value for labels, value in samples(server, "sidelight_dropped_total") if labels["signal"] == "traces")


def memory(server):
    """In MiB: what the system has given it, and what it has asked for itself. The first falls a while after the start."""
    return [samples(server, series)[0][1] / (1 << 20) for series in MEMORY]


def grown(before, after):
    return [late - early for early, late in zip(before, after)]


def ended(servers):
    """SIGTERM to all of them at once; exit codes and seconds."""
    with concurrent.futures.ThreadPoolExecutor(len(servers)) as pool:
        ends = {name: pool.submit(server.terminate) for name, server in servers.items()}
    return {name: end.result() if not end.exception() else (f"{end.exception()}", None) for name, end in ends.items()}


def judge(checks, seconds, lost):
    medians = {name: statistics.median(took) for name, took in seconds.items()}
    print(f"  {GOOD}: {medians[GOOD] * 1000:.2f} ms", flush=True)
    for name in HARMFUL:
        with checks.check(f"receivers: {name}: the median of {CALLS} calls is about that with {GOOD}"):
            print(f"  {medians[name] * 1000:.2f} ms, {medians[name] / medians[GOOD]:.2f} times as long", flush=True)
            want(medians[name] < TIMES * medians[GOOD] + MORE_SECONDS, f"{medians[name]} s, and not {medians[GOOD]} s")
        with checks.check(f"receivers: {name}: lost spans are counted"):
            print(f"  {lost[name]:g} spans", flush=True)
            want(lost[name] > 0, "none are")
    with checks.check(f"receivers: {GOOD}: no span is lost"):
        want(lost[GOOD] == 0, f"{lost[GOOD]:g} are")


def judge_ends(checks, servers, growth, ends):
    for name, server in servers.items():
        code, seconds = ends[name]
        with checks.check(f"receivers: {name}: memory stays in its bounds"):
            print(f"  resident {growth[name][0]:+.1f} MiB, allocated {growth[name][1]:+.1f} MiB", flush=True)
            want(max(growth[name]) < GROWTH_MIB, f"MiB more: {growth[name]}")
        with checks.check(f"receivers: {name}: SIGTERM ends the server, the export within {END_SECONDS} s"):
            want(code == 0, f"exit code {code}")
            usual = ends[GOOD][1] or 0
            print(f"  after {seconds:.1f} s, {max(0, seconds - usual):.1f} s of it for the export", flush=True)
            want(seconds - usual < END_SECONDS + LOOK_SECONDS, f"{seconds:.1f} s, and {usual:.1f} s with {GOOD}")
        with checks.check(f"receivers: {name}: nothing panicked"):
            want(not server.panics(), f"{server.panics()[:3]}")
