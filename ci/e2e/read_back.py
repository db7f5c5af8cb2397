"""Lets the real server send the trace of one call to a store of traces, Phoenix or Jaeger, and reads it back from
there: it must be the same tree. Prints as `drive.py` does. What a span says is checked by the act `traces`, from its
wire."""

import argparse
import json
import pathlib
import tempfile
import time

import spans
import store_jaeger
from callers import call
from checks import Checks, want
from server import DOCUMENTS, Server
from store_jaeger import Jaeger
from store_phoenix import Phoenix
from talk import QUESTION

READ_SECONDS = 60
QUIET_SECONDS = 2
NAMES = {"tools/call search_docs", "full_text", "nearest"}
# In the form of Jaeger's API, written by hand: what reads it can be checked without a Jaeger.
SAVED = pathlib.Path(__file__).parent / "jaeger_trace.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", required=True, help="the server")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--phoenix", metavar="PYTHON", help="an interpreter with arize-phoenix")
    which.add_argument("--jaeger", metavar="BINARY", help="a Jaeger, version 2")
    options = parser.parse_args()
    checks = Checks()
    saved(checks)
    with tempfile.TemporaryDirectory(prefix="e2e-") as folder:
        kind, program = (Phoenix, options.phoenix) if options.phoenix else (Jaeger, options.jaeger)
        with checks.check(f"{kind.__name__} runs from its start to its end"):
            started = time.monotonic()
            with kind(program, folder) as store:
                print(f"  ready after {time.monotonic() - started:.1f} s", flush=True)
                read_back(options, checks, folder, store)
    checks.end()


def saved(checks):
    with checks.check("an answer in Jaeger's form is read as the tree that it is"):
        answer = json.loads(SAVED.read_text())
        trace, client = answer["data"][0]["traceID"], "00f067aa0ba902b7"
        judge(store_jaeger.read(answer, trace), client, "saved-1")
        root = spans.root(store_jaeger.read(answer, trace), client)
        want((root.kind, root.status, root.resource["service.name"]) == ("SERVER", "ERROR", "mcp"), f"{root}")
        kinds = {span.kind for span in store_jaeger.read(answer, trace) if span is not root and span.parent == root.id}
        want(kinds == {"CLIENT"}, f"{kinds}")
        want(root.differs({"jsonrpc.request.id": "r-1"}) == {}, f"{root.attributes}")


def read_back(options, checks, folder, store):
    own = pathlib.Path(folder, "server")
    own.mkdir()
    sends = {"OTEL_EXPORTER_OTLP_ENDPOINT": store.url, "OTEL_TRACE_SAMPLE_RATE": "1", "DOCS_PATH": str(DOCUMENTS)}
    with Server(options.binary, own, **sends | store.settings) as server:
        server.until_ready()
        it = call(server.address("mcp"), "search_docs", {"query": QUESTION, "limit": 3})
        bad = call(server.address("mcp"), "search_docs", {"limit": "many"})
        with checks.check(f"{store.name}: the trace of a call comes back as one tree below the client's span"):
            found = settled(store, it)
            print("\n".join(spans.shown(found, it.span)), flush=True)
            judge(found, it.span, it.correlation)
        with checks.check(f"{store.name}: a call that failed comes back as one that did"):
            failed = settled(store, bad)
            wrong = spans.wrong(failed, bad.span)
            want(not wrong, f"{wrong}")
            root = spans.root(failed, bad.span)
            wrong = root.differs({"error.type": "tool_error", "correlation_id": bad.correlation})
            want(root.status == "ERROR" and not wrong, f"{root.status}, not as wanted: {wrong}")
        with checks.check("the server ends well"):
            code, _ = server.terminate()
            want(code == 0 and not server.panics(), f"exit code {code}, {server.panics()[:3]}")


def settled(store, it):
    """The spans of a call, once nothing has come for a while."""
    deadline = time.monotonic() + READ_SECONDS
    found, since = [], time.monotonic()
    while time.monotonic() < deadline and (not found or time.monotonic() - since < QUIET_SECONDS):
        time.sleep(0.25)
        now = store.spans(it.trace)
        if len(now) != len(found):
            found, since = now, time.monotonic()
    want(found, f"nothing of the trace came within {READ_SECONDS} s")
    return found


def judge(found, client, correlation):
    wrong = spans.wrong(found, client)
    want(not wrong, f"{wrong}")
    names = {span.name for span in found}
    want(NAMES <= names, f"spans: {names}")
    root = spans.root(found, client)
    wanted = {"mcp.method.name": "tools/call", "gen_ai.tool.name": "search_docs", "correlation_id": correlation}
    want(not root.differs(wanted), f"not as wanted: {root.differs(wanted)}")
    want(root.kind in ("SERVER", "UNSPECIFIED"), f"the root is a span of kind {root.kind}")  # not every store keeps it
    queries = [span for span in found if span.name in NAMES - {root.name}]
    wrong = [it.differs({"db.system.name": "sqlite", "db.operation.name": it.name}) for it in queries]
    want(not any(wrong), f"not as wanted: {wrong}")


if __name__ == "__main__":
    main()
