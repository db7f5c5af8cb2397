"""What the traces of calls must be: one tree each, with the attributes that the conventions ask for, and the same ids
in the log, in the exemplars and at the server that ours asks. Starts nothing, and calls nobody."""

import json
import re

import pages
import spans
import wire
from callers import STATE
from checks import want

# What the server that is judged was started with.
MODEL, ENVIRONMENT = "small", "e2e"
EXEMPLAR = re.compile(r"^(\w+)\{.* # \{(.*)\} ", re.MULTILINE)


def run(checks, server, model, receiver, calls):
    """`calls` by their names, in words; all of them have arrived."""
    got = {name: receiver.of(it.trace) for name, it in calls.items()}
    for name, it in calls.items():
        with checks.check(f"traces: {name} is one tree below the client's span"):
            print("\n".join(spans.shown(got[name], it.span)), flush=True)
            want(it.reply.status == 200, f"{it.reply.status} {it.reply.text()[:300]}")
            wrong = spans.wrong(got[name], it.span)
            want(not wrong, f"{wrong}")
    roots(checks, got, calls)
    for name in ("a search", "a search in a session"):
        inside(checks, name, got[name])
    asked(checks, model, got["a search"], calls["a search"])
    cached(checks, got)
    lines(checks, server, got, calls)
    with checks.check("traces: every span says whose it is"):
        wanted = {"service.name": "mcp", "service.version": str, "deployment.environment.name": ENVIRONMENT}
        found = {name: {meet(span.resource, wanted) for span in every} for name, every in got.items()}
        want(all(it == {""} for it in found.values()), f"{found}")


def meet(found, wanted):
    """What is not as wanted, as text."""
    wrong = {name: found.get(name) for name, value in wanted.items() if not spans.meets(found.get(name), value)}
    return f"{wrong}" if wrong else ""


def roots(checks, got, calls):
    common = {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "network.transport": "tcp",
        "network.protocol.name": "http",
        "sampling.reason": "head",
    }
    search = common | {"gen_ai.tool.name": "search_docs", "jsonrpc.request.id": "r-1"}
    refused = {"error.type": "-32602", "rpc.response.status_code": "-32602", "jsonrpc.request.id": "r-2"}
    wanted = {
        "a search": (search, "UNSET"),
        "an unknown tool": (common | refused, "ERROR"),
        "bad arguments": (search | {"error.type": "tool_error"}, "ERROR"),
        "a search in a session": (search | {"jsonrpc.request.id": "7"}, "UNSET"),
    }
    for name, (attributes, status) in wanted.items():
        it = calls[name]
        root = spans.root(got[name], it.span)
        revision = {"mcp.protocol.version": "2025-11-25" if it.session else wire.MODERN}
        with checks.check(f"traces: the root of {name} is a server's, and says what the conventions ask"):
            want(root, "there is none")
            wrong = root.differs(attributes | revision | {"correlation_id": it.correlation})
            want(not wrong, f"not as wanted: {wrong}")
            named = root.attributes.get("mcp.session.id", "")
            want(bool(named) == bool(it.session), f"it names the session {named!r}")
            want(not it.session or it.session not in f"{root.attributes}", "whoever reads it can speak in the session")
            want((root.kind, root.status) == ("SERVER", status), f"{root.kind}, {root.status}")
            want("search" not in name or root.name == "tools/call search_docs", f"`{root.name}`")
            want(status == "ERROR" or "error.type" not in root.attributes, f"{root.attributes}")
            late = [span.name for span in got[name] if span.parent == root.id and not (root.start <= span.start <= span.end <= root.end)]
            want(not late, f"{late} begin before it or end after it")


