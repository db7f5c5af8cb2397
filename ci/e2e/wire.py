"""HTTP and MCP by hand, so that a request can be wrong on purpose. Only the standard library; follows nothing, retries
nothing."""

import dataclasses
import http.client
import json
import re
import select
import socket

MODERN = "2026-07-28"
SECONDS = 30


@dataclasses.dataclass
class Reply:
    """Status, headers by lower-case name, body."""

    status: int
    headers: dict
    body: bytes

    def text(self):
        return self.body.decode(errors="replace")

    def message(self):
        """The last JSON-RPC message of the body: plain, or the data of an event stream."""
        if not self.headers.get("content-type", "").startswith("text/event-stream"):
            return json.loads(self.body)
        data = [line[5:].strip() for line in self.text().splitlines() if line.startswith("data:")]
        return json.loads([line for line in data if line][-1])


def request(address, method, path, body=None, headers=None, seconds=SECONDS):
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(*address, timeout=seconds)
    try:
        connection.request(method, path, body=body, headers=headers or {})
        return received(connection.getresponse())
    finally:
        connection.close()


def received(response):
    return Reply(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def get(address, path, headers=None, seconds=SECONDS):
    return request(address, "GET", path, headers=headers, seconds=seconds)


def modern(method, params=None, version=MODERN, id=1, **more):
    """Body and headers of a request of the newest revision; `more` stands in its `_meta`."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "by-hand", "version": "0"},
    }
    params = dict(params or {}) | {"_meta": meta | more}
    headers = {
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
        "Mcp-Method": method,
    }
    if "name" in params:
        headers["Mcp-Name"] = params["name"]
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).encode(), headers


def call(address, name, arguments, **more):
    """`tools/call` of the newest revision."""
    body, headers = modern("tools/call", {"name": name, "arguments": arguments})
    return request(address, "POST", "/mcp", body, headers | more)


def flood(address, path, length, chunked):
    """Sends a body of `length` bytes until the server answers; a server that answers early need not read it all."""
    head = f"POST {path} HTTP/1.1\r\nHost: {address[0]}:{address[1]}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in modern("tools/list")[1].items())
    head += "Transfer-Encoding: chunked\r\n\r\n" if chunked else f"Content-Length: {length}\r\n\r\n"
    piece = b" " * 65536
    framed = b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
    with socket.create_connection(address, timeout=SECONDS) as wire:
        wire.sendall(head.encode())
        sent = 0
        try:
            while sent < length and not select.select([wire], [], [], 0)[0]:
                wire.sendall(framed)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and closed; what it said is read below
        response = http.client.HTTPResponse(wire)
        response.begin()
        return response.status


def samples(text, name):
    """The samples of one series in a Prometheus text: pairs of labels and value."""
    line = re.compile(rf"^{re.escape(name)}(?:\{{(.*)\}})? (\S+)", re.MULTILINE)
    label = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
    return [(dict(label.findall(labels or "")), float(value)) for labels, value in line.findall(text)]
