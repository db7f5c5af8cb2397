"""Two servers that ours asks, on loopback: a collector of traces that remembers their ids, and a model that gives
vectors. Neither judges what it gets; the model's vectors mean nothing."""

import contextlib
import http.server
import json
import threading
import zlib

import protobuf

# Where ids stand in an ExportTraceServiceRequest: resource_spans, scope_spans, spans, and then trace_id.
SPANS, TRACE_ID = (1, 2, 2), 1


class Fake:
    """Answers every POST with what `reply` makes of its body. Use as a context manager: it never outlives the block."""

    content_type = "application/json"

    def __init__(self):
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = fake.reply(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
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

    def reply(self, body):
        spans = protobuf.at(body, SPANS)
        self.traces.update(trace.hex() for span in spans for trace in protobuf.at(span, (TRACE_ID,)))
        return b""


class Model(Fake):
    """Speaks OpenAI's interface for embeddings, and counts tokens, which the built-in model has none of."""

    def reply(self, body):
        texts = json.loads(body)["input"]
        data = [{"index": index, "embedding": vector(text)} for index, text in enumerate(texts)]
        return json.dumps({"data": data, "usage": {"prompt_tokens": sum(map(len, texts)) // 4}}).encode()


def vector(text):
    """Eight numbers, never all 0."""
    digest = zlib.crc32(text.encode())
    return [1.0 + (digest >> 4 * place & 15) for place in range(8)]
