"""Servers that ours asks, on loopback: collectors of traces, of which one remembers ids and the other whole spans, and
a model that gives vectors. None judges what it gets; the model's vectors mean nothing."""

import contextlib
import gzip
import http.server
import json
import threading
import time
import zlib

import protobuf
import spans

# Where ids stand in an ExportTraceServiceRequest: resource_spans, scope_spans, spans, and then trace_id.
SPANS, TRACE_ID = (1, 2, 2), 1
# Longer than a collector keeps a batch back.
QUIET = 0.5


class Fake:
    """Answers every POST with what `reply` makes of its body and headers. Use as a context manager: it never outlives
    the block."""

    content_type = "application/json"
    status = 200
    headers = {}

    def __init__(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers["Content-Encoding"] == "gzip":
                    body = gzip.decompress(body)
                body = fake.reply(body, self.headers)
                self.send_response(fake.status)
                for header in fake.headers.items():
                    self.send_header(*header)
                self.send_header("Content-Type", fake.content_type)
                self.send_header("Content-Length", str(len(body)))
                with contextlib.suppress(ConnectionError):  # whoever asked may have left meanwhile
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class Collector(Fake):
    """Takes every export of spans."""

    content_type = "application/x-protobuf"

    def __init__(self):
        super().__init__()
        self.traces = set()

    def reply(self, body, headers):
        self.traces.update(trace.hex() for span in protobuf.at(body, SPANS) for trace in protobuf.at(span, (TRACE_ID,)))
        return b""


class Receiver(Fake):
    """Takes every export of spans, and keeps all of them: not for a long load."""

    content_type = "application/x-protobuf"

    def __init__(self):
        super().__init__()
        self.spans = []

    def reply(self, body, headers):
        self.spans += spans.read(body)
        return b""

    def of(self, trace):
        """The spans of a trace."""
        return [span for span in self.spans if span.trace == trace]

    def settled(self, has_all, seconds=10):
        """Waits until `has_all()`, for so long at the most, and then until nothing has come for a while."""
        deadline = time.monotonic() + seconds
        while not has_all() and time.monotonic() < deadline:
            time.sleep(0.05)
        count = -1
        while count != len(self.spans) and time.monotonic() < deadline + QUIET:
            count = len(self.spans)
            time.sleep(QUIET)


class Model(Fake):
    """Speaks OpenAI's interface for embeddings, and counts tokens, which the built-in model has none of. Keeps the
    headers that it was asked with."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def reply(self, body, headers):
        self.asked.append({name.lower(): value for name, value in headers.items()})
        texts = json.loads(body)["input"]
        data = [{"index": index, "embedding": vector(text)} for index, text in enumerate(texts)]
        return json.dumps({"data": data, "usage": {"prompt_tokens": sum(map(len, texts)) // 4}}).encode()


def vector(text):
    """Eight numbers, never all 0."""
    digest = zlib.crc32(text.encode())
    return [1.0 + (digest >> 4 * place & 15) for place in range(8)]
