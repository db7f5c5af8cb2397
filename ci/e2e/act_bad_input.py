"""Act: requests that are wrong on purpose are refused with the right status, and the server lives on."""

import wire
from checks import want

FLOOD_BYTES = 100_000_000


def run(server, checks):
    address = server.address("mcp")
    refuse_message(address, checks)
    refuse_origin(address, checks)
    for chunked in (False, True):
        with checks.check(f"a body of 100 MB is refused ({'chunked' if chunked else 'with its length'})"):
            status = wire.flood(address, "/mcp", FLOOD_BYTES, chunked)
            want(status == 413, f"status {status}")
    with checks.check("the server lives on"):
        reply = wire.call(address, "list_sources", {})
        want(reply.status == 200 and "result" in reply.message(), f"{reply.status} {reply.text()}")


def refuse_message(address, checks):
    good, headers = wire.modern("tools/list")
    with checks.check("malformed JSON is refused"):
        status = wire.request(address, "POST", "/mcp", b'{"jsonrpc": "2.0", "id": ', headers).status
        want(400 <= status < 500, f"status {status}")
    with checks.check("JSON that is no JSON-RPC is refused"):
        status = wire.request(address, "POST", "/mcp", b'{"hello": [1, 2]}', headers).status
        want(400 <= status < 500, f"status {status}")
    with checks.check("an unknown revision is refused"):
        body, unknown = wire.modern("tools/list", version="2027-01-01")
        reply = wire.request(address, "POST", "/mcp", body, unknown)
        want(reply.status == 400 and b"-32022" in reply.body, f"{reply.status} {reply.text()}")
    with checks.check("a header that contradicts the body is refused"):
        reply = wire.request(address, "POST", "/mcp", good, headers | {"Mcp-Method": "tools/call"})
        want(reply.status == 400, f"{reply.status} {reply.text()}")


def refuse_origin(address, checks):
    body, headers = wire.modern("tools/list")
    for name in ("Host", "Origin"):
        forged = "evil.example" if name == "Host" else "http://evil.example"
        with checks.check(f"a forged {name} is refused"):
            status = wire.request(address, "POST", "/mcp", body, headers | {name: forged}).status
            want(status == 403, f"status {status}")
