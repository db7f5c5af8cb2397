"""Act: the metrics page as HTTP: its forms, its packing, its filter; and what the official parsers and promtool say of
it. What the scrapers make of it is another act."""

import gzip
import json
import pathlib
import socket
import subprocess

import pages
import wire
from checks import want
from pages import OPEN_METRICS, PROTOBUF, TEXT

HERE = pathlib.Path(__file__).parent
PARSE_SECONDS = 60
# What a scraper asks for, and what it must get.
OPEN = "application/openmetrics-text;version=1.0.0"
PROMETHEUS_3 = (
    f"{OPEN};escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
ACCEPTED = (
    ("nothing", None, TEXT),
    ("anything", "*/*", TEXT),
    ("Prometheus 3", PROMETHEUS_3, OPEN_METRICS),
    ("Prometheus 3 with native histograms", f"{PROTOBUF.replace(' ', '')};q=0.7,{PROMETHEUS_3}", PROTOBUF),
    ("text more than OpenMetrics", f"{OPEN};q=0.1,text/plain;version=0.0.4;q=0.9", TEXT),
    ("protobuf least", f"{PROTOBUF};q=0.1,{OPEN};q=0.2", OPEN_METRICS),
    ("no OpenMetrics at all", f"{OPEN};q=0,text/plain;q=0.1", TEXT),
)
# The conventions' own name: a gauge of connections by their state, where promtool expects a histogram's count.
LINTED = ('db_client_connection_count non-histogram and non-summary metrics should not have "_count" suffix',)


def run(server, checks, python):
    """`python` has the official parsers."""
    admin = server.address("admin")
    for name, accept, form in ACCEPTED:
        with checks.check(f"/metrics: who accepts {name} gets {form.split(';')[0]}"):
            reply = wire.get(admin, "/metrics", {"Accept": accept} if accept else {})
            want(reply.status == 200, f"{reply.status} {reply.text()[:300]}")
            want(reply.headers["content-type"] == form, f"{reply.headers['content-type']} came")
            want(pages.read(reply.body, form).total("mcp_server_requests_total") > 0, "it holds no request")
    for form in pages.FORMS:
        short = form.split(";")[0]
        with checks.check(f"/metrics: HEAD has the head of a page in {short}, and no body"):
            head(admin, form)
        with checks.check(f"/metrics: a page in {short} is packed for those who take gzip"):
            packed(admin, form)
        with checks.check(f"/metrics: name[] leaves two families of {short}"):
            some = pages.scrape(admin, form, "?name[]=sidelight_ready&name%5B%5D=mcp_server_requests_total")
            want(some.kinds == {"sidelight_ready": "gauge", "mcp_server_requests_total": "counter"}, f"{some.kinds}")
            want(some.total("mcp_server_requests_total") > 0, "it holds no request")
    official(admin, checks, python)


def head(admin, form):
    """Asks by hand: a client's library reads no body of a HEAD, whether there is one or not."""
    asked = f"HEAD /metrics HTTP/1.1\r\nHost: {admin[0]}:{admin[1]}\r\nAccept: {form}\r\nConnection: close\r\n\r\n"
    with socket.create_connection(admin, timeout=wire.SECONDS) as connection:
        connection.sendall(asked.encode())
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    want(status.split(" ")[1] == "200" and body == b"", f"{status}, {len(body)} bytes of body")
    want(headers.get("content-type") == form.lower(), f"{headers}")
    want(headers.get("vary") == "accept, accept-encoding", f"{headers}")


def packed(admin, form):
    plain = wire.get(admin, "/metrics", {"Accept": form, "Accept-Encoding": "gzip;q=0, zstd, br"})
    want("content-encoding" not in plain.headers, f"gzip was refused, and {plain.headers} came")
    reply = wire.get(admin, "/metrics", {"Accept": form, "Accept-Encoding": "zstd, gzip"})
    want(reply.headers.get("content-encoding") == "gzip", f"{reply.headers}")
    want(reply.headers["content-type"] == form, f"{reply.headers['content-type']} came")
    want(len(reply.body) < len(plain.body) / 2, f"{len(reply.body)} bytes of {len(plain.body)}")
    unpacked = pages.read(gzip.decompress(reply.body), form)
    want(unpacked.kinds == pages.read(plain.body, form).kinds, "it holds other families")


def official(admin, checks, python):
    for form, name in ((TEXT, "text"), (OPEN_METRICS, "openmetrics")):
        with checks.check(f"/metrics: the official parser reads {name}"):
            body = pages.fetch(admin, form)
            command = [python, str(HERE / "parse_page.py"), name]
            done = subprocess.run(command, input=body, capture_output=True, timeout=PARSE_SECONDS)
            want(done.returncode == 0, done.stderr.decode()[-300:])
            ours, theirs = pages.read(body, form), json.loads(done.stdout)
            want(len(theirs) == len(ours.kinds), f"it finds {len(theirs)} families, and we {len(ours.kinds)}")
            samples = len(ours.numbers) + sum(len(it.buckets) + 2 for it in ours.histograms.values())
            want(sum(theirs.values()) == samples, f"it finds {sum(theirs.values())} samples, and we {samples}")
    with checks.check("/metrics: promtool finds nothing but the conventions' own names"):
        command = ["promtool", "check", "metrics"]
        done = subprocess.run(command, input=pages.fetch(admin), capture_output=True, timeout=PARSE_SECONDS)
        found = set(done.stderr.decode().splitlines())
        want(done.returncode in (0, 3) and found == set(LINTED), f"exit code {done.returncode}: {found}")