def inside(checks, name, every):
    with checks.check(f"traces: {name} shows what the store was asked, and how many rows it gave"):
        asked = [span for span in every if "db.system.name" in span.attributes]
        names = {span.name for span in asked}
        want({"full_text", "nearest"} <= names, f"queries: {names}")
        for span in asked:
            rows = {"db.response.returned_rows": int} if span.name in ("full_text", "nearest") else {}
            wrong = span.differs({"db.system.name": "sqlite", "db.operation.name": span.name} | rows)
            want(span.kind == "CLIENT" and not wrong, f"`{span.name}`, {span.kind}: not as wanted: {wrong}")
    with checks.check(f"traces: {name} shows the question that became a vector"):
        embeddings = [span for span in every if span.name == f"embeddings {MODEL}"]
        want(len(embeddings) == 1, f"spans: {[span.name for span in every]}")
        wanted = {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": MODEL,
            "gen_ai.embeddings.batch_size": 1,
            "gen_ai.usage.input_tokens": int,
        }
        wrong = embeddings[0].differs(wanted)
        want(embeddings[0].kind == "CLIENT" and not wrong, f"{embeddings[0].kind}, not as wanted: {wrong}")
    with checks.check(f"traces: {name} shows the reply's stream"):
        want([span.name for span in every].count("stream") == 1, f"spans: {[span.name for span in every]}")


def asked(checks, model, every, it):
    with checks.check("traces: the model's server is told the trace, the client's state and the correlation id"):
        found = [headers for headers in model.asked if headers.get("x-correlation-id") == it.correlation]
        want(len(found) == 1, f"{len(found)} of {len(model.asked)} requests came with the correlation id")
        version, trace, span, flags = found[0].get("traceparent", "---").split("-")
        want((version, trace, flags) == ("00", it.trace, "01"), f"{found[0]}")
        want(span in {one.id for one in every}, f"`{span}` is no span of the trace")
        want(found[0].get("tracestate") == STATE, f"{found[0]}")


def cached(checks, got):
    wanted = {
        "a search": {"search_results": "miss", "query_vectors": "miss"},
        "the same search": {"search_results": "hit"},
        "a like search": {"search_results": "miss", "query_vectors": "hit"},
    }
    for name, results in wanted.items():
        with checks.check(f"traces: {name} shows what the caches gave"):
            lookups = [span for span in got[name] if span.name.startswith("lookup ")]
            found = {span.name.removeprefix("lookup "): span.attributes.get("cache.result") for span in lookups}
            want(found == results and len(lookups) == len(found), f"{[(it.name, it.attributes) for it in lookups]}")


def lines(checks, server, got, calls):
    said = [json.loads(line) for line in server.log.read_text().splitlines() if '"request"' in line]
    for name, it in calls.items():
        with checks.check(f"traces: {name} is one line of the log, with the ids of its root and of its result"):
            mine = [line for line in said if line.get("correlation_id") == it.correlation]
            want(len(mine) == 1, f"{len(mine)} lines")
            root = spans.root(got[name], it.span)
            ids = (mine[0].get("trace_id"), mine[0].get("span_id"))
            want(root and ids == (it.trace, root.id), f"{mine[0]}, and the root is `{root and root.id}`")
            is_ok = root.status != "ERROR"
            fields = {"message": "request", "method": "tools/call", "outcome": "ok" if is_ok else "error", "tool": str}
            wrong = meet(mine[0], fields | {"duration_seconds": float, "bytes": int, "client": str})
            want(not wrong, f"not as wanted: {wrong}")
            result = it.meta().get("sidelight/correlationId")
            want(result == it.correlation or "error" in it.reply.message(), f"the result says `{result}`")
            want(it.reply.headers.get("x-correlation-id") == it.correlation, f"{it.reply.headers}")


def exemplars(checks, page, receiver):
    with checks.check("traces: every exemplar on the metrics page is a span that the collector has"):
        known = {(span.trace, span.id) for span in receiver.spans}
        found = [(series, dict(pages.LABEL.findall(labels))) for series, labels in EXEMPLAR.findall(page)]
        strangers = [it for it in found if (it[1].get("trace_id"), it[1].get("span_id")) not in known]
        print(f"  {len(found)} exemplars, {len(known)} spans", flush=True)
        want(found and not strangers, f"{len(found)} in all, strangers: {strangers[:3]}")
