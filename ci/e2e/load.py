"""Keeps the server at work in every way that it counts: tools, other methods, errors, sessions, streams, clients that
leave. Says which request was not answered as it should be; measures nothing."""

import itertools
import json
import socket
import threading
import time

import wire

OLD = "2025-11-25"
PLAIN = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
HELLO = {"protocolVersion": OLD, "capabilities": {}, "clientInfo": {"name": "by-hand", "version": "0"}}
WORDS = "borrow lifetime trait closure macro iterator pattern module future unsafe slice crate".split()
STREAM_SECONDS = 120


class Load:
    """Two threads, for as long as the block takes, and one stream that is open all the time."""

    THREADS = 2

    def __init__(self, server):
        self.address = server.address("mcp")
        self.admin = server.address("admin")
        self.over = threading.Event()
        self.document = None
        self.wrong = []
        self.requests = 0
        self.threads = [threading.Thread(target=self._work, args=(at,), daemon=True) for at in range(self.THREADS)]

    def __enter__(self):
        self.stream = stream(self.address, session(self.address))
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join(wire.SECONDS)
        self.stream.close()

    def _work(self, at):
        questions = (f"{one} {other} {turn}" for turn in itertools.count() for one in WORDS for other in WORDS)
        for question in itertools.islice(questions, at, None, self.THREADS):
            for name, wanted, work in self._round(question):
                if self.over.is_set():
                    return
                self._try(name, wanted, work)

    def _try(self, name, wanted, work):
        try:
            got = work()
        except Exception as error:  # whatever it was, the request was not answered
            got = f"{type(error).__name__}: {error}"
        self.requests += 1
        if got != wanted:
            self.wrong.append(f"{name}: {got}, and not {wanted}")

    def _round(self, question):
        """Names, wanted answers, and requests."""
        body, headers = wire.modern("tools/list")
        forged = headers | {"Origin": "http://evil.example"}
        yield "search_docs", "ok", lambda: self._search(question)
        yield "search_docs, again", "ok", lambda: self._search(question)
        yield "list_sources", "ok", lambda: self._call("list_sources", {})
        if self.document:
            yield "read_document", "ok", lambda: self._call("read_document", {"id": self.document})
        yield "a document of nobody's", "error", lambda: self._call("read_document", {"id": "nobody/nothing"})
        yield "bad arguments", "error", lambda: self._call("search_docs", {"limit": "many"})
        yield "an unknown tool", "refused", lambda: self._call("no_such_tool", {})
        for method in ("tools/list", "resources/list", "server/discover"):
            yield method, "ok", lambda: self._ask(method)
        yield "a method of nobody's", "refused", lambda: self._ask("no/such/method")
        yield "a forged Origin", 403, lambda: wire.request(self.address, "POST", "/mcp", body, forged).status
        yield "an unknown path", 404, lambda: wire.get(self.address, "/nowhere").status
        yield "a whole session", [200, 200, 2], lambda: whole_session(self.address)
        yield "a client that leaves", None, lambda: leave(self.address, question)
        yield "the heap", 200, lambda: wire.get(self.admin, "/debug/pprof/heap").status
        yield "a page of nobody's", 404, lambda: wire.get(self.admin, "/nobody").status

    def _call(self, name, arguments):
        return ending(wire.call(self.address, name, arguments))

    def _search(self, question):
        reply = wire.call(self.address, "search_docs", {"query": question, "limit": 3})
        hits = reply.message().get("result", {}).get("structuredContent", {}).get("hits")
        if hits:  # at first there are no documents
            self.document = hits[0]["id"]
        return ending(reply)

    def _ask(self, method):
        body, headers = wire.modern(method)
        return ending(wire.request(self.address, "POST", "/mcp", body, headers))


def ending(reply):
    """How a request ended."""
    message = reply.message()
    if "error" in message:
        return "refused"
    return "error" if message["result"].get("isError") else "ok"


def message(method, params=None, **more):
    return json.dumps({"jsonrpc": "2.0", "method": method} | ({"params": params} if params else {}) | more).encode()


def session(address):
    """The handshake of an old revision; gives the headers of what follows."""
    reply = wire.request(address, "POST", "/mcp", message("initialize", HELLO, id=0), PLAIN)
    headers = PLAIN | {"MCP-Protocol-Version": OLD, "Mcp-Session-Id": reply.headers["mcp-session-id"]}
    status = wire.request(address, "POST", "/mcp", message("notifications/initialized"), headers).status
    if status != 202:
        raise RuntimeError(f"a notification was answered with {status}")
    return headers


def whole_session(address):
    """A request in a session, a stream that is opened and left, and the end. Gives their statuses."""
    headers = session(address)
    asked = wire.request(address, "POST", "/mcp", message("tools/list", id=1), headers).status
    opened = stream(address, headers)
    status = int(opened.recv(64).split(b" ")[1])
    opened.close()
    return [asked, status, wire.request(address, "DELETE", "/mcp", None, headers).status // 100]


def stream(address, headers):
    """The connection of an open stream."""
    return sent(address, "GET", headers | {"Accept": "text/event-stream"}, b"")


def leave(address, question):
    """Asks and does not wait for the answer."""
    body, headers = wire.modern("tools/call", {"name": "search_docs", "arguments": {"query": f"{question} x" * 9}})
    connection = sent(address, "POST", headers, body)
    time.sleep(0.001)
    connection.close()


def sent(address, method, headers, body):
    lines = [f"{method} /mcp HTTP/1.1", f"Host: {address[0]}:{address[1]}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    connection = socket.create_connection(address, timeout=STREAM_SECONDS)
    connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    return connection
