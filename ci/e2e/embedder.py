"""A stand-in for an embeddings server: four numbers for each text, at once, or after 4 s where a text says `slowly`, so
that a call can be given up while it is under way. Knows no model and no meaning."""

import http.server
import json
import threading
import time

MODEL = "stand-in"
SLOW_WORD, SLOW_SECONDS = "slowly", 4


class Embedder(http.server.ThreadingHTTPServer):
    """A running one. Use as a context manager: it never outlives the block."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answering)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def settings(self):
        """What the server under test must be told."""
        url = f"http://127.0.0.1:{self.server_port}/v1/embeddings"
        return {"EMBEDDINGS_URL": url, "EMBEDDINGS_MODEL": MODEL}

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()


class Answering(http.server.BaseHTTPRequestHandler):
    """One connection, as long as it is kept."""

    protocol_version = "HTTP/1.1"
    # The head and the body of an answer are two writes: with Nagle's algorithm the second waits for the first.
    disable_nagle_algorithm = True

    def do_POST(self):
        texts = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["input"]
        texts = [texts] if isinstance(texts, str) else texts
        if any(SLOW_WORD in text for text in texts):
            time.sleep(SLOW_SECONDS)
        data = [{"index": at, "embedding": [1.0, float(at % 5), 2.0, 0.5]} for at in range(len(texts))]
        body = json.dumps({"data": data, "model": MODEL, "usage": {"prompt_tokens": 1, "total_tokens": 1}}).encode()
        try:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # whoever asked has left

    def log_message(self, *_):
        pass
