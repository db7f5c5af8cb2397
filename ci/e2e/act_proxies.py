"""Act: the server behind the real nginx and the real HAProxy. A refusal reaches whoever is still sending, open streams
do not shut out calls, a balancer learns of an end in time, names that cannot match are refused at the start, and idle
connections live longer than a proxy keeps its own.

By hand: `python3 ci/e2e/act_proxies.py --binary PATH`; it needs Debian's packages nginx-light and haproxy."""

import argparse
import collections
import concurrent.futures
import http.client
import itertools
import pathlib
import random
import signal
import socket
import tempfile
import threading
import time

import load
import wire
from checks import Checks, want
from limited import allow, limited
from proxies import HAProxy, Nginx
from server import DOCUMENTS, Server, refused

USAGE = 64
HOST, ORIGIN = "docs.example.org", "https://docs.example.org"
# As behind a proxy that passes on what the client said; the bare address is ours.
NAMES = {"MCP_ALLOWED_HOSTS": f"{HOST},127.0.0.1", "MCP_ALLOWED_ORIGINS": ORIGIN}
DOCS = {"DOCS_PATH": str(DOCUMENTS)}

TIMES = 20
PIECE = 20_000
# Bodies that are refused before they are read: what, their length, headers, and the status.
EARLY = (
    ("900 kB from an Origin that is not allowed", 900_000, {"Origin": "https://x.example"}, 403),
    ("3 MB from an Origin that is not allowed", 3_000_000, {"Origin": "https://x.example"}, 403),
    ("3 MB from an Origin that is allowed", 3_000_000, {"Origin": ORIGIN}, 413),
    ("a small body for an Accept that cannot be met", PIECE, {"Accept": "text/html"}, 406),
)

# Nothing that a browser or a client says can ever match these.
NEVER = (
    ("MCP_ALLOWED_HOSTS", "*"),
    ("MCP_ALLOWED_HOSTS", "*.example.org"),
    ("MCP_ALLOWED_HOSTS", "https://docs.example.org"),
    ("MCP_ALLOWED_ORIGINS", "docs.example.org"),
    ("MCP_ALLOWED_ORIGINS", "*"),
)

FILES = 1024  # what a service has by default
STREAMS = 840
OPENERS = 8
ANSWER_SECONDS = 10

NOTICE = 7  # three questions that come every 2 s, and a second more
STEADY_SECONDS = 10
STEADY_CALLERS = 6
STEADY_CALLS = 500

IDLE_SECONDS = 62  # nginx and the balancers of clouds keep theirs for 60
POSTS = 200
POSTERS = 8
MOST_PAUSE = 3


def run(binary, folder, checks):
    """All of it; what mostly waits goes on beside the rest."""
    folder = made(folder, "proxies")
    with checks.check("proxies: everything runs from its start to its end"):
        allow(STREAMS + 400)
        with Server(binary, made(folder, "main"), **DOCS, **NAMES) as server:
            server.until_ready()
            address = server.address("mcp")
            with Nginx(folder, server) as nginx, HAProxy(folder, server) as haproxy, pool(16) as beside:
                ways = {"directly": address, "through nginx": nginx.address, "through HAProxy": haproxy.address}
                idle = beside.submit(after_idling, address)
                posts = beside.submit(paused_posts, nginx.address)
                starts = [beside.submit(start, binary, made(folder, f"start-{at}"), *it) for at, it in enumerate(NEVER)]
                early(checks, ways)
                named(checks, ways, server)
                slash(checks, ways)
                empty(binary, made(folder, "empty"), checks)
                streams(binary, made(folder, "streams"), checks)
                ending(binary, made(folder, "ending"), checks)
                settings(checks, starts)
                waited(checks, idle, posts)
            want(not server.panics() and server.process.poll() is None, f"panics: {server.panics()[:3]}")


def early(checks, ways):
    for way, address in ways.items():
        for what, length, more, wanted in EARLY:
            with checks.check(f"{way}: {what} is answered with {wanted}, {TIMES} times of {TIMES}"), pool(4) as clients:
                seen = collections.Counter(clients.map(lambda _: sent_whole(address, length, more), range(TIMES)))
                want(seen == {wanted: TIMES}, f"{dict(seen)}")


