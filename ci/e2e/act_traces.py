"""Act: traces leave the real server and pass a real collector, once for a client that has a trace of its own and once
for one that leaves it to the server. Receivers that do harm, and spans that others made, are two acts that run here
because they are about traces, too; what a trace must be is judged in `judge_traces.py`."""

import pathlib

import act_foreign
import act_receivers
import judge_traces
import pages
import spans
from callers import call, call_in_session
from checks import want
from collectors import Rotel
from fakes import Model, Receiver
from judge_traces import ENVIRONMENT, MODEL
from server import DOCUMENTS, Server
from talk import QUESTION


def run(options, checks, folder):
    folder = pathlib.Path(folder, "traces")
    folder.mkdir()
    with checks.check("the collector, and the servers that send to it, run from their start to their end"):
        with Receiver() as receiver, Rotel(options.python_rotel, folder, receiver.url) as rotel:
            sampled(options, checks, folder, rotel, receiver)
            unsampled(options, checks, folder, rotel, receiver)
            act_foreign.run(options, checks, folder, rotel, receiver)
            want(rotel.process.poll() is None, "the collector has ended")
    act_receivers.run(options, checks, folder)


def serve(options, folder, name, rotel, rate, **more):
    """A server that sends to the collector."""
    own = folder / name
    own.mkdir()
    settings = {"OTEL_EXPORTER_OTLP_ENDPOINT": rotel.url, "OTEL_TRACE_SAMPLE_RATE": rate, "DOCS_PATH": str(DOCUMENTS)}
    return Server(options.binary, own, **settings | more)


def sampled(options, checks, folder, rotel, receiver):
    with Model() as model:
        settings = {
            "EMBEDDINGS_URL": f"{model.url}/v1/embeddings",
            "EMBEDDINGS_MODEL": MODEL,
            "ENVIRONMENT": ENVIRONMENT,
        }
        with serve(options, folder, "sampled", rotel, "1", **settings) as server:
            server.until_ready()
            calls = told(server.address("mcp"))
            receiver.settled(lambda: all(spans.root(receiver.of(it.trace), it.span) for it in calls.values()))
            page = pages.fetch(server.address("admin"), pages.OPEN_METRICS).decode()
            receiver.settled(lambda: True)
            code, _ = server.terminate()
            with checks.check("traces: the server ends well"):
                want(code == 0 and not server.panics(), f"exit code {code}, {server.panics()[:3]}")
        judge_traces.run(checks, server, model, receiver, calls)
        judge_traces.exemplars(checks, page, receiver)


def told(address):
    """Every way a call can go."""
    search = {"query": QUESTION, "limit": 3}
    return {
        "a search": call(address, "search_docs", search),
        "the same search": call(address, "search_docs", search),
        "a like search": call(address, "search_docs", search | {"limit": 2}),
        "an unknown tool": call(address, "no_such_tool", {}, id="r-2"),
        "bad arguments": call(address, "search_docs", {"limit": "many"}),
        "a search in a session": call_in_session(address, "search_docs", {"query": "how do I publish a crate"}),
    }


def unsampled(options, checks, folder, rotel, receiver):
    """The client leaves it to the server, which keeps nothing but what fails."""
    with serve(options, folder, "unsampled", rotel, "0") as server:
        server.until_ready()
        address = server.address("mcp")
        good = call(address, "search_docs", {"query": QUESTION}, is_traced=False)
        bad = [
            call(address, "no_such_tool", {}, is_traced=False),
            call(address, "search_docs", {"limit": "many"}, is_traced=False),
        ]

        def of(it):
            return [span for span in receiver.spans if span.attributes.get("correlation_id") == it.correlation]

        receiver.settled(lambda: all(map(of, bad)))
        with checks.check("traces: at a rate of 0 a call that fails arrives all the same, and says why"):
            reasons = [{span.attributes.get("sampling.reason") for span in of(it)} - {None} for it in bad]
            want(reasons == [{"error"}] * len(bad), f"{reasons}")
        with checks.check("traces: at a rate of 0 a call that succeeds does not arrive"):
            want("result" in good.reply.message() and not of(good), f"{len(of(good))} spans")
