"""Calls a tool as a client does that has a trace of its own: with a parent, a state and a correlation id. Looks at no
span."""

import dataclasses
import secrets

import load
import wire

STATE = "vendor=e2e,other=0"


@dataclasses.dataclass
class Called:
    """A call, by the client's ids, and its reply."""

    trace: str
    span: str
    correlation: str
    reply: wire.Reply
    session: str = None

    def meta(self):
        """What the result says of itself; an error has no such place."""
        return self.reply.message().get("result", {}).get("_meta", {})


def call(address, name, arguments, id="r-1", is_traced=True):
    """In the newest revision; a caller without a trace leaves it to the server whether there is one."""
    trace, span, correlation = ids()
    body, headers = wire.modern(
        "tools/call",
        {"name": name, "arguments": arguments},
        id=id,
        **(parent(trace, span) if is_traced else {}),
    )
    return Called(trace, span, correlation, post(address, body, headers, correlation))


def call_in_session(address, name, arguments, id=7):
    """In a session of 2025-11-25."""
    trace, span, correlation = ids()
    headers = load.session(address)
    params = {"name": name, "arguments": arguments, "_meta": parent(trace, span)}
    reply = post(address, load.message("tools/call", params, id=id), headers, correlation)
    return Called(trace, span, correlation, reply, headers["Mcp-Session-Id"])


def ids():
    """Of a trace, of a span, and one to find it by; never 0."""
    return f"1{secrets.token_hex(16)[1:]}", f"1{secrets.token_hex(8)[1:]}", f"e2e-{secrets.token_hex(8)}"


def parent(trace, span):
    """A parent that keeps its own part of the trace."""
    return {"traceparent": f"00-{trace}-{span}-01", "tracestate": STATE}


def post(address, body, headers, correlation):
    return wire.request(address, "POST", "/mcp", body, headers | {"X-Correlation-Id": correlation})