def sent_whole(address, length, more):
    """The status for a client that writes all before it reads, as most do; or what broke on its way."""
    headers = wire.modern("tools/list")[1] | {"Host": HOST, "Content-Length": length} | more
    head = "POST /mcp HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    try:
        with socket.create_connection(address, timeout=wire.SECONDS) as connection:
            connection.sendall(head.encode() + b"\r\n")
            for _ in range(length // PIECE):
                connection.sendall(b" " * PIECE)
                time.sleep(0.001)  # a network is slower than a loopback
            response = http.client.HTTPResponse(connection)
            response.begin()
            return response.status
    except (OSError, http.client.HTTPException) as error:
        return type(error).__name__


def named(checks, ways, server):
    """Who is refused for a name learns which setting says so, and so does whoever reads the log."""
    for header, setting, form in (
        ("Host", "MCP_ALLOWED_HOSTS", "{}.example.net"),
        ("Origin", "MCP_ALLOWED_ORIGINS", "https://{}.example.net"),
    ):
        for way, address in ways.items():
            value = form.format(f"{header}-{way}".lower().replace(" ", "-"))
            with checks.check(f"{way}: a refused {header} is answered with {setting} and the value, and logged once"):
                reply = wire.call(address, "list_sources", {}, **{"Host": HOST} | {header: value})
                want(reply.status == 403, f"{reply.status}")
                kind = reply.headers.get("content-type")
                want((kind or "").startswith("application/json"), f"Content-Type: {kind}: {reply.text()}")
                message = reply.message()
                sentence = message.get("error", {}).get("message", "")
                want(message.get("jsonrpc") == "2.0" and setting in sentence and value in sentence, reply.text())
                lines = until(lambda: telling(server, setting, value))  # the request's own line does not count
                want(len(lines) == 1, f"{len(lines)} lines: {lines[:2]}")
    for way, address in ways.items():
        with checks.check(f"{way}: a Host and an Origin that are named are answered"):
            reply = wire.call(address, "list_sources", {}, Host=HOST, Origin=ORIGIN)
            want(reply.status == 200 and "result" in reply.message(), f"{reply.status} {reply.text()[:300]}")


def telling(server, *words):
    """The lines of the log that have them all, but for those that every request has."""
    lines = server.log.read_text(errors="replace").splitlines()
    return [line for line in lines if all(word in line for word in words) and '"message":"request"' not in line]


def slash(checks, ways):
    """Many proxies' examples end a path with one."""
    body, headers = wire.modern("tools/list")
    for way, address in ways.items():
        with checks.check(f"{way}: /mcp/ answers as /mcp"):
            reply = wire.request(address, "POST", "/mcp/", body, headers | {"Host": HOST})
            want(reply.status == 200 and "result" in reply.message(), f"{reply.status} {reply.text()[:300]}")


def empty(binary, folder, checks):
    """A template of a deployment leaves them empty."""
    unset = {"MCP_ALLOWED_HOSTS": "", "MCP_ALLOWED_ORIGINS": ""}
    with checks.check("empty names are unset: loopback ones are allowed and others are not"):
        with Server(binary, folder, **DOCS, **unset) as server:
            server.until_ready()
            address = server.address("mcp")
            for more, wanted in (
                ({}, 200),
                ({"Host": "localhost"}, 200),
                ({"Origin": "http://localhost"}, 200),
                ({"Host": HOST}, 403),
                ({"Origin": ORIGIN}, 403),
            ):
                status = wire.call(address, "list_sources", {}, **more).status
                want(status == wanted, f"{status} for {more}")


def streams(binary, folder, checks):
    """Clients of revision 2025-11-25 hold a stream each, for as long as they live."""
    crowded = 'mcp_streams_closed_total{reason="crowded"}'
    with Server(limited(binary, folder, FILES), folder, **DOCS) as server:
        server.until_ready()
        with Nginx(folder, server) as nginx, HAProxy(folder, server) as haproxy:
            address = server.address("mcp")
            before = closed(server)
            with pool(OPENERS) as openers:
                of_each = list(openers.map(lambda _: opened(address, STREAMS // OPENERS), range(OPENERS)))
            held = [stream for some, _ in of_each for stream in some]
            with checks.check(f"with {FILES} descriptors, {STREAMS} clients open a stream each"):
                want(len(held) == STREAMS, f"{len(held)}, then: {[why for _, why in of_each if why][:2]}")
            ways = {"directly": address, "through nginx": nginx.address, "through HAProxy": haproxy.address}
            for way, to in ways.items():
                with checks.check(f"{way}: beside {STREAMS} clients with a stream, a call is answered within 10 s"):
                    reply = wire.request(to, "POST", "/mcp", *call_of(0), seconds=ANSWER_SECONDS)
                    want(reply.status == 200 and "result" in reply.message(), f"{reply.status}")
            with checks.check("and the server is ready"):
                reply = wire.get(server.address("admin"), "/readyz", seconds=ANSWER_SECONDS)
                want(reply.status == 200, f"{reply.status} {reply.text()}")
            with checks.check(f"and some streams made room: {crowded} grows"):
                after = closed(server)
                print(f"  {after - before:g} of {len(held)}", flush=True)
                want(after > before, f"{before:g} before, {after:g} after")
            for stream in held:
                stream.close()


def opened(address, count):
    """So many open streams, and why there are not more."""
    held = []
    for _ in range(count):
        try:
            stream = load.stream(address, load.session(address))
            held.append(stream)
            stream.settimeout(ANSWER_SECONDS)
            first = stream.recv(64)
        except (OSError, http.client.HTTPException) as error:
            return held, f"{type(error).__name__}: {error}"
        if b" 200 " not in first:
            return held, f"{first!r}"
    return held, None


def closed(server):
    page = wire.get(server.address("admin"), "/metrics", seconds=ANSWER_SECONDS).text()
    values = wire.samples(page, "mcp_streams_closed_total")
    return sum(value for labels, value in values if labels.get("reason") == "crowded")


def ending(binary, folder, checks):
    """A balancer that asks now and then has stopped sending before the port is closed."""
    notice = {"MCP_DRAIN_NOTICE": str(NOTICE)}
    with (
        Server(binary, made(folder, "one"), **DOCS, **notice) as one,
        Server(binary, made(folder, "other"), **DOCS, **notice) as other,
    ):
        one.until_ready()
        other.until_ready()
        with HAProxy(folder, one, other) as haproxy:
            name = "one of two servers behind HAProxy ends, and no call fails"
            with checks.check(name), pool(STEADY_CALLERS) as callers:
                over = threading.Event()
                calls = [callers.submit(steady, haproxy.address, over) for _ in range(STEADY_CALLERS)]
                time.sleep(1)
                one.process.send_signal(signal.SIGTERM)
                time.sleep(STEADY_SECONDS)
                over.set()
                seen = collections.Counter(itertools.chain.from_iterable(call.result() for call in calls))
                print(f"  {dict(seen)}", flush=True)
                want(set(seen) == {200} and seen[200] >= STEADY_CALLS, f"{dict(seen)}")
        with checks.check("and it ends by itself, with exit code 0"):
            code = one.process.wait(2 * NOTICE)
            want(code == 0, f"exit code {code}")


def steady(address, over):
    """What became of each call."""
    seen = []
    for turn in itertools.count():
        if over.is_set():
            return seen
        seen.append(status(address, call_of(turn)))
        time.sleep(0.04)


def start(binary, folder, name, value):
    """Exit code and what was said."""
    return refused(binary, folder, **DOCS, **{name: value})


def settings(checks, starts):
    for (name, value), done in zip(NEVER, starts):
        with checks.check(f"refuses {name}={value} at the start, with exit code {USAGE}"):
            code, said = done.result()
            want(code == USAGE, f"exit code {code}: {said}")
            want(name in said and value in said, said)


def waited(checks, idle, posts):
    with checks.check(f"{POSTS} calls through nginx, which keeps connections, are answered with 200"):
        seen = posts.result()
        want(seen == {200: POSTS}, f"{dict(seen)}")
    with checks.check(f"a connection that was idle for {IDLE_SECONDS} s is answered"):
        seen = idle.result()
        want(seen == 200, seen)


def after_idling(address):
    """The status of a second call on a connection, or why there is none."""
    connection = http.client.HTTPConnection(*address, timeout=IDLE_SECONDS)
    body, headers = call_of(0)
    connection.request("POST", "/mcp", body, headers | {"Host": HOST})
    connection.getresponse().read()
    since = time.monotonic()
    try:
        connection.sock.recv(1)
        return f"closed after {time.monotonic() - since:.1f} s"
    except TimeoutError:
        pass  # it lives
    connection.request("POST", "/mcp", body, headers | {"Host": HOST})
    return connection.getresponse().status


def paused_posts(address):
    """How many calls had which status: some come at once, some after a pause in which connections idle."""
    def some(at):
        chance = random.Random(at)
        for turn in range(POSTS // POSTERS):
            time.sleep(chance.uniform(0, MOST_PAUSE) if chance.random() < 0.6 else 0)
            yield status(address, call_of(at * POSTS + turn))

    with pool(POSTERS) as posters:
        return sum(posters.map(lambda at: collections.Counter(some(at)), range(POSTERS)), collections.Counter())


def status(address, asked):
    """Of a whole answer, or what went wrong instead."""
    body, headers = asked
    try:
        reply = wire.request(address, "POST", "/mcp", body, headers | {"Host": "127.0.0.1"}, seconds=ANSWER_SECONDS)
        return reply.status if reply.status != 200 or "result" in reply.message() else "no result"
    except (OSError, ValueError, IndexError, http.client.HTTPException) as error:
        return type(error).__name__


def call_of(turn):
    """Body and headers; a question that nobody asked before, or the sources."""
    if turn % 4:
        return wire.modern("tools/call", {"name": "list_sources", "arguments": {}})
    question = {"query": f"borrow {turn} {random.random()}"}
    return wire.modern("tools/call", {"name": "search_docs", "arguments": question})


def until(sought, seconds=2):
    """What is there at last: a log is written a little later. Waits once more, so that a second one is seen, too."""
    started = time.monotonic()
    while not sought() and time.monotonic() - started < seconds:
        time.sleep(0.05)
    time.sleep(0.2)
    return sought()


def pool(workers):
    return concurrent.futures.ThreadPoolExecutor(workers)


def made(folder, name):
    folder = pathlib.Path(folder, name)
    folder.mkdir()
    return folder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the server")
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="proxies-") as folder:
        run(options.binary, folder, checks)
    checks.end()


if __name__ == "__main__":
    main()
